"""Examples, and what a model is told of each: in memory (`Examples`), or read one by one (`Stream`).

x are bytes (uint8) or real numbers (float32). A condition is declared by its spec, as models declare it: a number of
classes (labels), a shape (float32 as it is, uint8 as a picture, which becomes 0..1), or a dict of these.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen.door import our_line
from tfgen.progress import progress

__all__ = ["Examples", "Stream", "Teller", "with_few_labels"]

PARALLEL = os.cpu_count()  # of the maps


@dataclass(frozen=True)
class Examples:
    """Examples in memory.

    Arguments:
        x: uint8 or float32 [n, *shape].
        condition: what a model is told besides: int labels [n], uint8 or float32 [n, *shape], or a dict of these.
        spec: what it is: the number of classes, the shape, or a dict of these.
        name: of the set.
        notes: what people should know of how they were read.
    """

    x: np.ndarray
    condition: Any = None
    spec: conditions.Spec = None
    name: str = "these examples"
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] | None = None  # behind a condition that is made of captions

    def __post_init__(self):
        if not isinstance(self.x, np.ndarray) or self.x.dtype not in (np.uint8, np.float32) or not len(self.x):
            raise ValueError(
                f"{self.name}: expected a numpy array of at least one example, of uint8 (0..255) or float32"
            )
        _check(self.name, self.condition, self.spec, len(self.x))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.x.shape[1:]

    @property
    def count(self) -> int:
        return len(self.x)

    @property
    def real(self) -> bool:
        return self.x.dtype == np.float32

    def part(self, which: slice | np.ndarray) -> "Examples":
        return replace(self, x=self.x[which], condition=_map(lambda rows: rows[which], self.condition))

    def first(self, n: int) -> "Examples":
        return self.part(slice(n))

    def blocks(self, size: int) -> Callable[[tf.Tensor | None], tf.data.Dataset]:
        """A function of a seed (None: in their own order) that gives a dataset of (x [size, *shape],) or of
        (x, condition)."""
        with tf.device("cpu"):
            data = _map(tf.constant, (self.x,) if self.spec is None else (self.x, self.condition))

        def ordered(seed):
            order = tf.range(self.count)
            if seed is not None:
                order = tf.random.experimental.stateless_shuffle(order, seed, alg="philox")
            batches = tf.data.Dataset.from_tensor_slices(order).batch(size)
            return batches.map(lambda i: _map(lambda rows: tf.gather(rows, i), data), PARALLEL)

        return ordered


class Teller(NamedTuple):
    """Where a condition comes from."""

    spec: int | tuple
    of: Callable  # (index, record, x) → one condition: int32, uint8 or float32


@dataclass(frozen=True)
class Stream:
    """Examples too many for memory: small records in a fixed order, and how a record becomes x and its condition."""

    records: tf.data.Dataset  # of (index, record)
    read: Callable[[tf.Tensor, Any], tf.Tensor]  # (index, record) → uint8 or float32 [*shape]
    shape: tuple[int, ...]
    count: int
    name: str
    buffer: int  # records among which a pass shuffles
    tellers: dict[str, Teller]
    real: bool = False
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] | None = None

    @property
    def spec(self) -> conditions.Spec:
        return one_or_dict({name: teller.spec for name, teller in self.tellers.items()})

    @property
    def bytes(self) -> int:
        return self.count * (int(np.prod(self.shape)) * (4 if self.real else 1) + conditions.size(self.spec))

    def first(self, n: int) -> "Stream":
        return replace(self, records=self.records.take(n), count=min(n, self.count))

    def blocks(self, size: int) -> Callable[[tf.Tensor | None], tf.data.Dataset]:
        """As those of Examples."""

        def example(i, record):
            x = self.read(i, record)
            told = {name: teller.of(i, record, x) for name, teller in self.tellers.items()}
            return (x, one_or_dict(told)) if told else (x,)

        def ordered(seed):
            records = self.records
            if seed is not None:
                tf.random.set_seed(1)  # of the graph being traced: else the order would depend on the global seed, too
                records = records.shuffle(self.buffer, tf.cast(seed[0], tf.int64), reshuffle_each_iteration=False)
            return records.map(example, PARALLEL).batch(size)

        return ordered

    def load(self) -> Examples:
        """All of it in memory."""
        blocks = self.blocks(64)(None)
        whole = _map(lambda s: np.empty((self.count, *s.shape[1:]), s.dtype.as_numpy_dtype), blocks.element_spec)
        done = 0
        try:
            for part in progress(blocks.as_numpy_iterator(), -(-self.count // 64), f"{self.name}, blocks of 64"):
                rows = slice(done, done := done + len(part[0]))
                for kept, new in zip(tf.nest.flatten(whole), tf.nest.flatten(part), strict=True):
                    kept[rows] = new
        except tf.errors.InvalidArgumentError as error:
            raise our_line(error) or error from None
        x, condition = (*whole, None)[:2]
        return Examples(x, condition, self.spec, self.name, self.notes, self.words)


def one_or_dict(parts: dict):
    """A condition of one part is that part."""
    return None if not parts else next(iter(parts.values())) if len(parts) == 1 else parts


def with_few_labels(source: Examples | Stream, labelled: int | None = None) -> Examples:
    """For learning from few labels: each example once without its label (which is then `classes`, one class more), and
    about as often with it.

    labelled: only the first so many examples, the same number of each class, have a label, and come again and again;
        None: all have.
    """
    source = source.load() if isinstance(source, Stream) else source
    classes = source.spec
    if not isinstance(classes, int):
        raise ValueError(f"labelled={labelled}: {source.name} has no labels")
    each = labelled // classes if labelled else source.count
    if labelled is not None and (labelled % classes or labelled < 1):
        raise ValueError(f"labelled={labelled}: expected a multiple of the {classes} classes of {source.name}")
    known = np.sort(np.concatenate([np.flatnonzero(source.condition == c)[:each] for c in range(classes)]))
    if labelled is not None and len(known) < labelled:
        raise ValueError(f"labelled={labelled}: {source.name} has a class of fewer than {each} examples; ask for fewer")
    again = np.tile(known, max(1, source.count // len(known)))
    labels = np.concatenate([np.full(source.count, classes, np.int32), source.condition[again].astype(np.int32)])
    return replace(source, x=np.concatenate([source.x, source.x[again]]), condition=labels, spec=classes + 1)


def _map(function: Callable, data):
    return None if data is None else tf.nest.map_structure(function, data)


def _check(name: str, condition, spec: conditions.Spec, n: int) -> None:
    """One line where a condition is not what its spec says."""
    if isinstance(spec, dict) and isinstance(condition, dict) and set(spec) == set(condition):
        for key, part in spec.items():
            _check(f"{name}, {key}", condition[key], part, n)
        return
    if condition is None and spec is None:
        return
    if condition is None or spec is None or isinstance(spec, dict) or not isinstance(condition, np.ndarray):
        raise ValueError(
            f"{name}: a condition and its spec go together, each a number of classes and labels, a shape and an array, "
            "or dicts of these"
        )
    shape = (n, *conditions.shape_of(spec))
    if condition.shape != shape or condition.dtype.kind not in ("iu" if isinstance(spec, int) else "fu"):
        raise ValueError(
            f"{name}: a condition of shape {condition.shape}, {condition.dtype} came for {n} examples; expected "
            f"{'whole numbers' if isinstance(spec, int) else 'uint8 or float32'} of shape {shape}"
        )
    if isinstance(spec, int) and not 0 <= condition.min() <= condition.max() < spec:
        raise ValueError(
            f"{name}: labels from {condition.min()} to {condition.max()} came for {spec} classes; expected 0 to "
            "classes - 1"
        )
