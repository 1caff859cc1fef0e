"""Variational auto-encoder, with the posteriors and priors that came after it.

    log p(x) ≥ E_q(z|x)[log p(x | z)] - KL(q(z | x) ‖ p(z))                                                      (Eq. 3)
    p(z) = N(0, 1);  q(z | x) = N(μ(x), σ²(x)), sampled as z = μ + σ ε;  KL in closed form                      (Eq. 10)

A conditional one has everything given y: p(x | z, y), q(z | x, y).

Kingma and Welling, "Auto-encoding variational Bayes", 2014, https://arxiv.org/abs/1312.6114
"""

import tensorflow as tf

from tfgen import parts
from tfgen.variational.engine import Inferred, Variational

__all__ = ["VAE"]


class VAE(Variational):
    """A variational auto-encoder.

    Arguments:
        shape: of one example.
        posterior: "diagonal" or "full", a Gaussian; or "planar:10", "radial:10", "householder:10", "iaf:2",
            "coupling:4", "affine:4", a diagonal one that goes through so many flows, which are told what the encoder
            says besides.
        flow_hidden: units of the nets in flows that have some.
        others: of `Variational`: condition, latent, hidden, net, likelihood, prior, objective, samples, beta …

    Example:
        >>> model = VAE((8, 8, 1), latent=8)
        >>> model.compile()
        >>> history = model.fit(tfgen.data.load("digits", values="binary"), epochs=5, verbose=0)
        >>> model.sample(16, seed=0).shape
        TensorShape([16, 8, 8, 1])
    """

    def __init__(self, shape, *, posterior: str = "diagonal", flow_hidden: tuple[int, ...] = (64,), **others):
        super().__init__(shape, **others)
        self.q = parts.posterior(posterior, self.latent, self.encoder_of, flow_hidden)
        self.decoder = self.decoder_of(self.latent)

    def infer(self, x, condition, k, seed):
        z, log_q, kl = self.q.sample_and_kl(self.seen(x, condition), k, seed)
        closed = kl is not None and self.prior.closed
        return Inferred(
            self.log_px(x, z, condition), self.prior.log_prob(z) - log_q, tf.reduce_sum(kl, -1) if closed else None
        )

    def encode(self, x, condition=None):
        """The mean of q(z | x), [n, latent]; where there are flows, that of their base, through them."""
        return self.q.mean(self.seen(x, condition))

    def kl_of_dimensions(self, x, condition=None):
        """KL(q(z_i | x) ‖ N(0, 1)) of each dimension, [n, latent]: None unless the posterior is diagonal and the prior
        normal."""
        closed = isinstance(self.q, parts.Diagonal) and self.prior.closed
        return self.q.kl(self.seen(x, condition)) if closed else None
