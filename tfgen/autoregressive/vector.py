"""The engine of models of vectors with an order: what is common to FVSBN, neural autoregressive nets and NADE."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen.autoregressive.engine import Cached, ordering

__all__ = ["Vector"]


class Vector(Cached):
    """A system writes `in_order(x, told)`, the parameters [n, D, size] of x [n, D] whose numbers stand in their order,
    and `begin`, `step` of it."""

    def __init__(self, shape, condition, likelihood, order: str | Sequence[int], seed: int):
        super().__init__(shape, condition, likelihood)
        places = ordering(order, self.places, np.random.default_rng(seed))
        constant = lambda shape, dtype: tf.constant(places, tf.int32)
        self.order = self.add_weight(
            shape=places.shape, dtype="int32", initializer=constant, trainable=False, name="order"
        )

    def make_told(self, units: int):
        """A linear layer on what is told, for what a net begins with."""
        size = conditions.size(self.condition)
        self.W_told = keras.layers.Dense(units, use_bias=False, dtype="float32") if size else None
        if size:
            self.W_told.build((None, size))

    def told(self, condition):
        """[n, units], or zero."""
        return self.W_told(conditions.vector(self.condition, condition)) if self.W_told else 0.0

    def inward(self, x):
        return tf.gather(tf.reshape(x, [-1, self.places]), tf.argsort(self.order.value), axis=1)[..., None]

    def outward(self, x):
        return tf.reshape(tf.gather(x[..., 0], self.order.value, axis=1), [-1, *self.shape])

    def scaled(self, x):
        """As the net takes it: whole numbers in -1..1."""
        return 2 * x / self.likelihood.top - 1 if self.values == "bytes" else x

    def ordered_parameters(self, x, condition=None):
        return self.in_order(self.scaled(self.inward(tf.cast(x, tf.float32))[..., 0]), self.told(condition))[:, :, None]

    def parameters(self, x, condition=None):
        """Of each number given those before it, [n, D, size], where they stand in x."""
        return tf.gather(self.ordered_parameters(x, condition)[:, :, 0], self.order.value, axis=1)

    def log_prob(self, x, condition=None):
        return self.likelihood.log_prob(self.flat(x), self.parameters(x, condition))

    def before(self, x, t):
        """The number before place t as the net takes it, [n, 1]; zero of the first."""
        return tf.where(t > 0, self.scaled(x), 0.0)
