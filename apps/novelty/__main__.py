"""python -m apps.novelty: what is unlike all that was seen."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tfgen.__main__ import run_app

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `train` made.")]
DataDir = Annotated[Path | None, typer.Option(help="Where TensorFlow Datasets are, or go.")]
By = Annotated[str, typer.Option(help="bound or reconstruction.")]
Epochs = Annotated[int, typer.Option(min=1)]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the VAE. Repeatable.")
]
Size = Annotated[int | None, typer.Option(min=1, help="Cut and average pictures to this width and height.")]


@app.callback()
def main() -> None:
    """Novelty: what is unlike all that was seen."""


@app.command()
def train(
    data: Annotated[str, typer.Option(help="digits, a TensorFlow Dataset, or a folder of normal pictures.")],
    normal: Annotated[int | None, typer.Option(help="The class that is normal; all, where none is said.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder.")] = None,
    set_: Sets = None,
    size: Size = None,
    limit: Annotated[int | None, typer.Option(min=20, help="Only so many normal examples.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="By default 20 steps are an epoch.")] = None,
    epochs: Epochs = 50,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    data_dir: DataDir = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
) -> None:
    """Learn what is normal. The same command goes on where it was interrupted."""
    training, given = _begin(set_)
    name = Path(data).name if normal is None else f"{Path(data).name}-{normal}"
    options = {"arguments": given, "size": (size, size) if size else None, "limit": limit, "batch": batch}
    run = training.train(
        data,
        normal,
        out or Path("runs") / f"novelty-{name}",
        epochs=epochs,
        seed=seed,
        data_dir=data_dir,
        fresh=fresh,
        **options,
    )
    print(f"python -m apps.novelty score {run.folder} FOLDER judges pictures")


@app.command()
def score(
    run: RunFolder,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of pictures, with all below it.")],
    by: By = "bound",
    out: Annotated[Path | None, typer.Option(help="The .csv to write; by default in RUN.")] = None,
) -> None:
    """Score the pictures of a folder: a .csv, the newest first, and a sheet of the most and the least likely."""
    evaluating = _evaluating()
    from tfgen import runs

    evaluating.score_files(runs.Run.open(run), folder, by=by, out=out)


@app.command()
def evaluate(
    run: RunFolder,
    by: By = "bound",
    limit: Annotated[int | None, typer.Option(min=2, help="Only the first so many test examples.")] = None,
    data_dir: DataDir = None,
) -> None:
    """AUROC of the test split: the normal class against all others."""
    evaluating = _evaluating()
    from tfgen import runs

    evaluating.evaluate(runs.Run.open(run), by=by, data_dir=data_dir, limit=limit)


@app.command()
def one_class(
    data: Annotated[str, typer.Option(help="A set of classes.")] = "digits",
    classes: Annotated[int, typer.Option(min=1, help="So many of them in turn.")] = 10,
    set_: Sets = None,
    epochs: Epochs = 50,
    limit: Annotated[int | None, typer.Option(min=20, help="Only so many normal examples of each class.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Each class in turn as the normal one: learn it, and the AUROC of each. No run is kept."""
    _, given = _begin(set_)
    _evaluating().one_class(data, range(classes), arguments=given, limit=limit, epochs=epochs, data_dir=data_dir)


@app.command()
def export(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option(help="The folder to write; by default RUN/novelty.")] = None,
    data_dir: DataDir = None,
) -> None:
    """The scorer as SavedModel and TF-Lite, verified, with a card."""
    _evaluating()
    from apps.novelty import shipping
    from tfgen import runs

    shipping.export(runs.Run.open(run), out or run / "novelty", data_dir=data_dir)
    print(f"see {out or run / 'novelty'}")


def _begin(set_: list[str] | None):
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.novelty import training
    from tfgen import catalog, runs

    return training, runs.parse(catalog.find("vae").model, set_ or [])


def _evaluating():
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.novelty import evaluating

    return evaluating


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, "python -m apps.novelty")


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
