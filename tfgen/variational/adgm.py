"""Auxiliary deep generative model: an auxiliary variable a makes the posterior of z a mixture.

    q(a, z | x) = q(a | x) q(z | a, x),   p(x, a, z) = p(z) p(x | z) p(a | x, z)
    log w = log p(x | z) + log p(z) + log p(a | x, z) - log q(a | x) - log q(z | a, x)

Samples need no a. Told y, everything but q(a | x) is given it.

Maaløe, Sønderby, Sønderby, Winther, "Auxiliary deep generative models", 2016, https://arxiv.org/abs/1602.05473
"""

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import heads, rng
from tfgen.checks import at_least
from tfgen.nets import mlp
from tfgen.parts import drawn
from tfgen.variational.engine import Inferred, Variational

__all__ = ["ADGM"]


class ADGM(Variational):
    """An auxiliary deep generative model.

    Arguments:
        shape: of one example.
        auxiliary: dimensions of a.
        others: of `Variational`; `encoder` is q(a | x), and is told nothing. The nets of z and of a's reverse are fully
            connected.
    """

    def __init__(self, shape, *, condition=None, latent: int = 40, auxiliary: int = 40, **others):
        at_least(1, auxiliary=auxiliary)
        super().__init__(shape, condition=condition, latent=latent, **others)
        self.auxiliary, told = auxiliary, conditions.size(self.told_classes())
        self.spec = None
        self.q_a = self.encoder_of(2 * auxiliary)
        self.spec = self.told_classes()
        hidden, activation = self._style["hidden"], self._style["activation"]
        self.q_z = mlp(self.dims + told + auxiliary, hidden, 2 * latent, activation, name="q_z")
        self.p_a = mlp(self.dims + told + latent, hidden, 2 * auxiliary, activation, name="p_a")
        self.decoder = self.decoder_of(latent)

    def told_classes(self):
        """What its nets are told of the condition."""
        return self.condition

    def infer(self, x, condition, k, seed):
        a_seed, z_seed = rng.split(seed, 2)
        return self.given(x, *self.draw_a(x, k, a_seed), condition, z_seed)

    def draw_a(self, x, k: int, seed):
        """a [n, k, auxiliary] of q(a | x), and its log density [n, k]."""
        noise = rng.normal([tf.shape(x)[0], k, self.auxiliary], seed)
        return drawn(self.q_a(self.alone(x))[:, None], noise)

    def given(self, x, a, log_qa, condition, seed) -> Inferred:
        """z drawn for each a, and what both say."""
        rows = self.rows(x, condition)
        noise = rng.normal([*tf.unstack(tf.shape(a)[:2]), self.latent], seed)
        z, log_qz = drawn(self.across(self.q_z, rows, a), noise)
        log_pa = heads.normal(self.across(self.p_a, rows, z)).log_prob(a)
        return Inferred(self.log_px(x, z, condition), self.prior.log_prob(z) + log_pa - log_qa - log_qz)

    def alone(self, x):
        """x as q(a | x) takes it."""
        x = self.flat(x)
        x = 2 * x / self.likelihood.top - 1 if self.values == "bytes" else x
        return tf.reshape(x, [-1, *self.shape]) if self.as_maps or self._own[0] is not None else x

    def rows(self, x, condition):
        """x flat, with what is told beside it."""
        alone = tf.reshape(self.alone(x), [-1, self.dims])
        return alone if self.spec is None else tf.concat([alone, conditions.vector(self.spec, condition)], -1)

    def encode(self, x, condition=None):
        """The mean of q(z | a, x) at the mean of q(a | x), [n, latent]."""
        a = heads.normal(self.q_a(self.alone(x))).mean()
        return heads.normal(self.q_z(tf.concat([self.rows(x, condition), a], -1))).mean()
