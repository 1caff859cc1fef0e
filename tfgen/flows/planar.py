"""Planar flow: a ridge along one direction.

    f(z) = z + û a,  a = tanh(w·z + b),   log |det| = log |1 + (1 - a²) w·û|                            (Eq. 10 to 12)
    û = u + (softplus(w·u) - 1 - w·u) w / |w|², so that w·û > -1 and f can be inverted                 (appendix A.1)
    1 + w·û = softplus(w·u) keeps its digits, and |det| = a² + (1 - a²) softplus(w·u)

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
        """û, w [..., d], b and 1 + w·û [..., 1]."""
        u, w, b = tf.split(self.given.of(z, told), [self.dims, self.dims, 1], -1)
        wu, ww = _dot(w, u), _dot(w, w) + 1e-12
        share = _dot(w, w) / ww  # 1, but where w is nearly zero
        least = share * tf.nn.softplus(wu) + (1 - share) * tf.nn.relu(1 + wu) + 1e-37
        return u + (tf.nn.softplus(wu) - 1 - wu) * w / ww, w, b, least

    def forward_and_log_det(self, z, told=None):
        u, w, b, least = self.parameters(z, told)
        a = tf.tanh(_dot(w, z) + b)
        return z + u * a, tf.math.log(_slope(a, least))[..., 0]

    def inverse_and_log_det(self, y, told=None):
        u, w, b, least = self.parameters(y, told)
        f, slope = (lambda s: s + (least - 1) * tf.tanh(s + b)), (lambda s: _slope(tf.tanh(s + b), least))
        s = inverted(f, slope, _dot(w, y), tf.abs(least - 1) + 1e-3)
        return y - u * tf.tanh(s + b), -tf.math.log(slope(s))[..., 0]


def _slope(a, least):
    return a**2 + (1 - a**2) * least


def _dot(a, b):
    return tf.reduce_sum(a * b, -1, keepdims=True)
