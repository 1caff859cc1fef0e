"""Fully visible sigmoid belief net: a logistic regression for each dimension on those before it.

    p(x_i = 1 | x_<i) = σ(b_i + Σ_{j<i} W_ij x_j)

Frey, Hinton, Dayan, "Does the wake-sleep algorithm produce good density estimators?", 1996; Frey, "Graphical models for
machine learning and digital communication", 1998
"""

from collections.abc import Sequence

import tensorflow as tf

from tfgen.autoregressive.vector import Vector
from tfgen.layers import MaskedDense

__all__ = ["FVSBN"]


class FVSBN(Vector):
    """Logistic regressions over binary examples.

    Arguments:
        shape: of one example; its values are 0 and 1.
        condition: seen by every regression.
        order: "raster", "random", or the place of each dimension.
        seed: of a random order, which is saved with the weights.
    """

    def __init__(self, shape, *, condition=None, order: str | Sequence[int] = "raster", seed: int = 0):
        super().__init__(shape, condition, "bernoulli", order, seed)
        self.W = MaskedDense(self.places, self.places, dtype="float32")
        self.make_told(self.places)

    def in_order(self, x, told):
        place = tf.range(self.places)
        return (self.W(x, self.W.masked(place[:, None] < place)) + told)[..., None]

    def begin(self, n, condition=None):
        """The logits of all dimensions, by what is known."""
        return tf.zeros([n, self.places]) + self.W.bias + self.told(condition)

    def step(self, logits, before, t, condition=None):
        later = tf.cast(tf.range(self.places) >= t, tf.float32)
        logits += self.before(before, t) * tf.gather(self.W.kernel.value, tf.maximum(t - 1, 0)) * later
        return tf.gather(logits, t, axis=1)[:, None], logits
