"""python -m tfgen: the command line. Every command is a function of tfgen.runs; TensorFlow is imported when one needs
it."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `train` made, such as runs/vae-digits.")]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Where TensorFlow Datasets are, or go; else TFDS_DATA_DIR, else ~/tensorflow_datasets."),
]

Temperature = Annotated[
    float | None,
    typer.Option(help="Of autoregressive systems: below 1 nearer to the most likely values, 0 always these."),
]
TopK = Annotated[int | None, typer.Option(help="Of autoregressive systems: only so many of the most likely values.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Deep generative models in Keras 3: train, judge and ship them."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@app.command("list")
def list_() -> None:
    """The catalog: system, family, paper, what each can do."""
    from tfgen.files import shipped

    # the table of the README, which a test holds to be the catalog's, so that nobody waits for TensorFlow
    table = (
        shipped("README.md").read_text().partition("| name | system | family | paper | can |\n")[2].partition("\n\n")[0]
    )
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table.splitlines()[1:]]
    for family in dict.fromkeys(row[2] for row in rows):
        print(f"\n{family}")
        for name, summary, _, paper, abilities in (row for row in rows if row[2] == family):
            print(f"  {name:<12} {summary}\n  {'':<12} {paper}\n  {'':<12} {abilities}")
    print("\nnext: python -m tfgen train vae")


@app.command()
def train(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="A name of `python -m tfgen list`.")],
    data: Annotated[
        str, typer.Option(help="digits, ring, grid, bars, ising, a TensorFlow Dataset, or a folder of pictures.")
    ] = "digits",
    data_dir: DataDir = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="By default the catalog's.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Over all devices; by default the catalog's.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="An argument of the system, such as hidden=200,200. Repeatable."
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            help="What the model is told: labels, small:K (the picture K times smaller), a folder with the other half "
            "of each pair, a .csv of captions. Repeatable."
        ),
    ] = None,
    labelled: Annotated[int | None, typer.Option(min=1, help="Only so many examples keep their label.")] = None,
    binarise: Annotated[
        str, typer.Option(help="Grey to 0 and 1: afresh each epoch, fixed once, or threshold.")
    ] = "epoch",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many examples.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Cut and average pictures to this width and height.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the first player, which leads the others; by default the paper's.")
    ] = None,
    decay: Annotated[str, typer.Option(help="Of the learning rate over the epochs: none, cosine or linear.")] = "none",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and every draw.")] = 0,
    precision: Annotated[str, typer.Option(help="float32, mixed_bfloat16 or mixed_float16.")] = "float32",
    distribute: Annotated[
        str, typer.Option(help="none, mirrored (all GPUs) or multiworker (the machines of TF_CONFIG).")
    ] = "none",
    xla: Annotated[bool, typer.Option("--xla", help="Compile the training step.")] = False,
    out: Annotated[Path | None, typer.Option(help="The run's folder; by default runs/SYSTEM-DATA.")] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Begin anew: what the folder holds is forgotten when the first epoch is done."),
    ] = False,
    pictures_every: Annotated[
        int, typer.Option(min=1, help="Samples and histograms for TensorBoard each so many epochs.")
    ] = 1,
    judge_every: Annotated[
        int | None,
        typer.Option(
            min=1, help="Each so many epochs samples are compared with held-out examples (Fréchet or kernel distance)."
        ),
    ] = None,
) -> None:
    """Train a system into a folder. The same command goes on where it was interrupted."""
    from tfgen.checks import one_of

    one_of(f"--binarise {binarise}", binarise, ("epoch", "fixed", "threshold"))
    one_of(f"--precision {precision}", precision, ("float32", "mixed_bfloat16", "mixed_float16"))
    one_of(f"--distribute {distribute}", distribute, ("none", "mirrored", "multiworker"))
    tfgen = _tensorflow()
    from tfgen import runs

    settings = runs.Settings(
        system,
        runs.parse(tfgen.catalog.find(system).model, set_ or []),
        data,
        binarise,
        limit,
        size and (size, size),
        tuple(condition or ()),
        labelled,
        batch,
        epochs,
        learning_rate,
        decay,
        seed,
        precision,
        xla,
    )
    named = (
        Path(data).expanduser().resolve().name
        if data.startswith(("/", ".", "~"))
        else data.replace("/", "-").replace(":", "-")
    )
    folder = out or Path("runs") / f"{system}-{named}"
    try:
        runs.train(
            settings,
            folder,
            data_dir=data_dir,
            fresh=fresh,
            distribute_by=distribute,
            pictures_every=pictures_every,
            judge_every=judge_every,
        )
    except KeyboardInterrupt:
        same = "the same command without --fresh" if fresh else "the same command"
        print(f"\ninterrupted: every finished epoch is in {folder}, and {same} goes on from there", file=sys.stderr)
        raise typer.Exit(130) from None
    shown = next((name for name in ("means.png", "samples.png") if (folder / "samples" / name).is_file()), "")
    print(f"see {folder}/samples/{shown}, or: tensorboard --logdir {folder.parent}")
    print("next:")
    completes = ["complete"] if hasattr(tfgen.catalog.find(system).model, "complete") else []
    for verb in ("sample", *completes, "evaluate", "analyse"):
        print(f"  python -m tfgen {verb} {shlex.quote(str(folder))}")
    _say_export(folder)


@app.command()
def sample(
    run: RunFolder,
    n: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 64,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same samples.")] = None,
    label: Annotated[
        int | None, typer.Option(help="For a model that was told labels: all of this class; else every class in turn.")
    ] = None,
    caption: Annotated[
        str | None, typer.Option(help="For a model that was told captions: all of this one; else held-out ones.")
    ] = None,
    given: Annotated[
        Path | None, typer.Option(help="For a model that was told a picture: all of this file; else held-out ones.")
    ] = None,
    means: Annotated[
        bool, typer.Option("--means", help="What samples are drawn around, without the likelihood's noise.")
    ] = False,
    temperature: Temperature = None,
    top_k: TopK = None,
    out: Annotated[Path | None, typer.Option(help="A .png or .npy file; by default in the run's samples/.")] = None,
) -> None:
    """Draw samples: a picture, or the numbers."""
    _tensorflow()
    from tfgen import runs

    choice = {"temperature": temperature, "top_k": top_k}
    found = runs.Run.open(run)
    print(runs.sample(found, n, seed=seed, label=label, caption=caption, given=given, means=means, out=out, **choice))


@app.command()
def complete(
    run: RunFolder,
    n: Annotated[int, typer.Option("-n", min=1, help="How many held-out examples.")] = 16,
    keep: Annotated[
        str,
        typer.Option(
            help="What is known: the top, bottom, left or right half, prefix:COUNT numbers, or a .png file, white "
            "where it is."
        ),
    ] = "top",
    draws: Annotated[int, typer.Option(min=1, help="Completions of each.")] = 3,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same completions.")] = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    data_dir: DataDir = None,
    out: Annotated[Path | None, typer.Option(help="A .png or .npy file; by default in the run's samples/.")] = None,
) -> None:
    """Complete examples of which a part is known (autoregressive systems): before and after, as a picture."""
    _tensorflow()
    from tfgen import runs

    choice = {"temperature": 1.0 if temperature is None else temperature, "top_k": top_k}
    found = runs.Run.open(run)
    print(runs.complete(found, n, keep=keep, draws=draws, seed=seed, data_dir=data_dir, out=out, **choice))


@app.command()
def evaluate(
    run: RunFolder,
    split: Annotated[str, typer.Option(help="Of the data that the run was trained on.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many examples.")] = None,
    data_dir: DataDir = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    k: Annotated[
        int, typer.Option("-k", "--k", min=1, help="Samples behind each estimate of a likelihood through its bound.")
    ] = 1000,
    chains: Annotated[int, typer.Option(min=2, help="Of annealed importance sampling.")] = 100,
    temperatures: Annotated[int, typer.Option(min=1, help="Of annealed importance sampling.")] = 10_000,
    samples: Annotated[
        int | None,
        typer.Option(
            min=10, help="To compare with the data; by default 10,000 where there is no likelihood, else none."
        ),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(help="Of variational models: estimate by elbo, iwae, jvi:1 or jvi:2, too; may be repeated."),
    ] = None,
) -> None:
    """Every metric that is true of the model, into the terminal and card.json."""
    _tensorflow()
    from tfgen import runs

    runs.evaluate(
        runs.Run.open(run),
        split=split,
        limit=limit,
        data_dir=data_dir,
        seed=seed,
        k=k,
        chains=chains,
        temperatures=temperatures,
        samples=samples,
        objectives=tuple(objective or ()),
    )
    print(f"written into {run}/card.json")
    _say_export(run)


@app.command()
def analyse(
    run: RunFolder,
    data_dir: DataDir = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of everything that is drawn: the same seed gives the same pictures.")
    ] = 0,
) -> None:
    """What has it learnt: stages of training, latent walks, codes, nearest neighbours, as pictures
    and into card.json."""
    _tensorflow()
    from tfgen import runs

    runs.analyse(runs.Run.open(run), data_dir=data_dir, seed=seed)
    print(f"see {run}/analysis; figures in {run}/card.json")
    _say_export(run)


@app.command()
def compare(
    runs_: Annotated[list[Path], typer.Argument(metavar="RUN RUN …", help="Folders that `train` made.")],
    out: Annotated[Path | None, typer.Option(help="A .png file; by default compare.png beside the runs.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples.")] = 0,
) -> None:
    """Runs beside each other: a table of settings and figures, and a picture of their samples."""
    _tensorflow()
    from tfgen import runs

    print(runs.compare([runs.Run.open(run) for run in runs_], out=out, seed=seed))


@app.command()
def reproduce(
    name: Annotated[
        str | None, typer.Argument(metavar="CLAIM", help="One of docs/claims.csv; none lists them.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many; by default as many as the claim states.")] = None,
    data_dir: DataDir = None,
    out: Annotated[Path, typer.Option(help="For the runs.")] = Path("runs/claims"),
    quick: Annotated[
        bool, typer.Option("--quick", help="The same path in seconds, on few examples: its figures mean nothing.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into docs/claims.csv and the README.")
    ] = False,
) -> None:
    """Measure a claim again: train, evaluate, and put ours beside the published figure."""
    from tfgen.runs import claims

    if name is None:
        print(claims.listing())
        return
    claims.find(name)
    _tensorflow()
    claims.reproduce(name, command, seeds=seeds, data_dir=data_dir, out=out, quick=quick, record=record)


def _say_export(folder: Path) -> None:
    """The command, where it can be typed: in a clone."""
    if Path("export/__main__.py").is_file():
        print(f"  python -m export {shlex.quote(str(folder))}")


def _tensorflow():
    import tfgen
    from tfgen._quiet import import_tensorflow

    waiting = "starting TensorFlow …"
    if sys.stderr.isatty():
        print(waiting, end="\r", file=sys.stderr, flush=True)
    import_tensorflow()
    if sys.stderr.isatty():
        print(" " * len(waiting), end="\r", file=sys.stderr, flush=True)
    return tfgen


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, "python -m tfgen")


def run_app(app: typer.Typer, arguments: list[str], name: str) -> int:
    """Runs a command line; its exit code. What a person can put right is one line and code 2; TFGEN_TRACEBACK=1 shows
    where it came from."""
    try:
        app(arguments, prog_name=name)
    except SystemExit as end:
        return end.code or 0
    except Exception as error:  # TensorFlow's come as many types
        if os.environ.get("TFGEN_TRACEBACK"):
            raise
        line = next((line for line in str(error).splitlines() if line.strip()), "")
        ours = isinstance(error, (ValueError, OSError, ImportError, RuntimeError))
        if isinstance(error, OSError) and error.filename and error.strerror:
            line = f"{error.filename}: {error.strerror}"
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            ours, line = True, "there is not enough memory: take smaller batches, sizes or numbers of samples"
        print(
            f"{name}: "
            f"{line if ours and line else f'{type(error).__name__}: {line[:300]} (TFGEN_TRACEBACK=1 shows where)'}",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
