"""Adversarial variational Bayes: a posterior that can only be sampled, and a critic that knows its density.

    z = a_0(x) + Σ_i a_i(x) v_i(ε_i),   ε noise, v_i learnt
    r(z | x) = N(μ(x), L(x) L(x)ᵀ) with the moments of q;   z̃ = L⁻¹ (z - μ)                        (adaptive contrast)
    the critic T tells z̃ of q from N(0, 1); at its best T = log q(z | x) - log r(z | x)
    the model descends E_q[T + log r(z | x) - log p(x, z)]
    The paper's r has a variance for each dimension; with all covariances only what is not Gaussian is left to T.

`bound` draws z from r, whose density is known: it lies below log p(x) however good the critic is.

Mescheder, Nowozin, Geiger, "Adversarial variational Bayes: unifying variational autoencoders and generative
adversarial networks", 2017, https://arxiv.org/abs/1701.04722
"""

import functools
import math

import keras
import numpy as np
import tensorflow as tf

from tfgen import rng
from tfgen.checks import at_least, positive
from tfgen.model import Player
from tfgen.nets import mlp
from tfgen.parts import Critic
from tfgen.variational.engine import Inferred, Variational

__all__ = ["AVB"]

PROBES = 128  # draws of ε by which the moments of each v_i are known
LEAST = 1e-6  # variance, as a share of all


