"""python -m apps.speech_enhancement: speech out of noise."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tfgen.__main__ import run_app

NAME = "python -m apps.speech_enhancement"
Model = Annotated[Path | None, typer.Option(help="A streaming .tflite file in place of the shipped one.")]
Int8 = Annotated[bool, typer.Option("--int8", help="The shipped file whose weights are bytes.")]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


@app.callback()
def main() -> None:
    """Speech enhancement: what was said, without the noise."""


@app.command()
def enhance(
    source: Annotated[str | None, typer.Argument(metavar="IN", help="A sound, a folder, or - for a raw pipe.")] = None,
    target: Annotated[str | None, typer.Argument(metavar="OUT", help="The file or folder to write, or -.")] = None,
    strength: Annotated[
        float, typer.Option(help="From 0 (as it was) to 1: noise falls by -20 log10(1 - it) dB.")
    ] = 1.0,
    vad: Annotated[Path | None, typer.Option(help="Write when there is speech: a .csv, or a folder of them.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write both spectrograms: a .png, or a folder of them.")] = None,
    live: Annotated[bool, typer.Option("--live", help="From the microphone to the loudspeaker.")] = False,
    rate: Annotated[int, typer.Option(min=2000, max=384000, help="Of raw pipes, Hz.")] = 16000,
    channels: Annotated[int, typer.Option(min=1, help="Of raw pipes.")] = 1,
    model: Model = None,
    int8: Int8 = False,
    force: Force = False,
) -> None:
    """Clean a recording, a folder with all below it, a pipe of raw 16-bit samples (-), or the microphone (--live)."""
    from apps.speech_enhancement import enhancing, stream

    options = enhancing.Options(stream.open_net(_file(model, int8)), strength, vad, picture, force)
    if live:
        return enhancing.live(options)
    if source is None or target is None:
        raise ValueError("enhance takes IN and OUT, two files or folders, - and - for pipes, or --live")
    if (source == "-") != (target == "-"):
        raise ValueError("a pipe is - at both ends: enhance - - < in.raw > out.raw")
    if source == "-":
        return enhancing.pipe(options, rate, channels)
    failed = enhancing.enhance_all(Path(source), Path(target), options, print, _complain)
    if failed:
        raise typer.Exit(2)


@app.command()
def evaluate(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="A sound, or a folder.")],
    noisy: Annotated[Path, typer.Argument(metavar="NOISY", help="The same with noise; files that are called alike.")],
    enhanced: Annotated[Path | None, typer.Option(help="What somebody made of it; else the network does.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="A .tflite file, a .keras file or a run's folder in place of the shipped file.")
    ] = None,
    int8: Int8 = False,
    pesq: Annotated[bool, typer.Option(help="PESQ, CSIG, CBAK and COVL, by the package pesq.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """PESQ-WB, STOI, SI-SDR, segmental SNR, CSIG, CBAK, COVL: of noisy, the log-MMSE filter, and what was enhanced."""
    import importlib.util

    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.speech_enhancement import evaluating

    found = evaluating.pairs(clean, noisy, enhanced)
    name, enhance = (enhanced.name, None) if enhanced is not None else evaluating.enhancer(_file(model, int8))
    if pesq and importlib.util.find_spec("pesq") is None:
        _complain("without PESQ and what is made of it: pip install 'tfgen[speech]' adds it (it needs a C compiler)")
        pesq = False
    result = evaluating.evaluate(found, enhance, name, with_pesq=pesq, complain=_complain)
    print(json.dumps(result, indent=1) if json_ else evaluating.table(result, name))
    if result["failed"]:
        raise typer.Exit(2)


@app.command()
def mix(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="A folder of speech, with all below it.")],
    noise: Annotated[Path, typer.Argument(metavar="NOISE", help="A folder of noises.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Gets folders clean and noisy, files called alike.")],
    snr: Annotated[list[float] | None, typer.Option(help="dB; repeatable. [-5 0 5 10 15]")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of which noise, from where.")] = 0,
    force: Force = False,
) -> None:
    """Pairs to evaluate with: every speech file in one of the noises, at each SNR."""
    from apps.speech_enhancement import mixing

    print(mixing.mix_folders(clean, noise, out, snr or [-5, 0, 5, 10, 15], seed, force))


@app.command()
def train(
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder with folders clean… (or speech…), noise… or noisy…, and rir… below it; what is below a "
            "folder test is left out. Without one: synthetic voices, for a first look."
        ),
    ] = None,
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
    warm_up: Annotated[int, typer.Option(min=0, help="Steps in which it rises.")] = 300,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    xla: Annotated[bool, typer.Option(help="Compile the training step.")] = True,
    start: Annotated[str | None, typer.Option(help="A run or .keras file to take the weights from.")] = None,
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
    settings = training.Settings(
        system, arguments, seconds, batch, steps, epochs, learning_rate, warm_up, seed, xla, start
    )
    if data is None:
        pools, name = sounds.embedded(), "synthetic"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        cache = cache or home / "tfgen" / "sounds"
        pools = {kind: sounds.pool(paths, cache) for kind, paths in sounds.found(data).items() if paths}
        name = data.resolve().name
    training.train(pools, out or Path("runs") / system, settings, name=name, fresh=fresh)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a .keras file.")],
    out: Annotated[Path | None, typer.Option(help="The folder to write; by default RUN/export.")] = None,
    judge: Annotated[
        Path | None, typer.Option(help="A folder with folders clean and noisy: quality of every file in the card.")
    ] = None,
) -> None:
    """Keras, SavedModel and the streaming TF-Lite files (float32, and weights of bytes), verified, with a card."""
    import tfgen._quiet

    tfgen._quiet.import_tensorflow()
    from apps.speech_enhancement import exporting

    exporting.export(run, out or run / "export", judge)


def _file(model: Path | None, int8: bool) -> Path:
    from apps.speech_enhancement import stream

    if model is not None and int8:
        raise ValueError("--int8 is of the shipped files: give --model the file itself")
    return model or stream.shipped(int8)


def _complain(line: str) -> None:
    print(f"{NAME}: {line}", file=sys.stderr)


def command(arguments: list[str]) -> int:
    return run_app(app, arguments, NAME)


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
