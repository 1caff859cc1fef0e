"""Neural autoregressive net: each dimension has hidden units of its own, which see the dimensions before it; each
output sees its own hidden units and those of the dimensions before.

    h_j = tanh(c_j + Σ_{k<j} W_jk x_k),   p(x_i = 1 | x_<i) = σ(b_i + Σ_{j≤i} V_ij h_j)

Bengio and Bengio, "Modeling high-dimensional discrete data with multi-layer neural networks", 2000
"""

from collections.abc import Sequence

import tensorflow as tf

from tfgen.autoregressive.vector import Vector
from tfgen.checks import at_least
from tfgen.layers import MaskedDense

__all__ = ["NeuralAR"]


class NeuralAR(Vector):
    """A hidden layer for each conditional, over binary examples.

    Arguments:
        shape: of one example; its values are 0 and 1.
        condition: seen by every hidden unit.
        hidden: units of each dimension.
        order: "raster", "random", or the place of each dimension.
        seed: of a random order, which is saved with the weights.
    """

    def __init__(self, shape, *, condition=None, hidden: int = 1, order: str | Sequence[int] = "raster", seed: int = 0):
        at_least(1, hidden=hidden)
        super().__init__(shape, condition, "bernoulli", order, seed)
        d, self.hidden = self.places, hidden
        self.W = MaskedDense(d, d * hidden, dtype="float32")
        self.V = MaskedDense(d * hidden, d, dtype="float32")
        self.make_told(d * hidden)

    def in_order(self, x, told):
        place, owner = tf.range(self.places), self.owner
        h = tf.tanh(self.W(x, self.W.masked(place[:, None] < owner)) + told)
        return self.V(h, self.V.masked(owner[:, None] <= place))[..., None]

    @property
    def owner(self):
        """The place of each hidden unit."""
        return tf.repeat(tf.range(self.places), self.hidden)

    def begin(self, n, condition=None):
        """What the hidden units and the logits sum up of what is known."""
        hidden = tf.zeros([n, self.places * self.hidden]) + self.W.bias + self.told(condition)
        return {"hidden": hidden, "logits": tf.zeros([n, self.places]) + self.V.bias}

    def step(self, state, before, t, condition=None):
        mine = t * self.hidden + tf.range(self.hidden)
        row = tf.gather(self.W.kernel.value, tf.maximum(t - 1, 0)) * tf.cast(self.owner >= t, tf.float32)
        hidden = state["hidden"] + self.before(before, t) * row
        h = tf.tanh(tf.gather(hidden, mine, axis=1))
        later = tf.cast(tf.range(self.places) >= t, tf.float32)
        logits = state["logits"] + h @ (tf.gather(self.V.kernel.value, mine) * later)
        return tf.gather(logits, t, axis=1)[:, None], {"hidden": hidden, "logits": logits}
