"""NADE, the neural autoregressive distribution estimator: a hidden layer for each conditional, all with the same
weights, so that going from one to the next is one product with a number.

    a_1 = c,   h_i = σ(a_i),   p(x_i = 1 | x_<i) = σ(b_i + V_i h_i),   a_{i+1} = a_i + x_i W_i
    RNADE, of real numbers: h_i = max(0, ρ_i a_i) gives the parameters of a mixture of Gaussians

Larochelle and Murray, "The neural autoregressive distribution estimator", 2011; Uria, Murray, Larochelle, "RNADE: the
real-valued neural autoregressive density-estimator", 2013, https://arxiv.org/abs/1306.0186
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from tfgen.autoregressive.vector import Vector
from tfgen.checks import at_least

__all__ = ["NADE"]


class NADE(Vector):
    """One hidden layer, shared by all conditionals.

    Arguments:
        shape: of one example.
        condition: seen by every hidden layer.
        likelihood: "bernoulli"; "gaussian_mixture:10" is RNADE; "categorical:256" and others.
        hidden: units.
        order: "raster", "random", or the place of each dimension.
        seed: of a random order, which is saved with the weights.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        likelihood: str = "bernoulli",
        hidden: int = 500,
        order: str | Sequence[int] = "raster",
        seed: int = 0,
    ):
        at_least(1, hidden=hidden)
        super().__init__(shape, condition, likelihood, order, seed)
        d, size = self.places, self.likelihood.size
        self.hidden, self.real = hidden, self.values == "real"
        small = keras.initializers.RandomUniform(-(max(d, hidden) ** -0.5), max(d, hidden) ** -0.5)
        self.W = self.add_weight(shape=(d, hidden), initializer=small, name="W")
        self.V = self.add_weight(shape=(d, hidden, size), initializer=small, name="V")
        self.b = self.add_weight(shape=(d, size), initializer=small, name="b")
        self.c = self.add_weight(shape=(hidden,), initializer="zeros", name="c")
        self.rho = self.add_weight(shape=(d,), initializer="ones", name="rho") if self.real else None
        self.make_told(hidden)

    def conditional(self, a, rho, V, b):
        """Parameters [n, size] of one number by its a [n, hidden]."""
        return (tf.nn.relu(rho * a) if self.real else tf.sigmoid(a)) @ V + b

    def in_order(self, x, told):
        d, n = self.places, tf.shape(x)[0]
        each = {"x": tf.transpose(x)[..., None], "W": self.W, "V": self.V, "b": self.b}
        each |= {"rho": self.rho} if self.real else {}
        each = {name: tf.TensorArray(tf.float32, d).unstack(tf.convert_to_tensor(v)) for name, v in each.items()}

        def body(i, a, made):
            x, W, V, b = (each[name].read(i) for name in ("x", "W", "V", "b"))
            made = made.write(i, self.conditional(a, each["rho"].read(i) if self.real else 1.0, V, b))
            return i + 1, a + x * W, made

        start = (0, tf.zeros([n, self.hidden]) + self.c + told, tf.TensorArray(tf.float32, d))
        made = tf.while_loop(lambda i, *_: i < d, body, start, maximum_iterations=d)[2]
        return tf.ensure_shape(tf.transpose(made.stack(), [1, 0, 2]), [None, d, self.likelihood.size])

    def begin(self, n, condition=None):
        return tf.zeros([n, self.hidden]) + self.c + self.told(condition)

    def step(self, a, before, t, condition=None):
        a += self.before(before, t) * tf.gather(self.W.value, tf.maximum(t - 1, 0))
        rho = tf.gather(self.rho.value, t) if self.real else 1.0
        return self.conditional(a, rho, tf.gather(self.V.value, t), tf.gather(self.b.value, t)), a
