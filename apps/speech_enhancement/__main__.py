"""python -m apps.speech_enhancement: speech out of noise."""

import os
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
    """Speech enhancement: what was said, without the noise."""


@app.command()
def train(
    data: Annotated[
        Path, typer.Option(help="A folder with folders of clean speech, noise and (if any) room responses below it.")
    ],
    out: Annotated[Path | None, typer.Option(help="The run's folder; by default runs/SYSTEM.")] = None,
    system: Annotated[str, typer.Option(help="edge_se, or another of the catalog.")] = "edge_se",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the system. Repeatable.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of a mixture.")] = 2.0,
    batch: Annotated[int, typer.Option(min=1)] = 8,
    steps: Annotated[int, typer.Option(min=1, help="In an epoch.")] = 250,
    epochs: Annotated[int, typer.Option(min=1)] = 40,
    learning_rate: Annotated[float, typer.Option(help="The highest; it falls to nothing by a cosine.")] = 2e-3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    xla: Annotated[bool, typer.Option(help="Compile the training step.")] = True,
    cache: Annotated[Path | None, typer.Option(help="For decoded sounds; by default ~/.cache/tfgen/sounds.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
) -> None:
    """Train on folders of speech and noise into a run. The same command goes on where it was interrupted."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.speech_enhancement import data as sounds
    from apps.speech_enhancement import training
    from tfgen import catalog, runs

    arguments = runs.parse(catalog.find(system).model, set_ or [])
    settings = training.Settings(system, arguments, seconds, batch, steps, epochs, learning_rate, seed=seed, xla=xla)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    training.train(
        sounds.found(data),
        out or Path("runs") / system,
        settings,
        cache=cache or home / "tfgen" / "sounds",
        fresh=fresh,
    )


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, "python -m apps.speech_enhancement")


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
