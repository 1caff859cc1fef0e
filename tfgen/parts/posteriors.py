"""Posteriors q(z | x), and what every model with a posterior has in common: its bounds are functions of log_w.

log_w = log p(x, z) - log q(z | x),   E_q[w] = p(x)
"""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfgen import heads, losses, rng
from tfgen.nets import mlp

__all__ = ["Diagonal", "Flowed", "Weighted"]


class Weighted:
    """Of a model that has `log_w(x, condition, k, seed)`, [n, k] for k samples of its posterior."""

    def bound(self, x, condition=None, *, k: int = 1, seed: int | None = None) -> tf.Tensor:
        """log (1/k) Σ w over k samples of q, [n]: at most log p(x) in expectation, and rising with k."""
        return losses.iwae(self.log_w(x, condition, k, rng.as_seed(seed)))


@keras.saving.register_keras_serializable("tfgen")
class Diagonal(keras.layers.Layer):
    """N(μ(x), σ²(x)) by a net, sampled as z = μ + σ ε.

    Arguments:
        net: x [n, …] to [n, 2 · latent].
    """

    def __init__(self, net: keras.Model):
        super().__init__(autocast=False)
        self.net, self.latent, self.built = net, net.output_shape[-1] // 2, True

    @classmethod
    def mlp(cls, inputs: int, hidden: Sequence[int], latent: int, activation: str = "tanh") -> "Diagonal":
        return cls(mlp(inputs, hidden, 2 * latent, activation, name="encoder"))

    def call(self, x):
        """The distribution q(z | x)."""
        return heads.normal(self.net(x))

    def sample_and_log_prob(self, x, k: int, seed) -> tuple[tf.Tensor, tf.Tensor]:
        """k samples z [n, k, latent] for each x, and log q(z | x) [n, k]."""
        q = self(x)
        noise = rng.normal([tf.shape(x)[0], k, self.latent], seed)
        z = q.mean()[:, None] + q.stddev()[:, None] * noise
        log_sd = tf.math.log(q.stddev())[:, None]
        return z, -tf.reduce_sum(noise**2 / 2 + log_sd + 0.5 * math.log(2 * math.pi), -1)


@keras.saving.register_keras_serializable("tfgen")
class Flowed(keras.layers.Layer):
    """A posterior whose samples go through flows: log q(z_K) = log q(z_0) - Σ log |det ∂z_i/∂z_{i-1}|.

    Arguments:
        base: a posterior.
        flows: layers with `forward_and_log_det(z)`.
    """

    def __init__(self, base: keras.layers.Layer, flows: Sequence[keras.layers.Layer]):
        super().__init__(autocast=False)
        self.base, self.flows, self.built = base, list(flows), True

    def sample_and_log_prob(self, x, k: int, seed) -> tuple[tf.Tensor, tf.Tensor]:
        z, log_q = self.base.sample_and_log_prob(x, k, seed)
        for flow in self.flows:
            z, log_det = flow.forward_and_log_det(z)
            log_q = log_q - log_det
        return z, log_q
