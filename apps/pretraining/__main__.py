"""python -m apps.pretraining: a classifier from many pictures and few labels."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tfgen.__main__ import run_app

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


@app.command()
def main(
    data: Annotated[
        str, typer.Option(help="A set with labels (digits, mnist, any TensorFlow Dataset), or a folder of pictures.")
    ] = "digits",
    labelled: Annotated[
        str | None, typer.Option(help="A folder with a folder for each class; by default the data bring the labels.")
    ] = None,
    labels: Annotated[
        list[int] | None, typer.Option(min=1, help="How many labels. Repeatable; by default 100, 1000 and all.")
    ] = None,
    system: Annotated[str, typer.Option(help="rbm, dbn or dbm.")] = "dbn",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the system. Repeatable.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each layer; by default 5,000 updates.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Of the pre-training; by default 100, of few pictures 20.")
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help="Steps of each classifier.")] = 3000,
    rate: Annotated[float, typer.Option(help="Of Adam, of the classifiers.")] = 1e-3,
    frozen: Annotated[bool, typer.Option("--frozen", help="A logistic regression on the features alone.")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Choices of labels and first weights to average over.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the pre-training.")] = 0,
    size: Annotated[int | None, typer.Option(min=1, help="Cut and average pictures to squares of this side.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures without labels.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where TensorFlow Datasets are, or go.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder; by default runs/pretraining-SYSTEM-DATA.")] = None,
    no_export: Annotated[bool, typer.Option("--no-export", help="Leave out SavedModel and TF-Lite.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
) -> None:
    """Pre-train layer by layer without labels, then fine-tune with few, beside the same net from random weights.

    Writes accuracy.png, weights.png, results.json, the machine's run and the exported classifier. The same command goes
    on where it was interrupted."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.pretraining import comparing, exporting, training
    from apps.pretraining.data import open_task
    from tfgen import catalog, runs
    from tfgen.checks import one_of
    from tfgen.files import whole

    one_of(f"--system {system}", system, training.SYSTEMS)
    out = out or Path("runs") / f"pretraining-{system}-{Path(data).name}"
    task = open_task(data, labelled, size=size, data_dir=data_dir, limit=limit)
    arguments = runs.parse(catalog.find(system).model, set_ or [])
    counts = sorted({min(n, len(task.x)) for n in labels or (100, 1000, len(task.x))})
    if counts[0] < task.classes:
        raise ValueError(f"--labels {counts[0]}: there are {task.classes} classes, and each needs an example or more")
    given = {"system": system, "arguments": arguments, "epochs": epochs, "batch": batch, "seed": seed, "fresh": fresh}
    machine = training.pretrain(task, out / "machine", **given)
    rows, nets = comparing.compare(task, machine, counts, updates=updates, rate=rate, frozen=frozen, seeds=seeds)
    protocol = {
        "system": system,
        "hidden": comparing.hidden_of(machine),
        "epochs_of_each_layer": epochs or "5,000 updates",
    }
    protocol |= {"updates": updates, "rate": rate, "frozen": frozen, "seeds": seeds, "test": len(task.test_x)}
    with whole(out / "results.json") as partial:
        partial.write_text(json.dumps({"data": data, **protocol, "rows": rows}, indent=1))
    name = f"{system} on {Path(data).name}"
    written = [comparing.chart(rows, out / "accuracy.png", name)]
    written.append(comparing.weights_picture(task.shape, machine, nets, out / "weights.png"))
    if not no_export:
        about = {"title": f"Classifier, pre-trained as a {name}", "accuracy": rows[-1]["pretrained"], **protocol}
        exporting.export(nets["pretrained"], task.test_x, out / "classifier", about=about, say=lambda line: None)
        written.append(out / "classifier")
    for path in (out / "results.json", *written):
        print(f"  {path}")


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, "python -m apps.pretraining")


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
