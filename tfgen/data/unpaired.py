"""Two sources without pairs, as translation between them is learnt (CycleGAN): x of one, and as its condition an
example of the other, drawn anew in each epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from tfgen import rng
from tfgen.data.examples import Examples, Stream

__all__ = ["Unpaired"]

_OTHER = 1  # what the seed of the order is folded with


@dataclass(frozen=True)
class Unpaired:
    """x of the first, in an order of its own; the second begins anew where it ends before.

    >>> horses, zebras = (open_source(f"./{name}") for name in ("horses", "zebras"))  # doctest: +SKIP
    >>> dataset = load(Unpaired(horses, zebras))  # doctest: +SKIP
    """

    source: Examples | Stream
    other: Examples | Stream
    notes: tuple[str, ...] = ()
    words = None

    def __post_init__(self):
        if self.source.spec is not None or self.other.spec is not None:
            raise ValueError("two sources without pairs: neither has a condition of its own, leave them out")

    name = property(lambda self: f"{self.source.name} and {self.other.name}")
    shape = property(lambda self: self.source.shape)
    count = property(lambda self: self.source.count)
    real = property(lambda self: self.source.real)
    spec = property(lambda self: tuple(self.other.shape))

    def first(self, n: int) -> "Unpaired":
        return Unpaired(self.source.first(n), self.other.first(n), self.notes)

    def blocks(self, size: int) -> Callable[[tf.Tensor | None], tf.data.Dataset]:
        """As those of Examples."""
        mine, theirs = self.source.blocks(size), self.other.blocks(size)

        def ordered(seed):
            x = mine(seed).unbatch()
            condition = theirs(None if seed is None else rng.fold_in(seed, _OTHER)).unbatch().repeat()
            return tf.data.Dataset.zip(x, condition).map(lambda x, c: (x[0], c[0])).batch(size)

        return ordered
