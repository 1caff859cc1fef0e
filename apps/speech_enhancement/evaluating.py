"""How good: clean against noisy, against the classical filter and against what the network makes of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr

from apps.speech_enhancement.enhancing import open_sound, read_blocks, sounds_below
from apps.speech_enhancement.log_mmse import log_mmse
from apps.speech_enhancement.stream import RATE, Net, Stream, open_net
from tfgen.metrics import sound as metrics
from tfgen.progress import progress

__all__ = ["by_hops", "enhancer", "evaluate", "pairs", "scores", "table"]

NAMES = {
    "pesq": "PESQ-WB",
    "stoi": "STOI",
    "si_sdr": "SI-SDR",
    "ssnr": "SSNR",
    "csig": "CSIG",
    "cbak": "CBAK",
    "covl": "COVL",
}


def pairs(clean: Path, noisy: Path, enhanced: Path | None = None) -> list[tuple[Path, ...]]:
    """Two files, or the files of two folders (three) that are called alike, whatever their suffixes."""
    folders = [folder for folder in (clean, noisy, enhanced) if folder is not None]
    if all(path.is_file() for path in folders):
        return [tuple(folders)]
    if wrong := next((path for path in folders if not path.is_dir()), None):
        raise ValueError(f"{wrong} is no folder: give files, or folders of files that are called alike")
    named = [{p.relative_to(folder).with_suffix(""): p for p in sounds_below(folder)} for folder in folders]
    shared = sorted(set.intersection(*map(set, named)))
    if not shared:
        raise ValueError(f"{' and '.join(map(str, folders))} hold no files that are called alike")
    return [tuple(names[key] for names in named) for key in shared]


def enhancer(model: Path) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Of a streaming .tflite file, a .keras file or a run's folder: its name, and what takes samples at 16 kHz to as
    many."""
    if model.suffix == ".tflite":
        return model.stem, by_hops(open_net(model))
    from tfgen import catalog

    net = catalog.load(model)
    if not hasattr(net, "restore"):
        raise ValueError(f"{model} holds a {type(net).__name__}, which restores no sound")
    entry = next(entry.name for entry in catalog.CATALOG if entry.model is type(net))
    return entry, lambda noisy: net.restore(noisy[None])[0].numpy()


def by_hops(net: Net) -> Callable[[np.ndarray], np.ndarray]:
    def enhance(noisy: np.ndarray) -> np.ndarray:
        stream = Stream(net, RATE, 1)
        return np.concatenate([stream(noisy[:, None]), stream.finish()])[:, 0]

    return enhance


def scores(clean: np.ndarray, other: np.ndarray, with_pesq: bool) -> dict[str, float]:
    """Of sounds at 16 kHz."""
    found = {
        "stoi": metrics.stoi(clean, other, RATE),
        "si_sdr": metrics.si_sdr(clean, other),
        "ssnr": metrics.segmental_snr(clean, other, RATE),
    }
    if not with_pesq:
        return found
    pesq = metrics.pesq(clean, other, RATE)
    return {"pesq": pesq, **found, **metrics.composite(clean, other, RATE, pesq)}


def evaluate(
    found: list[tuple[Path, ...]],
    enhance: Callable[[np.ndarray], np.ndarray] | None,
    name: str,
    *,
    with_pesq: bool,
    complain: Callable[[str], None],
) -> dict:
    """{"files": {file: {who: scores}}, "mean": {who: scores}, "failed": count}; each pair that fails has its line.

    Arguments:
        found: (clean, noisy), or (clean, noisy, enhanced).
        enhance: what enhances pairs: samples at 16 kHz to as many.
        name: of who enhanced.
        with_pesq: and the composite measures, which are made of it.
    """
    files, failed, louder = {}, 0, []
    for paths in progress(found, len(found), "pairs"):
        try:
            sounds = [_read(path) for path in paths]
            _check(paths, sounds)
            clean, noisy = (x for x, _ in sounds[:2])
            louder.append(_floor(clean) - _floor(noisy))
            enhanced = sounds[2][0] if len(sounds) == 3 else enhance(noisy)
            who = {"noisy": noisy, "log-MMSE": log_mmse(noisy), name: enhanced}
            files[str(paths[1])] = {key: scores(clean, x, with_pesq) for key, x in who.items()}
        except (ValueError, OSError) as error:
            complain(str(error).splitlines()[0])
            failed += 1
    if not files:
        raise ValueError("no pair could be compared")
    if np.median(louder) > 6:
        complain(
            f"between words the clean sounds are {np.median(louder):.0f} dB louder than the noisy ones: "
            "is CLEAN what is noisy? The order is CLEAN NOISY"
        )
    mean = {}
    for who in ("noisy", "log-MMSE", name):
        rows = [by_who[who] for by_who in files.values()]
        mean[who] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    return {"files": files, "mean": mean, "failed": failed}


def _read(path: Path) -> tuple[np.ndarray, int]:
    """Mono at 16 kHz, and the rate that it had."""
    with open_sound(path) as sound:
        x = np.concatenate([np.zeros((0, sound.channels), "float32"), *read_blocks(sound, path)]).mean(1)
        rate = sound.samplerate
    return (x if rate == RATE else soxr.resample(x, rate, RATE, "VHQ")), rate


def _check(paths, sounds) -> None:
    for (path, (x, rate)), name in zip(list(zip(paths, sounds, strict=True))[1:], ("noisy", "enhanced"), strict=False):
        first, its_rate = sounds[0]
        if rate != its_rate:
            raise ValueError(f"{path} has {rate} Hz, and {paths[0]} {its_rate}: a pair is of one rate")
        if len(x) != len(first):
            raise ValueError(
                f"{path} ({name}) is {len(x) / RATE:.3f} s long, and {paths[0]} {len(first) / RATE:.3f} s: a pair is "
                "of one length, sample by sample"
            )


def _floor(x: np.ndarray) -> float:
    """dB of the quiet tenth of all 32 ms."""
    frames = x[: len(x) // 512 * 512].reshape(-1, 512)
    return 10 * np.log10(np.percentile(np.mean(frames**2, 1), 10) + 1e-12)


def table(result: dict, name: str) -> str:
    """Each file as it was enhanced, and the means of all."""
    mean = result["mean"]
    keys = list(mean[name])
    wide = max([len(Path(f).name) for f in result["files"]] + [8])
    line = lambda title, row: f"{title:<{wide}}" + "".join(f"{row[k]:>9.3f}" for k in keys)
    rows = [f"{'':<{wide}}" + "".join(f"{NAMES[k]:>9}" for k in keys)]
    if len(result["files"]) > 1:
        rows += [line(Path(file).name, by_who[name]) for file, by_who in result["files"].items()]
        rows.append(f"mean of {len(result['files'])}")
    return "\n".join(rows + [line(who, row) for who, row in mean.items()])
