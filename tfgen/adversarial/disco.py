"""DISCO nets: a sampler that is trained by a proper scoring rule, the energy distance, without a critic.

    1/K Σ_k Δ(y, G(z_k)) - γ / (K (K - 1)) Σ_k Σ_{k' ≠ k} Δ(G(z_k), G(z_k')),
    Δ(a, b) = |a - b|^β,  γ = 1/2                                                                   (Eq. 6, 9)

Bouchacourt, Mudigonda, Nowozin, "DISCO nets: dissimilarity coefficient networks", 2016,
https://arxiv.org/abs/1606.02556
"""

import math

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import laws
from tfgen.adversarial.composed import LAST, resolved
from tfgen.checks import at_least
from tfgen.model import GenerativeModel
from tfgen.nets import generator_net

__all__ = ["Disco"]


class Disco(GenerativeModel):
    """One player: near what is so, and no nearer to each other than that. With a condition it is the paper's
    probabilistic regression.

    Arguments:
        shape: of one example.
        samples: K, drawn for each example.
        gamma: of the second term; 1/2 makes the score strictly proper.
        beta: of the distance, above 0 and below 2.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise, uniform in -1..1.
        hidden, net, width: of the generator.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        values: str = "auto",
        latent: int = 10,
        hidden: tuple[int, ...] = (256, 256),
        net: str = "mlp",
        width: int = 64,
        samples: int = 2,
        gamma: float = 0.5,
        beta: float = 1.0,
    ):
        at_least(1, latent=latent, hidden=hidden, width=width)
        at_least(2, samples=samples)
        at_least(0, gamma=gamma)
        if not 0 < beta < 2:
            raise ValueError(f"beta={beta}: expected a power above 0 and below 2, where the score is proper")
        shape, values, net = resolved(shape, values, net, "Disco")
        super().__init__(shape, condition, values)
        self.latent, self.samples, self.gamma, self.beta = latent, samples, gamma, beta
        inputs = latent + conditions.size(condition)
        self.generator = generator_net(inputs, shape, net, hidden=hidden, width=width, last=LAST[values])

    @property
    def laws(self):
        return laws.uniform(self.latent, low=-1.0)

    def generate(self, noise, condition=None, training=False):
        return self.generator(conditions.beside(self.condition, noise, condition), training=training)

    def loss_terms(self, x, condition=None, training=True):
        n, k = tf.shape(x)[0], self.samples
        many = tf.nest.map_structure(lambda t: t if t is None else tf.repeat(t, k, 0), condition)
        noise = laws.draw(self.laws, n * k, self.new_seed())
        fake = tf.reshape(self.flat(self.generate(noise, many, training)), [n, k, math.prod(self.shape)])
        accuracy = tf.reduce_mean(self._distance(fake, self.flat(x)[:, None]), 1)
        diversity = tf.reduce_sum(self._distance(fake[:, :, None], fake[:, None]), [1, 2]) / (k * (k - 1))
        return {"loss": accuracy - self.gamma * diversity, "accuracy": accuracy, "diversity": diversity}

    def _distance(self, a, b):
        """|a - b|^β over the last axis; its gradient at zero is zero."""
        squared = tf.reduce_sum((a - b) ** 2, -1)
        apart = squared > 1e-12
        return tf.where(apart, tf.where(apart, squared, 1.0) ** (self.beta / 2), 0.0)