class AVB(Variational):
    """Adversarial variational Bayes with adaptive contrast.

    Arguments:
        shape: of one example.
        basis: how many v_i; noise: dimensions of each ε_i; basis_hidden: units of the net that makes them.
        critic_hidden: units of the critic of (z̃, x).
        turns: of the critic, which share the batch.
        learning_rate, critic_learning_rate: of model and critic.
        others: of `Variational`, but objective and samples.
    """

    def __init__(
        self,
        shape,
        *,
        latent: int = 8,
        basis: int = 8,
        noise: int = 4,
        basis_hidden: tuple[int, ...] = (64,),
        critic_hidden: tuple[int, ...] = (256, 256),
        turns: int = 1,
        learning_rate: float = 5e-4,
        critic_learning_rate: float = 1e-3,
        **others,
    ):
        at_least(1, basis=basis, noise=noise, basis_hidden=basis_hidden, critic_hidden=critic_hidden, turns=turns)
        positive(learning_rate=learning_rate, critic_learning_rate=critic_learning_rate)
        if given := {"objective", "samples"} & set(others):
            raise ValueError(f"{min(given)}: AVB's bound takes one sample, and its critic's word; leave it out")
        super().__init__(shape, latent=latent, **others)
        self.basis, self.noise_dims, self.turns = basis, noise, turns
        self.a = self.encoder_of((basis + 1) * latent)
        self.v = mlp(noise + basis, basis_hidden, latent, "elu", name="v")
        self.decoder = self.decoder_of(latent)
        told = math.prod(self.a.input_shape[1:])
        self.critic = Critic(mlp(latent + told, critic_hidden, 1, "elu", name="critic"), condition=(told,))
        vars(self)["rates"] = (critic_learning_rate, learning_rate)

    def players(self):
        critic = self.critic.trainable_variables
        others = {id(v) for v in critic}
        model = [v for v in self.trainable_variables if id(v) not in others]
        adam = lambda rate: functools.partial(keras.optimizers.Adam, rate, beta_1=0.5)
        return {
            "critic": Player(self.critic_terms, critic, self.turns, adam(self.rates[0])),
            "model": Player(self.model_terms, model, 1, adam(self.rates[1])),
        }

    def vs(self, noise):
        """v_i(ε_i) of noise [n, basis, noise], [n, basis, latent]."""
        which = tf.broadcast_to(tf.eye(self.basis), [tf.shape(noise)[0], self.basis, self.basis])
        flat = tf.reshape(tf.concat([noise, which], -1), [-1, self.noise_dims + self.basis])
        return tf.cast(tf.reshape(self.v(flat), [-1, self.basis, self.latent]), tf.float32)

    def moments(self, a, probes):
        """μ(x) [n, latent] and L(x) [n, latent, latent] of q(z | x), by the moments of v over probes."""
        v = self.vs(probes)
        mean = tf.reduce_mean(v, 0)
        spread = tf.einsum("pbi,pbj->bij", v - mean, v - mean) / tf.cast(tf.shape(v)[0], v.dtype)
        covariance = tf.einsum("nbi,bij,nbj->nij", a[:, 1:], spread, a[:, 1:])
        least = LEAST * (1 + tf.linalg.trace(covariance))[:, None, None] * tf.eye(self.latent)
        sound = tf.reduce_all(tf.math.is_finite(covariance))  # else z is not, and the loss says so
        factor = tf.linalg.cholesky(least + tf.where(sound, covariance, tf.zeros_like(covariance)))
        return a[:, 0] + tf.reduce_sum(a[:, 1:] * mean, 1), factor

    def coefficients(self, seen):
        return tf.cast(tf.reshape(self.a(seen), [-1, self.basis + 1, self.latent]), tf.float32)

    def draw(self, seen, seed):
        """z of q, [n, latent], with the μ and L of q."""
        a, (first, second) = self.coefficients(seen), rng.split(seed, 2)
        noise = rng.normal([tf.shape(a)[0], self.basis, self.noise_dims], first)
        probes = rng.normal([PROBES, self.basis, self.noise_dims], second)
        return a[:, 0] + tf.reduce_sum(a[:, 1:] * self.vs(noise), 1), *self.moments(a, probes)

    def critic_terms(self, x, condition=None, training=True):
        seen = self.seen(x, condition)
        standard = _standard(*self.draw(seen, self.new_seed()))
        contrast = rng.normal(tf.shape(standard), self.new_seed())
        return self.critic.terms(self.critic.play(standard, contrast, _flat(seen), training))

    def model_terms(self, x, condition=None, training=True):
        seen = self.seen(x, condition)
        z, mu, factor = self.draw(seen, self.new_seed())
        standard = _standard(z, mu, factor)
        kl = self.critic(standard, _flat(seen)) + _log_normal(standard, factor) - self.prior.log_prob(z)
        reconstruction = -self.log_px(x, z[:, None], condition)[:, 0]
        return {"loss": reconstruction + self.weight_of_kl() * kl, "kl": kl, "reconstruction": reconstruction}

    def infer(self, x, condition, k, seed):
        """z of r."""
        mu, factor = self.proposal(x, condition)
        noise = rng.normal([tf.shape(mu)[0], k, self.latent], seed)
        z = mu[:, None] + tf.einsum("nij,nkj->nki", factor, noise)
        return Inferred(self.log_px(x, z, condition), self.prior.log_prob(z) - _log_normal(noise, factor[:, None]))

    def proposal(self, x, condition=None):
        """μ(x) and L(x), by probes that stay the same."""
        shape = (PROBES, self.basis, self.noise_dims)
        probes = np.random.default_rng(0).normal(size=shape).astype("float32")
        return self.moments(self.coefficients(self.seen(x, condition)), tf.constant(probes))

    def encode(self, x, condition=None):
        """The mean of q(z | x), [n, latent]."""
        return self.proposal(x, condition)[0]


def _flat(seen):
    return tf.reshape(seen, [tf.shape(seen)[0], math.prod(seen.shape[1:])])


def _standard(z, mu, factor):
    """L⁻¹ (z - μ), [n, latent]."""
    return tf.linalg.triangular_solve(factor, (z - mu)[..., None])[..., 0]


def _log_normal(standard, factor):
    """log N(z; μ, L Lᵀ)."""
    volume = tf.math.log(tf.linalg.diag_part(factor))
    return -tf.reduce_sum(standard**2 / 2 + volume + 0.5 * math.log(2 * math.pi), -1)
