"""Planar flow: a ridge along one direction.

    f(z) = z + û tanh(w·z + b),   log |det| = log |1 + (1 - tanh²(w·z + b)) w·û|                        (Eq. 10 to 12)
    û = u + (softplus(w·u) - 1 - w·u) w / |w|², so that w·û > -1 and f can be inverted                 (appendix A.1)

The inverse has no closed form. Along w it is one rising function of one number, w·y = s + w·û tanh(s + b) of s = w·z.

Rezende and Mohamed, "Variational inference with normalizing flows", 2015, https://arxiv.org/abs/1505.05770
"""

import tensorflow as tf

from tfgen.flows.flow import Flow, Given, inverted

__all__ = ["Planar"]


class Planar(Flow):
    """[..., d] to [..., d]."""

    def __init__(self, dims: int, told: int = 0):
        super().__init__(dims, told)
        self.given = Given(2 * dims + 1, told)

    def parameters(self, z, told=None):
        """û, w [..., d] and b [..., 1]."""
        u, w, b = tf.split(self.given.of(z, told), [self.dims, self.dims, 1], -1)
        wu = _dot(w, u)
        return u + (tf.nn.softplus(wu) - 1 - wu) * w / (_dot(w, w) + 1e-12), w, b

    def forward_and_log_det(self, z, told=None):
        u, w, b = self.parameters(z, told)
        a = tf.tanh(_dot(w, z) + b)
        return z + u * a, tf.math.log(tf.abs(1 + (1 - a**2) * _dot(w, u)))[..., 0]

    def inverse_and_log_det(self, y, told=None):
        u, w, b = self.parameters(y, told)
        wu, wy = _dot(w, u), _dot(w, y)
        f, slope = (lambda s: s + wu * tf.tanh(s + b)), (lambda s: 1 + wu * (1 - tf.tanh(s + b) ** 2))
        s = inverted(f, slope, wy, tf.abs(wu) + 1e-3)
        return y - u * tf.tanh(s + b), -tf.math.log(slope(s))[..., 0]


def _dot(a, b):
    return tf.reduce_sum(a * b, -1, keepdims=True)
