"""python -m apps.super_resolution: pictures made larger."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tfgen.__main__ import run_app

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


@app.callback()
def main() -> None:
    """Super-resolution: pictures made larger."""


@app.command()
def train(
    data: Annotated[list[Path], typer.Option(help="A folder of pictures, with all below it. Repeatable.")],
    scale: Annotated[int, typer.Option(min=2, help="How many times larger.")] = 4,
    system: Annotated[str, typer.Option(help="edge_sr, or another of the catalog's restoration.")] = "edge_sr",
    out: Annotated[Path | None, typer.Option(help="The run's folder; by default runs/SYSTEM-xSCALE.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the system. Repeatable.")
    ] = None,
    patch: Annotated[int, typer.Option(min=4, help="Side of a small crop.")] = 48,
    batch: Annotated[int, typer.Option(min=1)] = 16,
    crops: Annotated[int, typer.Option(min=1, help="Crops an epoch.")] = 8000,
    epochs: Annotated[int, typer.Option(min=1)] = 100,
    learning_rate: Annotated[float | None, typer.Option(help="By default the system's.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    precision: Annotated[str, typer.Option(help="mixed_bfloat16 (fp32 weights) or float32.")] = "mixed_bfloat16",
    start: Annotated[Path | None, typer.Option(help="A run or model to take weights from.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
) -> None:
    """Train on folders of pictures into a run. The same command goes on where it was interrupted."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.super_resolution import training
    from tfgen import catalog, runs

    training.train(
        data,
        out or Path("runs") / f"{system}-x{scale}",
        system=system,
        scale=scale,
        arguments=runs.parse(catalog.find(system).model, set_ or []),
        patch=patch,
        batch=batch,
        crops=crops,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        precision=precision,
        start=start,
        fresh=fresh,
    )


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, "python -m apps.super_resolution")


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
