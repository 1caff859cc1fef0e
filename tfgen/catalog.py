"""Every system of the house: it feeds the README's table, the conformance tests and the command line."""

import pathlib

from tfgen import adversarial, autoregressive, energy, mixture, restoration, variational
from tfgen.checks import nearest
from tfgen.entry import Entry
from tfgen.model import GenerativeModel

__all__ = ["CATALOG", "Entry", "find", "load", "table"]

CATALOG: list[Entry] = [
    *energy.ENTRIES,
    *adversarial.ENTRIES,
    *variational.ENTRIES,
    *autoregressive.ENTRIES,
    *mixture.ENTRIES,
    *restoration.ENTRIES,
]


def find(name: str) -> Entry:
    by_name = {entry.name: entry for entry in CATALOG}
    if name not in by_name:
        raise ValueError(f"there is no system {name!r}: did you mean {nearest(name, by_name)}?")
    return by_name[name]


def load(filepath: str | pathlib.Path) -> GenerativeModel:
    """Any saved model of the catalog: a .keras file, or a run's folder."""
    path = pathlib.Path(filepath)
    return GenerativeModel.load(path / "model.keras" if path.is_dir() else path)


def table() -> str:
    """The catalog in Markdown."""
    rows = ["| name | system | family | paper | can |", "|---|---|---|---|---|"]
    rows += [f"| `{e.name}` | {e.summary} | {e.family} | {e.paper} | {', '.join(e.abilities)} |" for e in CATALOG]
    return "\n".join(rows)
