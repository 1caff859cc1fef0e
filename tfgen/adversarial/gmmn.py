"""Generative moment matching network: no critic, the kernel two-sample statistic is the loss.

    L = sqrt(MMD²),   MMD² = mean k(x, x') - 2 mean k(x, y) + mean k(y, y'),   k a sum of Gaussians                (Eq. 3, 8)
    with an auto-encoder, between its codes and generated ones, which it decodes                                   (section 4)

Li, Swersky, Zemel, "Generative moment matching networks", 2015, https://arxiv.org/abs/1502.02761
"""

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import losses, rng
from tfgen.adversarial.composed import LAST, resolved
from tfgen.layers import Dropout
from tfgen.model import GenerativeModel, Player
from tfgen.nets import autoencoder, generator_net
from tfgen.words import at_least

__all__ = ["GMMN"]


class GMMN(GenerativeModel):
    """One player, and another for the auto-encoder. Told a condition, it matches the pairs (x, condition), or (code, condition).

    Arguments:
        shape: of one example.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise, uniform in -1..1.
        hidden, net, width: of the generator.
        bandwidths: of the Gaussians, the paper's for MNIST.
        code: units of the auto-encoder's code, each between 0 and 1; 0 for none.
        dropout: on what the auto-encoder sees.
    """

    def __init__(
        self, shape, *, condition=None, values: str = "unit", latent: int = 10, hidden: tuple[int, ...] = (64, 256, 256, 1024), net: str = "mlp",
        width: int = 64, bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
        code: int = 0, dropout: float = 0.2,
    ):  # fmt: skip
        at_least(1, latent=latent, hidden=hidden, width=width)
        at_least(0, code=code)
        shape, values, net = resolved(shape, values, net, "GMMN")
        super().__init__(shape, condition, values)
        self.latent, self.code, self.kernel = latent, code, losses.gaussian(bandwidths)
        told = conditions.size(condition)
        if not code:
            self.generator = generator_net(latent + told, shape, net, hidden=hidden, width=width, last=LAST[values])
        else:
            self.generator = generator_net(latent + told, (code,), hidden=hidden, last="sigmoid")
            self.encoder, self.decoder = autoencoder(shape, code, net, hidden=hidden[::-1], width=width, last=LAST[values])
            self.dropout = Dropout(dropout)

    def players(self):
        if not self.code:
            return super().players()
        parts = self.encoder.trainable_variables + self.decoder.trainable_variables
        return {"reconstruction": Player(self.reconstruction_terms, parts), "generator": Player(self.loss_terms, self.generator.trainable_variables)}

    def reconstruction_terms(self, x, condition=None, training=True):
        decoded = self.decoder(self._encoded(self.dropout(x, training=training), training), training=training)
        return {"loss": tf.reduce_sum(self.flat(x - decoded) ** 2, -1)}

    def loss_terms(self, x, condition=None, training=True):
        fake = self._generator(self.noise(tf.shape(x)[0], self.new_seed()), condition, training)
        x, fake = (self._with(rows, condition) for rows in (self._encoded(x, False) if self.code else x, fake))
        squared = losses.squared_mmd(x, fake, self.kernel, unbiased=False)
        return {"loss": tf.sqrt(tf.nn.relu(squared) + 1e-12), "squared_mmd": squared}

    def noise(self, n, seed):
        return 2 * rng.uniform([n, self.latent], seed) - 1

    def generate(self, noise, condition=None):
        made = self._generator(noise, condition, False)
        return self.decoder(made, training=False) if self.code else made

    def _encoded(self, x, training):
        return tf.sigmoid(self.encoder(x, training=training))

    def _generator(self, noise, condition, training):
        return self.generator(self._with(noise, condition), training=training)

    def _with(self, rows, condition):
        """Rows, flat, and the condition beside them."""
        return conditions.beside(self.condition, tf.reshape(rows, [tf.shape(rows)[0], -1]) if rows.shape.rank != 2 else rows, condition)
