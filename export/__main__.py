"""python -m export RUN: a SavedModel and TF-Lite files, verified; `verify FILE [RUN]`, `bench FILE`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

_WORDS = {"add_completion": False, "pretty_exceptions_enable": False}
_HELP = {"help_option_names": ["-h", "--help"]}
_export, _verify, _bench = (typer.Typer(**_WORDS, context_settings=_HELP) for _ in range(3))

_RUN = typer.Argument(metavar="RUN", help="A folder that `python -m tfgen train` made.")
_FILE = typer.Argument(metavar="FILE", help="A .tflite file, or a SavedModel's folder.")


@_export.command(epilog="Also: `python -m export verify FILE [RUN]`, `python -m export bench FILE`.")
def main(
    run: Annotated[Path | None, _RUN] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write; by default RUN/export.")] = None,
    signatures: Annotated[str | None, typer.Option(help="Only these, such as encode,decode.")] = None,
    quantize: Annotated[
        str,
        typer.Option(help="Formats of TF-Lite files: float32,float16,dynamic,int8,int16x8. float32 is always there."),
    ] = "float32",
    io: Annotated[str, typer.Option(help="What int8 files take and give: float, int8 or uint8.")] = "float",
    by: Annotated[
        str | None, typer.Option(help="One way to quantise, converter, quantizer or layers; by default the best.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the run's data lie.")] = None,
    list_: Annotated[
        bool,
        typer.Option(
            "--list", help="What of a run, or of each system, converts to which format, and why the rest does not."
        ),
    ] = False,
) -> None:
    """Write a SavedModel and TF-Lite files of a run: all are loaded again in a fresh process and compared with Keras
    before they get their names."""
    if run is None and not list_:
        raise ValueError(
            "which run? python -m export RUN, with a folder that `python -m tfgen train` made; --list says what "
            "converts"
        )
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    from export import listing
    from export.run import export
    from tfgen.runs import Run

    names = _words(signatures) or None
    if list_:
        print(listing.of_run(Run.open(run), names, data_dir) if run else listing.listing())
        return
    options = {"formats": tuple(_words(quantize)), "io": io, "by": by}
    folder, card = export(Run.open(run), out, names, data_dir, **options)
    for path in sorted(folder.iterdir()):
        print(f"  {path}")
    tflite = any(name.endswith(".tflite") for name in card["files"])
    without = "" if tflite else "no TF-Lite file, for no signature converts (the card says why); "
    print(f"{without}written and verified; card: {folder}/README.md")
    if card["not_written"]:
        kind, why = next(iter(card["not_written"].items()))
        raise ValueError(f"no {kind} file: {why}; the rest is written. Other signatures? --signatures")


@_verify.command()
def verify(
    file: Annotated[Path, _FILE],
    run: Annotated[Path | None, _RUN] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the run's data lie.")] = None,
) -> None:
    """Load a file in a fresh process and compare it with the run's Keras model, or without a run with the example
    beside it."""
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    from export.run import verify
    from tfgen.runs import Run

    print(verify(file, run and Run.open(run), data_dir))


@_bench.command()
def bench(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tflite file.")],
    shape: Annotated[
        list[str] | None, typer.Option(help="Of an input that takes any size, such as x=1,180,320,3.")
    ] = None,
) -> None:
    """How long a call takes on one and two threads, and how much memory."""
    from export.bench import report

    print(report(file, dict(map(_shape, shape or ()))))


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _shape(text: str) -> tuple[str, list[int]]:
    name, _, sizes = text.partition("=")
    if not name or not sizes or not all(word.isdigit() and int(word) for word in _words(sizes)):
        raise ValueError(f"--shape {text}: expected an input's name and its sizes, such as x=1,180,320,3")
    return name, list(map(int, _words(sizes)))


def app(arguments: list[str], prog_name: str) -> None:
    """The first word may be a command; without one it is a run."""
    commands = {"verify": _verify, "bench": _bench}
    first = arguments[0] if arguments else ""
    if first in commands:
        return commands[first](arguments[1:], prog_name=f"{prog_name} {first}")
    return _export(arguments, prog_name=prog_name)


if __name__ == "__main__":
    from tfgen.__main__ import run_app

    sys.exit(run_app(app, sys.argv[1:], "python -m export"))
