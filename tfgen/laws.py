"""Laws of noise: what a model declares that its samples are drawn from, so that nobody has to guess it from draws.

A model's `laws` are one of these, or a dict of them by name, or {} where nothing is drawn. A first dimension of None is
the length of a sequence, said when noise is drawn.
"""

import dataclasses

import tensorflow as tf

from tfgen import rng

__all__ = ["BLOCK", "Law", "draw", "is_endless", "normal", "signature", "uniform"]

BLOCK = 1024  # places of a sequence that one seed serves: a long one is drawn in blocks, and is the same in pieces


@dataclasses.dataclass(frozen=True)
class Law:
    """Independent numbers [n, *shape]: standard normal ones, or uniform ones from low to below high."""

    kind: str
    shape: tuple[int | None, ...]
    low: float = 0.0
    high: float = 1.0

    @property
    def picks(self) -> bool:
        """Uniform in 0..1: numbers by which a value is picked, as inverse transforms take them."""
        return self.kind == "uniform" and (self.low, self.high) == (0.0, 1.0)

    def draw(self, n, seed: tf.Tensor, length: int | None = None) -> tf.Tensor:
        """[n, *shape]; a length is drawn place by place, so that a longer one begins with the same numbers."""
        if length is not None:
            x = self._numbers([length, n, *self.shape[1:]], seed)
            return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])
        return self._numbers([n, *self.shape], seed)

    def _numbers(self, shape, seed: tf.Tensor) -> tf.Tensor:
        if self.kind == "normal":
            return rng.normal(shape, seed)
        u = rng.uniform(shape, seed)
        return u if self.picks else self.low + (self.high - self.low) * u

    def __str__(self) -> str:
        law = "standard normal" if self.kind == "normal" else f"uniform in {self.low:g}..{self.high:g}"
        return f"{law}, independent"


def normal(*shape: int | None) -> Law:
    return Law("normal", shape)


def uniform(*shape: int | None, low: float = 0.0, high: float = 1.0) -> Law:
    return Law("uniform", shape, low, high)


def draw(laws: Law | dict[str, Law], n, seed: tf.Tensor, length: int | None = None):
    """float32 numbers, n first, by each of the laws; those of a dict from seeds of their own. The `length` of a
    sequence is drawn in blocks, so that its first places are the same whatever comes after them."""
    if isinstance(laws, dict):
        seeds = rng.split(seed, len(laws))
        return {name: draw(law, n, s, length) for (name, law), s in zip(laws.items(), seeds, strict=True)}
    if not is_endless(laws):
        return laws.draw(n, seed)
    blocks = [
        laws.draw(n, rng.fold_in(seed, i), min(BLOCK, length - start))
        for i, start in enumerate(range(0, length, BLOCK))
    ]
    return blocks[0] if len(blocks) == 1 else tf.concat(blocks, 1)


def is_endless(laws: Law | dict[str, Law]) -> bool:
    """Whether a length must be said to draw."""
    if isinstance(laws, dict):
        return any(map(is_endless, laws.values()))
    return None in laws.shape


def signature(laws: Law | dict[str, Law], name: str = "noise", before: tuple[int, ...] = ()):
    """TensorSpecs of what is drawn, for any n; `before` are dimensions between n and those of the law."""
    if isinstance(laws, dict):
        return {part: signature(law, part, before) for part, law in laws.items()}
    return tf.TensorSpec([None, *before, *laws.shape], tf.float32, name=name)
