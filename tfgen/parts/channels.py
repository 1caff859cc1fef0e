"""From features of a pixel to the parameters of its channels, one after the other: R → G → B.

    p(x_t | x_<t) = Π_c p(x_tc | h_t, x_t,<c),   a hidden layer of each channel that sees h_t and the channels before it

h_t sees the pixels before t, so a net gives it in one pass, and once for all channels where samples are drawn.

MixtureOfScales    gives the parameters of a mixture of Gaussians by the factorised MCGSM of Theis and Bethge 2015,
                   https://arxiv.org/abs/1506.03478, Eq. 4 and 5: components c, each with scales s,
    p(c, s | h) ∝ exp(η_cs - ½ exp(α_cs) Σ_n β_cn² (b_n' h)²),   p(x | h, c, s) = N(x; a_c' h, exp(-α_cs))
"""

import keras
import tensorflow as tf

from tfgen.layers import Pointwise

__all__ = ["Channels", "MixtureOfScales"]


class MixtureOfScales(keras.layers.Layer):
    """h [..., inputs] to logits, means and log deviations [..., 3 · components · scales]."""

    def __init__(self, inputs: int, components: int, scales: int, factors: int = 32, **kwargs):
        super().__init__(**kwargs)
        normal, spread = keras.initializers.RandomNormal(stddev=0.1), keras.initializers.RandomUniform(-1.0, 2.0)
        self.eta = self.add_weight(shape=(components, scales), initializer="zeros", name="eta")
        self.alpha = self.add_weight(shape=(components, scales), initializer=spread, name="alpha")
        self.beta = self.add_weight(shape=(factors, components), initializer=normal, name="beta")
        self.b = self.add_weight(shape=(inputs, factors), name="b")
        self.a = Pointwise(inputs, components, dtype=self.dtype_policy)
        self.built = True

    def call(self, h):
        eta, alpha, beta, b = (tf.cast(v, h.dtype) for v in (self.eta, self.alpha, self.beta, self.b))
        squares = tf.tensordot(tf.tensordot(h, b, 1) ** 2, beta**2, 1)[..., None]
        logits = eta - 0.5 * tf.exp(alpha) * squares
        means, deviations = self.a.call(h)[..., None] + tf.zeros_like(logits), tf.zeros_like(logits) - alpha / 2
        flat = lambda t: tf.reshape(t, [*tf.unstack(tf.shape(h)[:-1]), eta.shape[0] * eta.shape[1]])
        return tf.concat([flat(logits), flat(means), flat(deviations)], -1)


class Channels(keras.layers.Layer):
    """h [..., inputs] and x [..., channels] to parameters [..., channels, size].

    Arguments:
        size: parameters of each channel.
        hidden: units of the hidden layers.
        scales: of a mixture of scales in place of a linear last layer; 0 for none.
    """

    def __init__(self, inputs: int, channels: int, size: int, hidden: int, scales: int = 0, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.hidden = [Pointwise(inputs + c, hidden) for c in range(channels)]
        make = (
            (lambda: MixtureOfScales(hidden, size // (3 * scales), scales))
            if scales
            else (lambda: Pointwise(hidden, size))
        )
        self.last = [make() for _ in range(channels)]
        self.built = True

    def call(self, h, x):
        return tf.stack([self.of(c, h, x[..., :c]) for c in range(len(self.last))], -2)

    def of(self, c: int, h: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        """Channel c, given those before it [..., c]: [..., size]."""
        h = tf.nn.relu(tf.concat([tf.cast(h, tf.float32), before], -1))
        return self.last[c].call(tf.nn.relu(self.hidden[c].call(h)))
