"""Generative moment matching network: no critic, the kernel two-sample statistic is the loss.

    L = sqrt(MMD²),   MMD² = mean k(x, x') - 2 mean k(x, y) + mean k(y, y'),   k a sum of Gaussians                (Eq. 3, 8)

Li, Swersky, Zemel, "Generative moment matching networks", 2015, https://arxiv.org/abs/1502.02761
"""

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import losses, rng
from tfgen.adversarial.composed import LAST, resolved
from tfgen.model import GenerativeModel
from tfgen.nets import generator_net
from tfgen.words import at_least

__all__ = ["GMMN"]


class GMMN(GenerativeModel):
    """One player. Told a condition, it matches the pairs (x, condition).

    Arguments:
        shape: of one example.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise, uniform in -1..1.
        hidden, net, width: of the generator.
        bandwidths: of the Gaussians, the paper's for MNIST.
    """

    def __init__(
        self, shape, *, condition=None, values: str = "unit", latent: int = 10, hidden: tuple[int, ...] = (64, 256, 256, 1024), net: str = "mlp",
        width: int = 64, bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
    ):  # fmt: skip
        at_least(1, latent=latent, hidden=hidden, width=width)
        shape, values, net = resolved(shape, values, net, "GMMN")
        super().__init__(shape, condition, values)
        self.latent, self.kernel = latent, losses.gaussian(bandwidths)
        self.generator = generator_net(latent + conditions.size(condition), shape, net, hidden=hidden, width=width, last=LAST[values])

    def loss_terms(self, x, condition=None, training=True):
        fake = self._generator(self.noise(tf.shape(x)[0], self.new_seed()), condition, training)
        x, fake = (self._with(rows, condition) for rows in (x, fake))
        squared = losses.squared_mmd(x, fake, self.kernel, unbiased=False)
        return {"loss": tf.sqrt(tf.nn.relu(squared) + 1e-12), "squared_mmd": squared}

    def noise(self, n, seed):
        return 2 * rng.uniform([n, self.latent], seed) - 1

    def generate(self, noise, condition=None):
        return self._generator(noise, condition, False)

    def _generator(self, noise, condition, training):
        return self.generator(self._with(noise, condition), training=training)

    def _with(self, rows, condition):
        """Rows, flat, and the condition beside them."""
        return conditions.beside(self.condition, tf.reshape(rows, [tf.shape(rows)[0], -1]) if rows.shape.rank != 2 else rows, condition)
