"""Hamiltonian variational inference: z of a Gaussian moves along the slope of log p(x, z) before it is used.

    z_0 ~ q(z_0 | x);  for t = 1 … T:  v_t ~ N(0, m),  (z_t, v'_t) = leapfrog(z_{t-1}, v_t)
    log w = log p(x, z_T) - log q(z_0 | x) + Σ_t [log r(v'_t | x, z_t) - log q(v_t)]

The leapfrog changes no volume, so no determinant stands in it. r is a net that guesses with which momentum one came.
Step sizes and masses are learnt. With r exact the bound is as tight as the marginal of z_T allows.

Salimans, Kingma, Welling, "Markov chain Monte Carlo and variational inference: bridging the gap", 2015,
https://arxiv.org/abs/1410.6460
"""

import math

import keras
import tensorflow as tf

from tfgen import heads, rng
from tfgen.checks import at_least, positive
from tfgen.flows import leapfrog
from tfgen.nets import mlp
from tfgen.parts import Diagonal
from tfgen.variational.engine import Inferred, Variational

__all__ = ["HVI"]


class HVI(Variational):
    """A variational auto-encoder whose posterior is a Hamiltonian chain.

    Arguments:
        shape: of one example.
        iterations: T, of fresh momentum; none is the diagonal Gaussian.
        leaps: leapfrog steps of each iteration.
        step: their size at the begin of training.
        reverse_hidden: units of the net r.
        others: of `Variational`.
    """

    def __init__(
        self,
        shape,
        *,
        latent: int = 40,
        iterations: int = 1,
        leaps: int = 4,
        step: float = 0.1,
        reverse_hidden: tuple[int, ...] = (200,),
        **others,
    ):
        at_least(0, iterations=iterations)
        at_least(1, leaps=leaps, reverse_hidden=reverse_hidden)
        positive(step=step)
        super().__init__(shape, latent=latent, **others)
        self.iterations, self.leaps = iterations, leaps
        self.q = Diagonal(self.encoder_of(2 * latent))
        self.decoder = self.decoder_of(latent)
        if iterations:
            rows = math.prod(self.q.net.input_shape[1:])
            self.r = [mlp(rows + latent, reverse_hidden, 2 * latent, "tanh", name=f"r{t}") for t in range(iterations)]
            shape = (iterations, latent)
            begin = keras.initializers.Constant(math.log(step))
            self.log_step = self.add_weight(shape=shape, initializer=begin, name="log_step")
            self.log_mass = self.add_weight(shape=shape, initializer="zeros", name="log_mass")

    def slope(self, x, condition):
        """∇_z log p(x, z) as a function of z [n, k, latent]."""

        def slope(z):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(z)
                log_p = self.log_px(x, z, condition) + self.prior.log_prob(z)
            return tape.gradient(log_p, z)

        return slope

    def leap(self, t: int, z, v, slope):
        step, mass = tf.exp(self.log_step.value[t]), tf.exp(self.log_mass.value[t])
        return leapfrog(z, v, slope, step=step, mass=mass, steps=self.leaps)

    def infer(self, x, condition, k, seed):
        seen, slope, seeds = self.seen(x, condition), self.slope(x, condition), rng.split(seed, self.iterations + 1)
        _, z, log_q, _ = self.q.draw(seen, k, seeds[0])
        rows = tf.reshape(seen, [tf.shape(seen)[0], math.prod(seen.shape[1:])])
        log_ratio = -log_q
        for t in range(self.iterations):
            noise = rng.normal(tf.shape(z), seeds[t + 1])
            v = noise * tf.exp(self.log_mass.value[t] / 2)
            log_qv = -tf.reduce_sum((noise**2 + self.log_mass.value[t] + math.log(2 * math.pi)) / 2, -1)
            z, v = self.leap(t, z, v, slope)
            log_ratio += heads.normal(self.across(self.r[t], rows, z)).log_prob(v) - log_qv
        return Inferred(self.log_px(x, z, condition), log_ratio + self.prior.log_prob(z))

    def encode(self, x, condition=None):
        """The mean of q(z_0 | x), [n, latent]."""
        return self.q.mean(self.seen(x, condition))
