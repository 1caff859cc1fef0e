"""NICE: a density without a bound, by additive couplings whose volume is one and a scale for each dimension.

    log p(x) = log p_H(h) + Σ_i s_i,   h = exp(s) ∘ f_4 ∘ … ∘ f_1(x)
    log p_H(h) = -Σ_i [log(1 + e^{h_i}) + log(1 + e^{-h_i})], logistic, or a standard normal

Bytes are dequantised, and log p is the density of what comes of that: bits per dim take the constant into account.

Dinh, Krueger, Bengio, "NICE: non-linear independent components estimation", 2015, https://arxiv.org/abs/1410.8516
"""

import functools
import math

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import heads, laws, rng
from tfgen.checks import at_least, one_of
from tfgen.flows import Chain, Coupling, Scale
from tfgen.model import GenerativeModel, Player

__all__ = ["NICE"]


class NICE(GenerativeModel):
    """Non-linear independent components estimation.

    Arguments:
        shape: of one example.
        condition: what every coupling is told.
        couplings: how many, the dimensions that stay in turn.
        hidden: units of the layers of each coupling's net.
        prior: "logistic" or "normal".
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        couplings: int = 4,
        hidden: tuple[int, ...] = (1000, 1000, 1000, 1000, 1000),
        activation: str = "relu",
        prior: str = "logistic",
    ):
        at_least(1, couplings=couplings, hidden=hidden)
        one_of(f"prior={prior!r}", prior, ("logistic", "normal"))
        super().__init__(shape, condition, "real")
        self.dims, self.prior, told = math.prod(self.shape), prior, conditions.size(condition)
        moves = functools.partial(Coupling, self.dims, told, hidden=hidden, activation=activation)
        self.f = Chain([*(moves(odd=i % 2 == 1) for i in range(couplings)), Scale(self.dims)])

    def players(self):
        adam = functools.partial(keras.optimizers.Adam, 1e-3, epsilon=1e-4)
        return {"model": Player(self.loss_terms, self.trainable_variables, 1, adam)}

    def told(self, condition):
        return None if self.condition is None else conditions.vector(self.condition, condition)

    def log_prob(self, x, condition=None):
        h, log_det = self.f.forward_and_log_det(self.flat(x), self.told(condition))
        if self.prior == "normal":
            return heads.standard_normal(self.dims).log_prob(h) + log_det
        return log_det - tf.reduce_sum(tf.nn.softplus(h) + tf.nn.softplus(-h), -1)

    def loss_terms(self, x, condition=None, training=True):
        return {"loss": -self.log_prob(x, condition)}

    @property
    def laws(self):
        return {"z": laws.normal(self.dims)} if self.prior == "normal" else {"u": laws.uniform(self.dims)}

    def generate(self, noise, condition=None):
        return self.decode(self.code(noise), condition)

    def code(self, noise, condition=None):
        """The h of these noises, [n, dims]."""
        return noise["z"] if self.prior == "normal" else rng.logistic(noise["u"])

    def encode(self, x, condition=None):
        """h, [n, dims]."""
        return self.f.forward_and_log_det(self.flat(x), self.told(condition))[0]

    def decode(self, z, condition=None):
        """The x of h."""
        return tf.reshape(self.f.inverse_and_log_det(z, self.told(condition))[0], [-1, *self.shape])
