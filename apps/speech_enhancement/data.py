"""Clean speech and noise, mixed on the fly: every mixture is a pure function of (seed, epoch, place)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import tensorflow as tf
from scipy.signal import fftconvolve, lfilter

from apps.speech_enhancement import synthetic
from apps.speech_enhancement.enhancing import sounds_below
from apps.speech_enhancement.mixing import read
from apps.speech_enhancement.stream import RATE
from tfgen.data import Epochs
from tfgen.files import whole
from tfgen.progress import progress

__all__ = ["RATE", "Mixer", "Pair", "Pool", "dataset", "embedded", "found", "pool"]

HELD_OUT = 25  # one file of so many is for the curves
KINDS = {"clean": ("clean", "speech"), "noise": ("noise",), "rooms": ("rir", "room")}
PAIRED = "noisy"


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


@dataclass(frozen=True)
class Pair:
    """Recordings of the same speech: the noise is the difference."""

    noisy: Path
    clean: Path


def found(root: Path) -> dict[str, list[Path | Pair]]:
    """The sounds below a folder by what the folders above them are called: clean… or speech…, noise…, rir… or room….

    A noisy… folder beside a clean… one, with files that are called alike, gives noise, too: the difference. What stands
    below a folder "test", or whose name ends so, is for judging and is left out.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is no folder: give one with folders of clean speech and of noise below it")
    kinds, noisy = {kind: [] for kind in KINDS}, []
    for path in sounds_below(root):
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        if any(part == "test" or part.endswith(("_test", "-test", "testset")) for part in folders):
            continue
        kind = next((k for part in folders for k, names in KINDS.items() if part.startswith(names)), None)
        if any(part.startswith(PAIRED) for part in folders):
            noisy.append(path)
        elif kind:
            kinds[kind].append(path)
    named = {path.stem: path for path in kinds["clean"]}
    kinds["noise"] += [Pair(path, named[path.stem]) for path in noisy if path.stem in named]
    return kinds


def embedded(seconds: float = 4.0, count: int = 50) -> dict[str, Pool]:
    """Synthetic voices and noises: so many of each."""
    made = {
        kind: [(32767 * make(seconds, i)).astype("int16") for i in range(count)]
        for kind, make in (("clean", synthetic.voice), ("noise", synthetic.noise))
    }
    return {kind: Pool(np.concatenate(x), np.cumsum([0, *map(len, x)])) for kind, x in made.items()}


def pool(paths: Sequence[Path | Pair], cache: Path) -> Pool:
    """The sounds, mono at 16 kHz; decoded once, and kept in the cache folder under a name made of their paths."""
    files = [p for path in paths for p in ((path.noisy, path.clean) if isinstance(path, Pair) else (path,))]
    key = hashlib.sha256("\n".join(f"{p} {p.stat().st_size}" for p in files).encode()).hexdigest()[:16]
    at = cache / f"{key}.npz"
    if not at.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        sounds = [_decoded(path) for path in progress(paths, len(paths), "sounds")]
        starts = np.cumsum([0, *map(len, sounds)])
        with whole(at) as partial:
            np.savez(partial, samples=np.concatenate(sounds), starts=starts)
    held = np.load(at)
    return Pool(held["samples"], held["starts"])


def _decoded(path: Path | Pair) -> np.ndarray:
    if isinstance(path, Pair):
        noisy, clean = read(path.noisy), read(path.clean)
        if len(noisy) != len(clean):
            raise ValueError(f"{path.noisy} and {path.clean} are of different lengths: a pair is of one length")
        return _int16(noisy - clean)
    return _int16(read(path))


def _int16(x: np.ndarray) -> np.ndarray:
    return (np.clip(x, -1, 1) * 32767).astype("int16")


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
