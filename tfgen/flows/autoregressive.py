"""Inverse autoregressive flow: every dimension is scaled and moved by a function of those before it.

    y = σ(z) z + (1 - σ(z)) m(z),   log |det| = Σ log σ_i,   σ_i and m_i of z_<i and of what is told

All dimensions at once forwards, by one masked net; its inverse takes one pass for each dimension, since y_i gives z_i
where z_<i are known.

Kingma et al., "Improving variational inference with inverse autoregressive flow", 2016,
https://arxiv.org/abs/1606.04934
"""

import itertools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfgen.flows.flow import Flow, spread
from tfgen.layers import MaskedDense

__all__ = ["InverseAutoregressive"]


class InverseAutoregressive(Flow):
    """[..., d] to [..., d].

    Arguments:
        hidden: units of the masked net.
        backwards: the last dimension comes first, as in every other step of a chain.
    """

    def __init__(self, dims: int, told: int = 0, *, hidden: Sequence[int] = (64,), backwards: bool = False):
        super().__init__(dims, told)
        places = np.arange(dims)[::-1] if backwards else np.arange(dims)
        sizes, degrees = (dims, *hidden), [places, *(np.arange(units) % max(1, dims - 1) for units in hidden)]
        self.masks = [(a[:, None] <= b).astype("float32") for a, b in itertools.pairwise(degrees)]
        self.masks.append(np.tile((degrees[-1][:, None] < places).astype("float32"), (1, 2)))
        self.dense = [MaskedDense(a, b, dtype="float32") for a, b in zip(sizes, (*hidden, 2 * dims), strict=True)]
        if told:
            self.beside = [keras.layers.Dense(n, use_bias=False, dtype="float32") for n in (*hidden, 2 * dims)]
            for layer in self.beside:
                layer.build((None, told))

    def parameters(self, z, told=None):
        """m and the logits of σ, [..., d], which begin with σ near .8."""
        h = z
        for i, (layer, mask) in enumerate(zip(self.dense, self.masks, strict=True)):
            h = layer(tf.nn.elu(h) if i else h, layer.masked(mask))
            if self.told:
                h += spread(self.beside[i](told), z)
        m, s = tf.split(h, 2, -1)
        return m, s + 1.5

    def forward_and_log_det(self, z, told=None):
        m, s = self.parameters(z, told)
        return tf.sigmoid(s) * z + tf.sigmoid(-s) * m, tf.reduce_sum(tf.math.log_sigmoid(s), -1)

    def inverse_and_log_det(self, y, told=None):
        z = tf.zeros_like(y)
        for _ in range(self.dims):  # one more dimension is right after each
            m, s = self.parameters(z, told)
            z = (y - tf.sigmoid(-s) * m) / tf.sigmoid(s)
        return z, -tf.reduce_sum(tf.math.log_sigmoid(self.parameters(z, told)[1]), -1)
