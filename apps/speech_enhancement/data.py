"""Clean speech and noise, mixed on the fly: every mixture is a pure function of (seed, epoch, place)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import tensorflow as tf
from scipy.signal import fftconvolve, lfilter

from tfgen.data import Epochs
from tfgen.files import whole
from tfgen.progress import progress

__all__ = ["RATE", "Mixer", "Pool", "dataset", "found", "mix"]

RATE = 16000
SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au")
HELD_OUT = 25  # one file of so many is for the curves
KINDS = {"clean": ("clean", "speech"), "noise": ("noise",), "rooms": ("rir", "room")}


@dataclass(frozen=True)
class Pool:
    """Sounds one behind the other, int16 [samples], and where each begins (one more than there are sounds)."""

    samples: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def minutes(self) -> float:
        return len(self.samples) / RATE / 60

    def part(self, chosen: Sequence[int]) -> "Pool":
        parts = [self.samples[self.starts[i] : self.starts[i + 1]] for i in chosen]
        return Pool(np.concatenate(parts or [np.zeros(0, "int16")]), np.cumsum([0, *map(len, parts)]))

    def split(self) -> tuple["Pool", "Pool"]:
        """To train on, and to look at: every 25th sound, by name (none where there are too few)."""
        places = range(len(self))
        return (
            self.part([i for i in places if i % HELD_OUT != HELD_OUT - 1]),
            self.part([i for i in places if i % HELD_OUT == HELD_OUT - 1]),
        )

    def cut(self, draw: np.random.Generator, samples: int) -> np.ndarray:
        """A piece of one of the sounds, float32 [samples]; a shorter sound is repeated."""
        i = draw.integers(len(self))
        low, high = self.starts[i], self.starts[i + 1]
        if high - low > samples:
            low += draw.integers(high - low - samples)
            return self.samples[low : low + samples].astype("float32") / 32768
        whole = self.samples[low:high].astype("float32") / 32768
        return np.resize(np.roll(whole, draw.integers(max(1, len(whole)))), samples)


def found(root: Path) -> dict[str, list[Path]]:
    """The sounds below a folder by what the folders above them are called: clean or speech, noise, rir or rooms.

    What stands below a folder "test", or whose name ends so, is for judging and is left out.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is no folder: give one with folders of clean speech and of noise below it")
    kinds = {kind: [] for kind in KINDS}
    for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()):
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        if any(part == "test" or part.endswith(("_test", "-test")) for part in folders):
            continue
        kind = next((k for part in folders for k, names in KINDS.items() if part.startswith(names)), None)
        if kind:
            kinds[kind].append(path)
    return kinds


def pool(paths: Sequence[Path], cache: Path) -> Pool:
    """The sounds, mono at 16 kHz; decoded once, and kept in the cache folder under a name made of their paths."""
    key = hashlib.sha256("\n".join(f"{p} {p.stat().st_size}" for p in paths).encode()).hexdigest()[:16]
    at = cache / f"{key}.npz"
    if not at.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        sounds = [_decoded(path) for path in progress(paths, len(paths), "sounds")]
        starts = np.cumsum([0, *map(len, sounds)])
        with whole(at) as partial:
            np.savez(partial, samples=np.concatenate(sounds), starts=starts)
    held = np.load(at)
    return Pool(held["samples"], held["starts"])


def _decoded(path: Path) -> np.ndarray:
    try:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} is no sound that can be read ({error}): take it out of the folder") from None
    x = x.mean(1)
    if rate != RATE:
        x = soxr.resample(x, rate, RATE)
    if not len(x) or not np.isfinite(x).all():
        raise ValueError(f"{path} holds {'no samples' if not len(x) else 'samples that are no numbers'}: take it out")
    return (np.clip(x, -1, 1) * 32767).astype("int16")


