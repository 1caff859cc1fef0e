"""Examples → a `tf.data.Dataset` of batches whose order and randomness are a pure function of (seed, epoch).

One pass over the dataset is one epoch. It opens by asking `dataset.epochs` which epoch it is, so a run that was
interrupted sets `dataset.epochs.next = 5` (fit does) and sees exactly what an uninterrupted one would have seen.
Draws are made for blocks of consecutive places in the epoch's order, then cut into batches: the size of a batch changes
no draw. A dataset that is not shuffled is always in epoch 0: the same numbers in every pass.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfgen import rng
from tfgen.checks import one_of
from tfgen.data import transforms
from tfgen.data.examples import PARALLEL, Examples, Stream
from tfgen.data.sources import MEMORY, Source, open_source
from tfgen.values import VALUES

__all__ = ["Epochs", "arrays", "load"]

_ORDER, _DRAWS, _FIXED = range(3)  # what a seed is folded with, so that no two uses share a stream


class Epochs:
    """`next` is the epoch that the next pass over a dataset will be; each pass takes it and moves it on by one."""

    def __init__(self, next: int = 0):
        self.next = next

    def __call__(self):
        epoch, self.next = self.next, self.next + 1
        yield epoch


def load(
    name: str | Path | Source,
    split: str = "train",
    *,
    values: str = "unit",
    batch: int = 100,
    condition: str | Sequence[str] = (),
    binarise: str = "epoch",
    dequantise: bool = False,
    seed: int = 0,
    data_dir: str | Path | None = None,
    shuffle: bool | None = None,
    drop_remainder: bool | None = None,
    limit: int | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    memory: int = MEMORY,
) -> tf.data.Dataset:
    """Batches of x, float32 [batch, *shape], or of (x, condition) where a model is to be told something: int32 labels
    [batch], float32 tensors [batch, …] (pictures in 0..1), or a dict of these.

    Args:
        name: "digits", "ring", "grid", "bars", "ising"; a TensorFlow Dataset such as "mnist"; a folder of pictures
            (a `Path`, or a text that starts with /, ./, ../ or ~, or any folder that is not the name of a data set); or
            `Examples`, `Stream`, `Unpaired`, which bring their condition.
        split: "train" or "test"; for TensorFlow Datasets any split of theirs ("train[:90%]"). `Examples` have no other
            split:
            there it only says whether to shuffle.
        values: what x holds: "binary" (0 or 1), "unit" (0..1), "signed" (-1..1), "bytes" (0..255) or "real" (any).
        condition: "labels", "small:K" (the picture, K times smaller), a folder with the other half of each pair, a .csv
            of captions; of several, a dict.
        binarise: how "binary" comes from grey: "epoch" draws afresh in each epoch with the grey value as the
            probability, "fixed" once for each example, the same for every seed, "threshold" compares with one half.
        dequantise: bytes become (x + u) / 256, u uniform and afresh in each epoch; for "unit" and "real". What it costs
            in
            nats: `dequantisation_nats`.
        seed: of the order and of every draw.
        data_dir: where TensorFlow Datasets are; else TFDS_DATA_DIR, else ~/tensorflow_datasets.
        shuffle, drop_remainder: by default on for a train split, off for others; a dataset that is not shuffled drops
            nothing.
        limit: only the first so many examples.
        size, channels: (height, width) and 1 or 3, to which the pictures of folders and TensorFlow Datasets are cut and
            averaged.
        memory: sets of more decoded bytes than this are streamed; where a set streams, an epoch shuffles within a
            buffer.

    The dataset has attributes: `epochs` (`Epochs`), `shape` (of an event), `condition` (the spec of what is told, as
    models take it), `examples` (their number), `values`, `name`.
    They belong to this object: `take`, `map` and so on give datasets without them.

    >>> dataset = load("digits", values="binary", batch=32)
    >>> next(iter(dataset)).shape
    TensorShape([32, 8, 8, 1])
    """
    one_of(f"values={values!r}", values, VALUES)
    one_of(f"binarise={binarise!r}", binarise, ("epoch", "fixed", "threshold"))
    if not isinstance(batch, (int, np.integer)) or batch < 1:
        raise ValueError(f"batch={batch!r}: expected a whole number of at least 1")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise ValueError(f"seed={seed!r}: expected a whole number from 0 to 2**63 - 1")
    if dequantise and values not in ("unit", "real"):
        raise ValueError(f"dequantise=True with values={values!r}: dequantised bytes are 'unit' or 'real' values")
    source = open_source(
        name, split, condition=condition, data_dir=data_dir, limit=limit, size=size, channels=channels, memory=memory
    )
    if source.real and (values != "real" or dequantise):
        raise ValueError(f"{source.name} holds real numbers, not bytes: take values='real' and no dequantise")
    shuffle = split.startswith("train") if shuffle is None else shuffle
    drop_remainder = shuffle if drop_remainder is None else drop_remainder
    batches = source.count // batch if drop_remainder else -(-source.count // batch)
    if not batches:
        raise ValueError(
            f"batch={batch} is more than the {source.count} examples of {source.name}: take a smaller batch, or "
            "drop_remainder=False"
        )

    key = rng.as_seed(int(seed))
    size_of_block = int(np.clip(2**20 // np.prod(source.shape), 1, 1024))
    if values == "binary" and binarise == "fixed":
        source = _fixed(source, rng.fold_in(rng.as_seed(0), _FIXED), size_of_block)

    def transform(x, seed):
        if source.real:
            return x
        if dequantise:
            return transforms.dequantise(x, seed)
        if values == "binary" and binarise == "epoch":
            return transforms.binarise(transforms.to_values(x, "unit"), seed)
        return transforms.to_values(x, values)

    blocks = source.blocks(size_of_block)

    def one_epoch(epoch):
        of_epoch = rng.fold_in(key, epoch if shuffle else 0)
        draws = rng.fold_in(of_epoch, _DRAWS)

        def finish(i, block):
            x = tf.ensure_shape(transform(block[0], rng.fold_in(draws, i)), (None, *source.shape))
            return x if source.spec is None else (x, tf.nest.map_structure(_as_float, block[1]))

        ordered = blocks(rng.fold_in(of_epoch, _ORDER) if shuffle else None)
        return ordered.enumerate().map(finish, PARALLEL).rebatch(batch, drop_remainder)

    epochs = Epochs()
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = (
        False  # with its search on, one epoch of short steps in six took twice as long (benchmarks, 2 cores)
    )
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA  # no files to divide
    dataset = tf.data.Dataset.from_generator(epochs, output_signature=tf.TensorSpec((), tf.int64)).flat_map(one_epoch)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(8).with_options(options)
    dataset.epochs, dataset.shape, dataset.condition = epochs, tuple(source.shape), source.spec
    dataset.examples, dataset.values, dataset.name = source.count, values, source.name
    return dataset


def arrays(name: str | Path | Source, split: str = "train", **options) -> np.ndarray | tuple[np.ndarray, Any]:
    """All examples in their own order as numpy: x, float32 [n, *shape], or (x, condition). Options are those of
    `load`."""
    dataset = load(name, split, **{"batch": 1000, **options, "shuffle": False, "drop_remainder": False})
    parts = list(dataset.as_numpy_iterator())
    return tf.nest.map_structure(lambda *rows: np.concatenate(rows), *parts)


def _as_float(condition: tf.Tensor) -> tf.Tensor:
    """Pictures in 0..1; labels and real numbers as they are."""
    return tf.cast(condition, tf.float32) / 255 if condition.dtype == tf.uint8 else condition


def _fixed(source: Source, seed: tf.Tensor, size: int) -> Source:
    """The source with each example binarised once: its bytes are 0 or 255. (A stream draws other numbers than a set in
    memory.)"""

    def draw(x, seed):
        return tf.cast(255 * transforms.binarise(transforms.to_values(x, "unit"), seed), tf.uint8)

    if isinstance(source, Stream):
        return replace(source, read=lambda i, record: draw(source.read(i, record), rng.fold_in(seed, i)))
    if not isinstance(source, Examples):
        return replace(source, source=_fixed(source.source, seed, size))
    starts = range(0, source.count, size)
    return replace(
        source, x=np.concatenate([draw(source.x[at : at + size], rng.fold_in(seed, at)).numpy() for at in starts])
    )
