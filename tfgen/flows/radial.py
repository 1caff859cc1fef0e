"""Radial flow: space is drawn to a point, or pushed away from it.

    f(z) = z + β h (z - z₀),   h = 1 / (α + r),  r = |z - z₀|                                                  (Eq. 14)
    log |det| = (d - 1) log(1 + β h) + log(1 + β h - β r h²)
    β = -α + softplus(β̂) ≥ -α, so that f can be inverted                                              (appendix A.2)

The inverse: |y - z₀| = r (1 + β h) is a quadratic equation of r.

Rezende and Mohamed, "Variational inference with normalizing flows", 2015, https://arxiv.org/abs/1505.05770
"""

import tensorflow as tf

from tfgen.flows.flow import Flow, Given

__all__ = ["Radial"]


class Radial(Flow):
    """[..., d] to [..., d]."""

    def __init__(self, dims: int, told: int = 0):
        super().__init__(dims, told)
        self.given = Given(dims + 2, told)

    def parameters(self, z, told=None):
        """z₀ [..., d], α and β [..., 1]."""
        centre, a, b = tf.split(self.given.of(z, told), [self.dims, 1, 1], -1)
        alpha = tf.nn.softplus(a) + 1e-3
        return centre, alpha, tf.nn.softplus(b) - alpha

    def forward_and_log_det(self, z, told=None):
        centre, alpha, beta = self.parameters(z, told)
        r = _length(z - centre)
        return z + beta / (alpha + r) * (z - centre), self._log_det(r, alpha, beta)

    def inverse_and_log_det(self, y, told=None):
        centre, alpha, beta = self.parameters(y, told)
        length = _length(y - centre)
        half = (alpha + beta - length) / 2
        root = tf.sqrt(half**2 + alpha * length)
        r = tf.where(half > 0, alpha * length / (root + half), root - half)  # either keeps its digits
        return centre + (y - centre) / (1 + beta / (alpha + r)), -self._log_det(r, alpha, beta)

    def _log_det(self, r, alpha, beta):
        h = 1 / (alpha + r)
        return ((self.dims - 1) * tf.math.log(1 + beta * h) + tf.math.log(1 + beta * alpha * h**2))[..., 0]


def _length(x):
    return tf.sqrt(tf.reduce_sum(x**2, -1, keepdims=True) + 1e-12)
