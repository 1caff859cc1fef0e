"""Generative moment matching network: no critic, the kernel two-sample statistic is the loss.

    L = sqrt(MMD²),   MMD² = mean k(x, x') - 2 mean k(x, y) + mean k(y, y'),   k(x, y) = Σ_σ exp(-|x - y|² / 2σ)
    with an auto-encoder, which is learnt first, between its codes and generated ones, which it decodes      (section 4)

Li, Swersky, Zemel, "Generative moment matching networks", 2015, https://arxiv.org/abs/1502.02761
"""

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import laws, losses
from tfgen.adversarial.composed import LAST, resolved
from tfgen.checks import at_least, positive
from tfgen.layers import Dropout
from tfgen.model import GenerativeModel, Player
from tfgen.nets import autoencoder, generator_net
from tfgen.parts import Stages

__all__ = ["GMMN"]

SQUARED_LENGTHS = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)


class GMMN(GenerativeModel):
    """One player; with codes, the auto-encoder plays first, alone. Told a condition, it matches the pairs (x,
    condition), or (code, condition).

    Arguments:
        shape: of one example.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise, uniform in -1..1.
        hidden, net, width: of the generator.
        bandwidths: σ of the Gaussians, a squared length; by default the paper's for MNIST: 2 to 80, and 1 between
            codes.
        code: units of the auto-encoder's code, each between 0 and 1; 0 for none.
        code_hidden, code_epochs, dropout: sigmoid units of the encoder's hidden layers, how long it learns, by
            cross-entropy where values are "unit", and the dropout on what it sees and on its hidden units.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        values: str = "unit",
        latent: int = 10,
        hidden: tuple[int, ...] = (64, 256, 256, 1024),
        net: str = "mlp",
        width: int = 64,
        bandwidths: tuple[float, ...] | None = None,
        code: int = 0,
        code_hidden: tuple[int, ...] = (1024,),
        code_epochs: int = 20,
        dropout: tuple[float, float] = (0.2, 0.5),
    ):
        at_least(1, latent=latent, hidden=hidden, width=width, code_hidden=code_hidden, code_epochs=code_epochs)
        at_least(0, code=code)
        shape, values, net = resolved(shape, values, net, "GMMN")
        super().__init__(shape, condition, values)
        bandwidths = ((1.0,) if code else SQUARED_LENGTHS) if bandwidths is None else bandwidths
        positive(bandwidths=bandwidths)
        self.latent, self.code, self.kernel = latent, code, losses.gaussian([sigma**0.5 for sigma in bandwidths])
        told = conditions.size(condition)
        if not code:
            self.generator = generator_net(latent + told, shape, net, hidden=hidden, width=width, last=LAST[values])
        else:
            self.generator = generator_net(latent + told, (code,), hidden=hidden, last="sigmoid")
            self.encoder, self.decoder = autoencoder(
                shape,
                code,
                net,
                hidden=code_hidden,
                width=width,
                activation="sigmoid",
                dropout=dropout[1],
                last=LAST[values],
            )
            self.dropout = Dropout(dropout[0])
            self.stages = Stages((code_epochs,))

    def players(self):
        if not self.code:
            return super().players()
        coders, generator = self.encoder.trainable_variables + self.decoder.trainable_variables, self.generator
        return {
            "reconstruction": Player(self.reconstruction_terms, coders, self.stages.turns(0)),
            "generator": Player(self.loss_terms, generator.trainable_variables, self.stages.turns(1)),
        }

    @property
    def waits(self) -> int:
        """Epochs before the generator begins to learn."""
        return self.stages.ends[-1] if self.code else 0

    def after_epoch(self):
        if self.code:
            self.stages.after_epoch(self)

    def reconstruction_terms(self, x, condition=None, training=True):
        decoded = self.decoder(self._encoded(self.dropout(x, training=training), training), training=training)
        if self.values == "unit":
            each = keras.losses.binary_crossentropy(self.flat(x)[..., None], self.flat(decoded)[..., None])
            return {"loss": tf.reduce_sum(each, -1)}
        return {"loss": tf.reduce_sum(self.flat(x - decoded) ** 2, -1)}

    def loss_terms(self, x, condition=None, training=True):
        fake = self._generator(laws.draw(self.laws, tf.shape(x)[0], self.new_seed()), condition, training)
        x, fake = (self._with(rows, condition) for rows in (self._encoded(x, False) if self.code else x, fake))
        squared = losses.squared_mmd(x, fake, self.kernel, unbiased=False)
        return {"loss": tf.sqrt(tf.nn.relu(squared) + 1e-12), "squared_mmd": squared}

    @property
    def laws(self):
        return laws.uniform(self.latent, low=-1.0)

    def generate(self, noise, condition=None):
        made = self._generator(noise, condition, False)
        return self.decoder(made, training=False) if self.code else made

    def _encoded(self, x, training):
        return tf.sigmoid(self.encoder(x, training=training))

    def _generator(self, noise, condition, training):
        return self.generator(self._with(noise, condition), training=training)

    def _with(self, rows, condition):
        """Rows, flat, and the condition beside them."""
        rows = rows if rows.shape.rank == 2 else tf.reshape(rows, [tf.shape(rows)[0], -1])
        return conditions.beside(self.condition, rows, condition)