def mix(clean: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    """clean + noise at an SNR in dB, between their mean powers over all the samples."""
    return clean + noise * _gain(np.mean(clean**2), np.mean(noise**2), snr)


def _gain(signal: float, noise: float, snr: float) -> np.float32:
    return np.float32(np.sqrt(signal / max(noise, 1e-12) * 10 ** (-snr / 10)))


class Mixer:
    """Mixtures by (seed, epoch, place): speech that was sped up or slowed down, filtered or put into a room, and noise:
    a recording, two of them, voices together, coloured noise or hum, likewise changed.

    Arguments:
        clean, noise: what is mixed.
        rooms: impulse responses; the reverberant speech is what is asked for.
        samples: of a mixture.
    """

    def __init__(self, clean: Pool, noise: Pool, rooms: Pool | None, samples: int, seed: int = 0):
        self.clean, self.noises, self.rooms, self.samples, self.seed = clean, noise, rooms, samples, seed

    def __call__(self, epoch: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        """(clean, noisy), float32 [samples] each."""
        draw = np.random.default_rng([self.seed, epoch, place])
        clean, noise = self.speech(draw), self.noise(draw)
        frames = clean[: self.samples // 160 * 160].reshape(-1, 160)
        powers = np.mean(frames**2, 1)
        spoken = powers[powers > 1e-3 * powers.max()].mean() if powers.max() > 0 else 1e-4
        snr = draw.uniform(-5, 20) if draw.random() < 0.95 else 40.0
        noise = noise * _gain(spoken, np.mean(noise**2), snr)
        if draw.random() < 0.03:
            clean = np.zeros_like(clean)
        noisy = clean + noise
        level = 10 ** (draw.uniform(-60, 0) / 20) / max(np.abs(noisy).max(), 1e-9)
        return (clean * level).astype("float32"), (noisy * level).astype("float32")

    def speech(self, draw: np.random.Generator) -> np.ndarray:
        x = self._sped(draw, self.clean, 0.3, (0.88, 1.14))
        if draw.random() < 0.3:
            x = _shaped(draw, x)
        if self.rooms is not None and len(self.rooms) and draw.random() < 0.2:
            i = draw.integers(len(self.rooms))
            room = self.rooms.samples[self.rooms.starts[i] : self.rooms.starts[i + 1]].astype("float32")
            first = int(np.argmax(np.abs(room)))
            x = fftconvolve(x, room / np.sqrt(np.sum(room**2)))[first : first + self.samples].astype("float32")
        return x

    def noise(self, draw: np.random.Generator) -> np.ndarray:
        kind = draw.random()
        if kind < 0.1:
            x = sum(
                self.clean.cut(draw, self.samples) * 10 ** draw.uniform(-0.3, 0.3) for _ in range(draw.integers(3, 8))
            )
        elif kind < 0.16:
            x = lfilter([1], [1, -draw.uniform(-0.3, 0.98)], draw.normal(size=self.samples))
        elif kind < 0.18:
            tone = 2 * np.pi * draw.choice([50, 60]) * draw.uniform(0.99, 1.01) * np.arange(self.samples) / RATE
            x = sum(np.sin(k * tone + 7 * draw.random()) / k ** draw.uniform(0.5, 1.5) for k in range(1, 12))
            x = x + 10 ** draw.uniform(-2, 0) * draw.normal(size=self.samples)
        else:
            x = self._sped(draw, self.noises, 0.4, (0.7, 1.4))
            if draw.random() < 0.3:
                y = self._sped(draw, self.noises, 0.4, (0.7, 1.4))
                x = x / (x.std() + 1e-5) + y / (y.std() + 1e-5) * 10 ** (draw.uniform(-10, 0) / 20)
        if draw.random() < 0.5:
            x = _shaped(draw, x)
        if draw.random() < 0.15:  # comes or goes
            knots = 10 ** (draw.uniform(-15, 0, 4) / 20)
            x = x * np.interp(np.linspace(0, 3, self.samples), np.arange(4), knots)
        return x.astype("float32")

    def _sped(self, draw: np.random.Generator, sounds: Pool, often: float, factors) -> np.ndarray:
        """A piece, sometimes faster and higher or slower and lower."""
        if draw.random() >= often:
            return sounds.cut(draw, self.samples)
        rate = round(draw.uniform(*factors) * 100) * RATE // 100
        x = soxr.resample(sounds.cut(draw, self.samples * rate // RATE + 64), rate, RATE, "HQ")
        return np.resize(x, self.samples)


def _shaped(draw: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """A filter of two poles and two zeros near nothing, as of another microphone (Valin 2018)."""
    a, b = draw.uniform(-0.375, 0.375, (2, 2))
    return lfilter([1, *b], [1, *a], x).astype("float32")


def dataset(mixer: Mixer, *, batch: int, steps: int) -> tf.data.Dataset:
    """(clean, noisy) [batch, samples] each; a pass is an epoch of so many steps, the one that `epochs.next` says."""
    epochs = Epochs()

    def one_epoch():
        epoch = next(epochs())
        for step in range(steps):
            pairs = [mixer(epoch, step * batch + i) for i in range(batch)]
            yield tuple(np.stack(part) for part in zip(*pairs, strict=True))

    spec = tf.TensorSpec((batch, mixer.samples), tf.float32)
    options = tf.data.Options()
    options.autotune.enabled = False
    mixed = tf.data.Dataset.from_generator(one_epoch, output_signature=(spec, spec))
    mixed = mixed.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(4).with_options(options)
    mixed.epochs = epochs
    return mixed
