"""Variational auto-encoder.

    log p(x) ≥ E_q(z|x)[log p(x | z)] - KL(q(z | x) ‖ p(z))                                                      (Eq. 3)
    p(z) = N(0, 1);  q(z | x) = N(μ(x), σ²(x)), sampled as z = μ + σ ε;  KL in closed form                      (Eq. 10)

Kingma and Welling, "Auto-encoding variational Bayes", 2014, https://arxiv.org/abs/1312.6114
"""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfgen import heads, laws, parts
from tfgen.checks import at_least
from tfgen.model import GenerativeModel
from tfgen.nets import mlp
from tfgen.parts import Weighted

__all__ = ["VAE"]


class VAE(Weighted, GenerativeModel):
    """A variational auto-encoder of two fully connected nets.

    Arguments:
        shape: of one example.
        latent: dimensions of z.
        hidden: units of the hidden layers, from the data to z; the decoder has them the other way round.
        likelihood: a name of `tfgen.parts.LIKELIHOODS`: "bernoulli" for x of 0 and 1, "gaussian" for real x (mean and
            deviation from the decoder), "categorical:256" or "logistic_mixture:5" for bytes.
        samples: of z for each x in the training bound.

    Example:
        >>> model = VAE((8, 8, 1), latent=8)
        >>> model.compile()
        >>> history = model.fit(tfgen.data.load("digits", values="binary"), epochs=5, verbose=0)
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
        self.likelihood, self.latent, self.samples = parts.likelihood(likelihood), latent, samples
        super().__init__(shape, values=self.likelihood.values)
        dims = math.prod(self.shape)
        self.q = parts.Diagonal.mlp(dims, hidden, latent, activation)
        self.decoder = mlp(latent, hidden[::-1], dims * self.likelihood.size, activation, name="decoder")

    def seen(self, x):
        """x as the encoder takes it: whole numbers in -1..1."""
        return 2 * self.flat(x) / self.likelihood.top - 1 if self.values == "bytes" else self.flat(x)

    def parameters(self, z):
        """Of p(x | z), for z [..., latent]: [..., dims, size]."""
        rows = self.likelihood.split(self.decoder(tf.reshape(z, [-1, self.latent])))
        return tf.reshape(rows, [*tf.unstack(tf.shape(z)[:-1]), *rows.shape[1:]])

    def loss_terms(self, x, condition=None, training=True):
        seen = self.seen(x)
        z, _ = self.q.sample_and_log_prob(seen, self.samples, self.new_seed())
        kl = tfp.distributions.kl_divergence(self.q(seen), heads.standard_normal(self.latent))
        reconstruction = -tf.reduce_mean(self.log_px(x, z), -1)
        return {"loss": reconstruction + kl, "kl": kl, "reconstruction": reconstruction}

    def log_w(self, x, condition, k, seed):
        """log p(x, z) - log q(z | x) of k samples of q, [n, k]."""
        z, log_q = self.q.sample_and_log_prob(self.seen(x), k, seed)
        return self.log_px(x, z) + heads.standard_normal(self.latent).log_prob(z) - log_q

    def log_px(self, x, z):
        """log p(x | z) for z [n, k, latent], [n, k]."""
        return self.likelihood.log_prob(self.flat(x)[:, None], self.parameters(z))

    @property
    def laws(self):
        return {"z": laws.normal(self.latent), "x": self.likelihood.drawn_from(math.prod(self.shape))}

    def generate(self, noise, condition=None):
        return tf.reshape(self.likelihood.pick(noise["x"], self.parameters(noise["z"])), [-1, *self.shape])

    def encode(self, x, condition=None):
        """The mean of q(z | x), [n, latent]."""
        return self.q(self.seen(x)).mean()

    def decode(self, z, condition=None):
        """The mean of p(x | z)."""
        return tf.reshape(self.likelihood.mean(self.parameters(z)), [-1, *self.shape])

    def reconstruct(self, x, condition=None):
        return self.decode(self.encode(x))
