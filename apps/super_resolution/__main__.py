"""python -m apps.super_resolution: pictures made larger."""

import json
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
    """Super-resolution: pictures made larger."""


@app.command()
def train(
    data: Annotated[
        list[Path],
        typer.Option(
            help="A folder of pictures, with all below it, or a TensorFlow Dataset (div2k/bicubic_x4). Repeatable."
        ),
    ],
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
    precision: Annotated[
        str | None,
        typer.Option(help="mixed_bfloat16 (fp32 weights) or float32; by default what is faster here, or the run's."),
    ] = None,
    blur: Annotated[float, typer.Option(min=0, help="Largest blur before being made smaller, in pixels.")] = 0,
    noise: Annotated[float, typer.Option(min=0, help="Largest noise on small pictures, in levels.")] = 0,
    jpeg: Annotated[int | None, typer.Option(min=1, max=100, help="Lowest quality of small pictures.")] = None,
    start: Annotated[Path | None, typer.Option(help="A run or model to take weights from.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where TensorFlow Datasets are, or go.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
) -> None:
    """Train on folders of pictures into a run. The same command goes on where it was interrupted."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.super_resolution import training
    from apps.super_resolution.data import Degradation
    from tfgen import catalog, runs

    degradation = Degradation(blur, noise, jpeg)
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
        degradation=degradation,
        start=start,
        data_dir=data_dir,
        fresh=fresh,
    )


@app.command()
def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder with all below it.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help="The file, or the folder, to write.")],
    scale: Annotated[
        float | None, typer.Option(help="How many times larger: by the shipped nets 2 or 4, else resized after. [4]")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A .tflite file, .keras file or run's folder in place of the shipped nets.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="The shipped net of whole numbers: faster.")] = False,
    ensemble: Annotated[
        bool, typer.Option("--self-ensemble", help="The mean over eight flips and turns: better, 8 times slower.")
    ] = False,
    consistent: Annotated[
        bool, typer.Option("--consistent", help="The result, made smaller again, is the picture, where it can be.")
    ] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Write a picture of before (bicubic) and after, side by side, too.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="png, jpg, webp, tif, avif or bmp; by default that of each file.")
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF.")] = 95,
    threads: Annotated[int | None, typer.Option(min=1, help="By default all cores.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Make pictures larger."""
    from apps.super_resolution import upscaling

    if compare is not None and source.is_dir():
        raise ValueError(f"--compare {compare}: one picture has a before and after; {source} is a folder")
    options = upscaling.Options(_net(model, scale or 4, int8, threads), scale, ensemble, consistent, quality, compare)
    suffix = None if form is None else f".{form.lower().lstrip('.')}"
    say = (lambda line: None) if json_ else print
    done, failed = upscaling.upscale_all(
        source, target, options, force=force, suffix=suffix, say=say, complain=_complain
    )
    if json_:
        print(json.dumps(done, indent=1))
    if failed:
        if len(done) > 1:
            _complain(f"{failed} of {len(done)} files could not be done")
        raise typer.Exit(2)


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of originals.")],
    scale: Annotated[int | None, typer.Option(help="2 or 4; by default 4, or the model's.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="A .tflite file, .keras file or run's folder in place of the shipped nets.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="The shipped net of whole numbers.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="By default all cores.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """PSNR and SSIM of pictures made smaller and larger again, beside bicubic."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.super_resolution import evaluating

    net = _net(model, scale or 4, int8, threads)
    if scale not in (None, net.scale):
        raise ValueError(f"--scale {scale}: this net makes pictures {net.scale} times larger")
    result = evaluating.evaluate(folder, net, _complain)
    print(json.dumps(result, indent=1) if json_ else evaluating.table(result))
    if result["left_out"]:
        raise typer.Exit(2)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `train` made.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="The folders it was trained on, for the ranges of int8 and the quality. Repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write; by default RUN/super_resolution_xSCALE.")
    ] = None,
) -> None:
    """Write Keras, SavedModel, TF-Lite float32 and int8, verified, with a card."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.super_resolution import shipping
    from tfgen import runs

    for path in sorted(shipping.export(runs.Run.open(run), out, data or ()).iterdir()):
        print(f"  {path}")


def _complain(line: str) -> None:
    print(f"python -m apps.super_resolution: {line}", file=sys.stderr)


def _net(model: Path | None, scale: float, int8: bool, threads: int | None):
    from apps.super_resolution import tiles, upscaling

    if model is not None and int8:
        raise ValueError("--int8 is of the shipped nets: give --model the file itself")
    path = upscaling.shipped(scale, int8)
    return tiles.open_net(model or path, threads or os.cpu_count() or 1)


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, "python -m apps.super_resolution")


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
