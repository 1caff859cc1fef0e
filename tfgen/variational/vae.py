"""Variational auto-encoder.

    log p(x) ≥ E_q(z|x)[log p(x | z)] - KL(q(z | x) ‖ p(z))                                                      (Eq. 3)
    p(z) = N(0, 1);  q(z | x) = N(μ(x), σ²(x)), sampled as z = μ + σ ε;  KL in closed form                      (Eq. 10)

Kingma and Welling, "Auto-encoding variational Bayes", 2014, https://arxiv.org/abs/1312.6114
"""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfgen import heads, rng
from tfgen.model import GenerativeModel
from tfgen.nets import mlp
from tfgen.words import at_least, nearest

__all__ = ["VAE"]


class VAE(GenerativeModel):
    """A variational auto-encoder of two fully connected nets.

    Arguments:
        shape: of one example.
        latent: dimensions of z.
        hidden: units of the hidden layers, from the data to z; the decoder has them the other way round.
        likelihood: "bernoulli" for x of 0 and 1, "gaussian" for real x (mean and deviation from the decoder).
        samples: of z for each x in the training bound.

    Example:
        >>> model = VAE((8, 8, 1), latent=8)
        >>> model.compile()
        >>> history = model.fit(tfgen.data.load("digits", values="binary"), epochs=5)
        >>> model.sample(16, seed=0).shape
        TensorShape([16, 8, 8, 1])
    """

    def __init__(
        self,
        shape,
        *,
        latent: int = 50,
        hidden: tuple[int, ...] = (200, 200),
        activation: str = "tanh",
        likelihood: str = "bernoulli",
        samples: int = 1,
    ):
        at_least(1, latent=latent, hidden=hidden, samples=samples)
        kinds = {"bernoulli": "binary", "gaussian": "real"}
        if likelihood not in kinds:
            raise ValueError(f"VAE has no likelihood {likelihood!r}: take one of {nearest(likelihood, kinds)}")
        super().__init__(shape, values=kinds[likelihood])
        self.latent, self.dims, self.samples, self.is_binary = (
            latent,
            math.prod(self.shape),
            samples,
            likelihood == "bernoulli",
        )
        self.encoder = mlp(self.dims, hidden, 2 * latent, activation, name="encoder")
        self.decoder = mlp(
            latent, tuple(reversed(hidden)), self.dims * (1 if self.is_binary else 2), activation, name="decoder"
        )

    def posterior(self, x):
        """q(z | x)."""
        return heads.normal(self.encoder(self.flat(x)))

    def likelihood(self, z):
        """p(x | z), for z [n, latent], over flat x."""
        return heads.bernoulli(self.decoder(z)) if self.is_binary else heads.normal(self.decoder(z))

    def prior(self):
        return heads.standard_normal(self.latent)

    def loss_terms(self, x, condition=None, training=True):
        q = self.posterior(x)
        kl = tfp.distributions.kl_divergence(q, self.prior())
        _, log_px = self._sample(q, x, self.samples, self.new_seed())
        reconstruction = -tf.reduce_mean(log_px, -1)
        return {"loss": reconstruction + kl, "kl": kl, "reconstruction": reconstruction}

    def bound(self, x, condition=None, *, k: int = 1, seed: int | None = None):
        """log (1/k) Σ p(x, z) / q(z | x) over k samples of q: at most log p(x) in expectation, and rising with k."""
        q = self.posterior(x)
        z, log_px = self._sample(q, x, k, rng.as_seed(seed))
        log_qz = tf.transpose(q.log_prob(tf.transpose(z, [1, 0, 2])))
        return tf.reduce_logsumexp(log_px + self.prior().log_prob(z) - log_qz, -1) - math.log(k)

    def _sample(self, q, x, k: int, seed):
        """k samples z [n, k, latent] of q(z | x), and log p(x | z) [n, k]."""
        x = self.flat(x)
        z = q.mean()[:, None] + q.stddev()[:, None] * rng.normal([tf.shape(x)[0], k, self.latent], seed)
        log_px = self.likelihood(tf.reshape(z, [-1, self.latent])).log_prob(tf.repeat(x, k, 0))
        return z, tf.reshape(log_px, [-1, k])

    def noise(self, n, seed):
        a, b = rng.split(seed, 2)
        return {
            "z": rng.normal([n, self.latent], a),
            "x": (rng.uniform if self.is_binary else rng.normal)([n, self.dims], b),
        }

    def generate(self, noise, condition=None):
        p = self.likelihood(noise["z"])
        x = tf.cast(noise["x"] < p.mean(), tf.float32) if self.is_binary else p.mean() + p.stddev() * noise["x"]
        return tf.reshape(x, [-1, *self.shape])

    def encode(self, x, condition=None):
        """The mean of q(z | x), [n, latent]."""
        return self.posterior(x).mean()

    def decode(self, z, condition=None):
        """The mean of p(x | z)."""
        return tf.reshape(self.likelihood(z).mean(), [-1, *self.shape])

    def reconstruct(self, x, condition=None):
        return self.decode(self.encode(x))
