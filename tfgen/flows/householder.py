"""Householder flow: reflections, which make a full covariance of a diagonal one and change no volume.

    f(z) = H z,   H = 1 - 2 v vᵀ / |v|²,   log |det| = 0

H is its own inverse. In the paper v_t is an affine map of v_{t-1}, and v_0 a layer of the encoder; chains of affine
maps are affine maps of v_0, and here each v_t is one of what is told.

Tomczak and Welling, "Improving variational auto-encoders using Householder flow", 2016,
https://arxiv.org/abs/1611.09630
"""

import tensorflow as tf

from tfgen.flows.flow import Flow, Given

__all__ = ["Householder"]


class Householder(Flow):
    """[..., d] to [..., d]."""

    def __init__(self, dims: int, told: int = 0):
        super().__init__(dims, told)
        self.given = Given(dims, told)

    def forward_and_log_det(self, z, told=None):
        v = self.given.of(z, told)
        along = tf.reduce_sum(v * z, -1, keepdims=True) / (tf.reduce_sum(v**2, -1, keepdims=True) + 1e-12)
        return z - 2 * along * v, tf.zeros(tf.shape(z)[:-1])

    inverse_and_log_det = forward_and_log_det
