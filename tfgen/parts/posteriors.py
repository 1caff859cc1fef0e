"""Posteriors q(z | x), and what every model with a posterior has in common: its bounds are functions of log_w.

    log_w = log p(x, z) - log q(z | x),   E_q[w] = p(x)

diagonal          N(μ(x), σ²(x))
full              N(μ(x), L(x) L(x)ᵀ), L a triangle
planar:10 …       a diagonal one that went through flows of `tfgen.flows`
"""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfgen import flows, heads, losses, rng
from tfgen.checks import nearest, numbered
from tfgen.nets import mlp

__all__ = ["Diagonal", "Flowed", "Full", "Weighted", "drawn", "posterior"]


class Weighted:
    """Of a model that has `log_w(x, condition, k, seed)`, [n, k] for k samples of its posterior."""

    def bound(self, x, condition=None, *, k: int = 1, seed: int | None = None) -> tf.Tensor:
        """log (1/k) Σ w over k samples of q, [n]: at most log p(x) in expectation, and rising with k."""
        if isinstance(k, int) and k < 1:
            raise ValueError(f"k={k}: a bound takes one sample or more")
        return losses.iwae(self.log_w(x, condition, k, rng.as_seed(seed)))


@keras.saving.register_keras_serializable("tfgen")
class Diagonal(keras.layers.Layer):
    """N(μ(x), σ²(x)) by a net, sampled as z = μ + σ ε.

    Arguments:
        net: x [n, …] to [n, 2 · latent + told].
        told: numbers that it gives besides, for flows that come after.
    """

    def __init__(self, net: keras.Model, told: int = 0):
        super().__init__(autocast=False)
        self.net, self.told, self.latent, self.built = net, told, (net.output_shape[-1] - told) // 2, True

    @classmethod
    def mlp(cls, inputs: int, hidden: Sequence[int], latent: int, activation: str = "tanh") -> "Diagonal":
        return cls(mlp(inputs, hidden, 2 * latent, activation, name="encoder"))

    def call(self, x):
        """The distribution q(z | x)."""
        return self.read(x)[0]

    def read(self, x):
        """The distribution, and what flows are told."""
        out = self.net(x)
        return heads.normal(out[:, : 2 * self.latent]), out[:, 2 * self.latent :]

    def mean(self, x) -> tf.Tensor:
        return self(x).mean()

    def draw(self, x, k: int, seed) -> tuple:
        """The distribution, z [n, k, latent], log q(z | x) [n, k], and what flows are told."""
        out = self.net(x)
        parameters, told = out[:, : 2 * self.latent], out[:, 2 * self.latent :]
        z, log_q = drawn(parameters[:, None], rng.normal([tf.shape(x)[0], k, self.latent], seed))
        return heads.normal(parameters), z, log_q, told

    def sample_and_log_prob(self, x, k: int, seed) -> tuple[tf.Tensor, tf.Tensor]:
        """k samples z [n, k, latent] for each x, and log q(z | x) [n, k]."""
        return self.draw(x, k, seed)[1:3]

    def sample_and_kl(self, x, k: int, seed) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
        """Samples and log q as above, and KL(q ‖ N(0, 1)) of each dimension, [n, latent], where it has a closed
        form."""
        q, z, log_q, _ = self.draw(x, k, seed)
        return z, log_q, _kl(q.mean(), q.stddev())

    def kl(self, x) -> tf.Tensor:
        """KL(q ‖ N(0, 1)) of each dimension, [n, latent]."""
        q = self(x)
        return _kl(q.mean(), q.stddev())

    def frozen(self, x, z):
        """log q(z | x) [n, k] whose gradient flows to z alone."""
        q = self(x)
        mean, sd = (tf.stop_gradient(part)[:, None] for part in (q.mean(), q.stddev()))
        return -tf.reduce_sum(((z - mean) / sd) ** 2 / 2 + tf.math.log(sd) + 0.5 * math.log(2 * math.pi), -1)


