"""Folders of pictures → pairs of crops, large and made smaller, whose draws are a pure function of (seed, epoch)."""

import dataclasses
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from apps.super_resolution.picture import SUFFIXES, seen
from tfgen import bicubic
from tfgen.data import Epochs, tfds_pictures
from tfgen.progress import progress

__all__ = ["Degradation", "Pairs", "crops", "held_out_crops", "pairs"]

HELD_OUT = 25  # one picture of so many is for choosing


@dataclass(frozen=True)
class Pairs:
    """Pictures, uint8 [h, w, 3], and the same made smaller by the scale."""

    large: list[np.ndarray]
    small: list[np.ndarray]
    scale: int

    def part(self, chosen: Sequence[int]) -> "Pairs":
        return Pairs([self.large[i] for i in chosen], [self.small[i] for i in chosen], self.scale)

    def split(self) -> tuple["Pairs", "Pairs"]:
        """To train on, and to choose by: every 25th picture, by name; of fewer the last."""
        number = len(self.large)
        if number < 2:
            raise ValueError(f"pictures to train on: {number}; give two or more, for one is held out")
        held_out = range(min(HELD_OUT, number) - 1, number, HELD_OUT)
        return self.part([i for i in range(number) if i not in held_out]), self.part(held_out)


@dataclass(frozen=True)
class Degradation:
    """What small pictures suffer beside being made smaller, each crop another share of it.

    Arguments:
        blur: largest standard deviation, in pixels of the large picture, of a blur before it is made smaller.
        noise: largest standard deviation, in levels, of noise on the small picture.
        jpeg: lowest quality of JPEG of the small picture; 100 or None for none.
    """

    blur: float = 0.0
    noise: float = 0.0
    jpeg: int | None = None

    def __post_init__(self):
        if self.blur < 0 or self.noise < 0 or not 1 <= (self.jpeg or 100) <= 100:
            raise ValueError(f"{self}: expected blur and noise of 0 or more, and a quality from 1 to 100")

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))

    def __call__(self, large: np.ndarray, small: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """The small crop, uint8 [h, w, 3]."""
        shares = generator.random(3)
        if self.blur:
            blurred = gaussian_filter(large, (self.blur * shares[0], self.blur * shares[0], 0), mode="nearest")
            small = bicubic.resize(blurred, *small.shape[:2])
        if self.noise:
            noisy = small + generator.normal(size=small.shape) * self.noise * shares[1]
            small = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
        if self.jpeg:
            from PIL import Image

            quality = round(self.jpeg + (100 - self.jpeg) * shares[2])
            Image.fromarray(small).save(file := io.BytesIO(), "JPEG", quality=quality)
            small = np.asarray(Image.open(file))
        return small


def pairs(sources: Sequence[str | Path], scale: int, data_dir: str | Path | None = None) -> Pairs:
    """Pictures in memory, cut to a multiple of the scale: of folders with all below them, by name, and of the train
    splits of TensorFlow Datasets (`div2k/bicubic_x4`: its large pictures)."""
    large, small = [], []
    for source in sources:
        folder = Path(source).is_dir()
        count, pictures = _of_folder(Path(source)) if folder else tfds_pictures(str(source), data_dir=data_dir)
        for picture in progress(pictures, count, f"pictures of {source}"):
            height, width = (size // scale for size in picture.shape[:2])
            if not height * width:
                continue
            large.append(picture[: height * scale, : width * scale])
            small.append(bicubic.resize(large[-1], height, width))
    return Pairs(large, small, scale)


def _of_folder(folder: Path) -> tuple[int, Iterator[np.ndarray]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise ValueError(f"{folder} holds no pictures: give a folder with {', '.join(SUFFIXES)} files")
    return len(paths), map(seen, paths)


def crops(
    data: Pairs, *, patch: int, batch: int, steps: int, seed: int, degradation: Degradation | None = None
) -> tf.data.Dataset:
    """Batches of (large float32 [batch, scale patch, scale patch, 3], small [batch, patch, patch, 3]) in 0..1, flipped
    and turned; an epoch has so many steps. Every place of every picture is as likely as any other."""
    fits = [i for i, small in enumerate(data.small) if min(small.shape[:2]) >= patch]
    if not fits:
        raise ValueError(
            f"no picture is {patch * data.scale} pixels high and wide, as the crops are: give larger pictures, or a "
            "smaller --patch"
        )
    areas = np.array([data.small[i].shape[0] * data.small[i].shape[1] for i in fits], float)
    upto = np.cumsum(areas / areas.sum())

    def draw(epoch, step):
        large = np.empty((batch, patch * data.scale, patch * data.scale, 3), np.uint8)
        small = np.empty((batch, patch, patch, 3), np.uint8)
        for i in range(batch):
            generator = np.random.default_rng([seed, epoch, step * batch + i])
            draws = generator.random(4)
            which = fits[min(np.searchsorted(upto, draws[0], "right"), len(fits) - 1)]
            height, width = data.small[which].shape[:2]
            top, left = int(draws[1] * (height - patch + 1)), int(draws[2] * (width - patch + 1))
            turned = int(draws[3] * 8)
            big = _cut(data.large[which], top, left, patch, data.scale)
            little = _cut(data.small[which], top, left, patch, 1)
            if degradation:
                little = degradation(big, little, generator)
            large[i], small[i] = _turn(big, turned), _turn(little, turned)
        return large, small

    def one_epoch(epoch):
        def read(step):
            large, small = tf.numpy_function(draw, (epoch, step), (tf.uint8, tf.uint8), stateful=False)
            large = tf.ensure_shape(large, (batch, patch * data.scale, patch * data.scale, 3))
            small = tf.ensure_shape(small, (batch, patch, patch, 3))
            return tf.cast(large, tf.float32) / 255, tf.cast(small, tf.float32) / 255

        return tf.data.Dataset.range(steps).map(read)

    epochs, options = Epochs(), tf.data.Options()
    options.deterministic, options.autotune.enabled = True, False
    dataset = tf.data.Dataset.from_generator(epochs, output_signature=tf.TensorSpec((), tf.int64)).flat_map(one_epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(8).with_options(options)
    dataset.epochs, dataset.examples = epochs, steps * batch
    return dataset


def held_out_crops(data: Pairs, patch: int, limit: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Crops in the middle of the halves of each picture: (large, small), float32 in 0..1."""
    large, small = [], []
    for big, little in zip(data.large, data.small, strict=True):
        height, width = little.shape[:2]
        down = width < height
        for part in (1, 3):
            middle = (height * part // 4, width // 2) if down else (height // 2, width * part // 4)
            if min(height, width) >= patch:
                top, left = (
                    int(np.clip(m - patch // 2, 0, s - patch)) for m, s in zip(middle, (height, width), strict=True)
                )
                large.append(_cut(big, top, left, patch, data.scale))
                small.append(_cut(little, top, left, patch, 1))
    if not large:
        raise ValueError(
            f"none of the {len(data.large)} pictures held out (each {HELD_OUT}th by name, of fewer the last) is "
            f"{patch * data.scale} pixels high and wide, as the crops are: give larger pictures, or a smaller --patch"
        )
    return tuple(np.stack(crops[:limit]).astype("float32") / 255 for crops in (large, small))


def _cut(picture: np.ndarray, top: int, left: int, patch: int, scale: int) -> np.ndarray:
    return picture[top * scale : (top + patch) * scale, left * scale : (left + patch) * scale]


def _turn(picture: np.ndarray, how: int) -> np.ndarray:
    """One of the eight ways to flip and turn a square."""
    picture = picture[:, ::-1] if how & 1 else picture
    picture = picture[::-1] if how & 2 else picture
    return picture.transpose(1, 0, 2) if how & 4 else picture
