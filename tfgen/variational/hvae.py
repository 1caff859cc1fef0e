"""Hierarchical variational auto-encoder: two layers of latent variables, the model of the IWAE paper.

    p(x, h, z) = p(z) p(h | z) p(x | h),   q(h, z | x) = q(h | x) q(z | h)
    log w = log p(x | h) + log p(h | z) + log p(z) - log q(h | x) - log q(z | h)

Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", 2016, https://arxiv.org/abs/1509.00519
"""

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import heads, laws, rng
from tfgen.checks import at_least
from tfgen.nets import mlp
from tfgen.parts import Diagonal, drawn
from tfgen.variational.engine import Inferred, Variational

__all__ = ["HVAE"]


class HVAE(Variational):
    """A variational auto-encoder with two layers of latent variables.

    Arguments:
        shape: of one example.
        latent: dimensions of z, the upper layer.
        between: dimensions of h, the layer between z and x.
        upper_hidden: units of the nets between h and z.
        others: of `Variational`; `hidden` are the layers between x and h.
    """

    def __init__(
        self,
        shape,
        *,
        latent: int = 50,
        between: int = 100,
        upper_hidden: tuple[int, ...] = (100, 100),
        objective: str = "iwae",
        samples: int = 5,
        **others,
    ):
        at_least(1, between=between, upper_hidden=upper_hidden)
        super().__init__(shape, latent=latent, objective=objective, samples=samples, **others)
        self.between, told, activation = between, conditions.size(self.spec), self._style["activation"]
        self.q_h = Diagonal(self.encoder_of(2 * between))
        self.q_z = mlp(between + told, upper_hidden, 2 * latent, activation, name="q_z")
        self.p_h = mlp(latent + told, upper_hidden[::-1], 2 * between, activation, name="p_h")
        self.decoder = self.decoder_of(between)

    def infer(self, x, condition, k, seed):
        h_seed, z_seed = rng.split(seed, 2)
        h, log_qh = self.q_h.sample_and_log_prob(self.seen(x, condition), k, h_seed)
        z, log_qz = drawn(self.upper(self.q_z, h, condition), rng.normal([tf.shape(h)[0], k, self.latent], z_seed))
        log_ph = heads.normal(self.upper(self.p_h, z, condition)).log_prob(h)
        return Inferred(self.log_px(x, h, condition), self.prior.log_prob(z) + log_ph - log_qh - log_qz)

    def upper(self, net, z, condition):
        """What a net between h and z says of [n, k, d] or [n, d]."""
        out = net(self.beside(z, condition))
        return tf.reshape(out, [*tf.unstack(tf.shape(z)[:-1]), out.shape[-1]])

    @property
    def laws(self):
        return {**self.prior.laws, "between": laws.normal(self.between), "x": self.likelihood.drawn_from(self.dims)}

    def generate(self, noise, condition=None):
        h, _ = drawn(self.upper(self.p_h, self.code(noise), condition), noise["between"])
        return tf.reshape(self.likelihood.pick(noise["x"], self.parameters(h, condition)), [-1, *self.shape])

    def encode(self, x, condition=None):
        """The mean of q(z | h) at the mean of q(h | x), [n, latent]."""
        h = self.q_h.mean(self.seen(x, condition))
        return heads.normal(self.upper(self.q_z, h, condition)).mean()

    def decode(self, z, condition=None):
        """The mean of p(x | h) at the mean of p(h | z)."""
        return super().decode(heads.normal(self.upper(self.p_h, z, condition)).mean(), condition)

    def reconstruct(self, x, condition=None):
        """By the layer next to x."""
        return super().decode(self.q_h.mean(self.seen(x, condition)), condition)