def drawn(parameters: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """z = μ + σ ε of a net's [..., 2d], and its log density [...]."""
    q = heads.normal(parameters)
    z = q.mean() + q.stddev() * noise
    return z, -tf.reduce_sum(noise**2 / 2 + tf.math.log(q.stddev()) + 0.5 * math.log(2 * math.pi), -1)


def _kl(mean, sd):
    return (mean**2 + sd**2 - 1) / 2 - tf.math.log(sd)


@keras.saving.register_keras_serializable("tfgen")
class Full(keras.layers.Layer):
    """N(μ(x), L(x) L(x)ᵀ), sampled as z = μ + L ε; the diagonal of L is a softplus.

    Arguments:
        net: x [n, …] to [n, latent + latent (latent + 1) / 2].
    """

    def __init__(self, net: keras.Model, latent: int):
        super().__init__(autocast=False)
        self.net, self.latent, self.built = net, latent, True

    @staticmethod
    def outputs(latent: int) -> int:
        return latent + latent * (latent + 1) // 2

    def read(self, x):
        """μ [n, latent], L [n, latent, latent] and the logarithm of its diagonal."""
        d = self.latent
        mean, raw = tf.split(self.net(x), [d, self.outputs(d) - d], -1)
        sd = tf.nn.softplus(raw[:, :d]) + 1e-3
        entries = tf.concat([sd, raw[:, d:], tf.zeros_like(sd[:, :1])], -1)
        place = np.full((d, d), entries.shape[-1] - 1)  # zeros above the diagonal
        np.fill_diagonal(place, range(d))
        place[np.tril_indices(d, -1)] = d + np.arange(d * (d - 1) // 2)
        return mean, tf.reshape(tf.gather(entries, place.ravel(), axis=1), [-1, d, d]), tf.math.log(sd)

    def mean(self, x) -> tf.Tensor:
        return self.read(x)[0]

    def sample_and_log_prob(self, x, k: int, seed) -> tuple[tf.Tensor, tf.Tensor]:
        return self.sample_and_kl(x, k, seed)[:2]

    def sample_and_kl(self, x, k: int, seed):
        """As of `Diagonal`; the divergence of each dimension is that of its row, and only their sum means anything."""
        mean, triangle, log_sd = self.read(x)
        noise = rng.normal([tf.shape(x)[0], k, self.latent], seed)
        z = mean[:, None] + tf.einsum("nij,nkj->nki", triangle, noise)
        log_q = -tf.reduce_sum(noise**2 / 2 + log_sd[:, None] + 0.5 * math.log(2 * math.pi), -1)
        return z, log_q, (mean**2 + tf.reduce_sum(triangle**2, -1) - 1) / 2 - log_sd


@keras.saving.register_keras_serializable("tfgen")
class Flowed(keras.layers.Layer):
    """A posterior whose samples go through flows: log q(z_K) = log q(z_0) - Σ log |det ∂z_i/∂z_{i-1}|.

    Arguments:
        base: a `Diagonal`, or another posterior where the flows are told nothing.
        flows: bricks of `tfgen.flows`, or layers with `forward_and_log_det(z)`.
    """

    def __init__(self, base: keras.layers.Layer, flows: Sequence[keras.layers.Layer]):
        super().__init__(autocast=False)
        self.base, self.flows, self.built = base, list(flows), True

    def mean(self, x) -> tf.Tensor:
        """Of the base, through the flows."""
        q, told = self.base.read(x)
        return self._through(q.mean(), told)[0]

    def sample_and_log_prob(self, x, k: int, seed) -> tuple[tf.Tensor, tf.Tensor]:
        if getattr(self.base, "told", 0):
            _, z, log_q, told = self.base.draw(x, k, seed)
        else:
            (z, log_q), told = self.base.sample_and_log_prob(x, k, seed), None
        z, log_det = self._through(z, told)
        return z, log_q - log_det

    def sample_and_kl(self, x, k: int, seed):
        return *self.sample_and_log_prob(x, k, seed), None

    def _through(self, z, told):
        total = tf.zeros(tf.shape(z)[:-1])
        for flow in self.flows:
            z, log_det = flow.forward_and_log_det(z, told) if getattr(flow, "told", 0) else flow.forward_and_log_det(z)
            total += log_det
        return z, total


def posterior(which: str, latent: int, net: Callable[[int], keras.Model], hidden: tuple[int, ...] = (64,)):
    """By name. `net(outputs)` makes the encoder; flows are told as many numbers of each x as z has."""
    name, length = numbered(which)
    if name in ("diagonal", "full") and length is not None:
        raise ValueError(f"{which!r}: {name} takes no number, write {name}")
    if name == "diagonal" or (name in flows.FLOWS and length == 0):
        return Diagonal(net(2 * latent))
    if name == "full":
        return Full(net(Full.outputs(latent)), latent)
    if name not in flows.FLOWS:
        raise ValueError(
            f"there is no posterior {name!r}: take one of {nearest(name, ('diagonal', 'full', *flows.FLOWS))}"
        )
    return Flowed(Diagonal(net(3 * latent), latent), flows.flow(which, latent, latent, hidden).flows)
