"""What the command line does, for use from Python, too: train into a folder, sample from it, judge it, analyse it,
measure claims."""

import importlib

_HOME = {
    "Run": "folder",
    "Settings": "folder",
    "analyse": "analysing",
    "compare": "comparing",
    "parse": "arguments",
    "complete": "completing",
    "evaluate": "judging",
    "fit": "fitting",
    "sample": "training",
    "train": "training",
}

__all__ = [*_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"tfgen.runs has no {name!r}")
    return getattr(importlib.import_module(f"tfgen.runs.{_HOME[name]}"), name)
