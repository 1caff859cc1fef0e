"""python -m export RUN: a SavedModel and a TF-Lite file, verified."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


@app.command()
def main(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A folder that `python -m tfgen train` made.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write; by default RUN/export.")] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="What of each system converts, and why the rest does not.")
    ] = False,
) -> None:
    """Write a SavedModel and a TF-Lite file of a run: both are loaded again in a fresh process and compared with Keras
    before they get their names."""
    if run is None and not list_:
        raise ValueError(
            "which run? python -m export RUN, with a folder that `python -m tfgen train` made; --list says what "
            "converts"
        )
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    if list_:
        from export.listing import listing

        print(listing())
        return
    from export.run import export
    from tfgen.runs import Run

    folder, _ = export(Run.open(run), out)
    for path in sorted(folder.iterdir()):
        print(f"  {path}")
    without = (
        ""
        if (folder / "model.tflite").is_file()
        else "no TF-Lite file, for no signature converts (the card says why); "
    )
    print(f"{without}written and verified; card: {folder}/README.md")


if __name__ == "__main__":
    from tfgen.__main__ import run_app

    sys.exit(run_app(app, sys.argv[1:], "python -m export"))
