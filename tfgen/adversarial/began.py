"""BEGAN: the critic is an auto-encoder, and a controller keeps the two losses in proportion.

    L(v) = |v - D(v)|,   critic  L(x) - k L(G(z)),   generator  L(G(z)),
    k <- k + λ (γ L(x) - L(G(z))) within [0, 1]                                                     (Eq. 5)
    M = L(x) + |γ L(x) - L(G(z))|                                                                   (convergence, Eq. 6)

Berthelot, Schumm, Metz, "BEGAN: boundary equilibrium generative adversarial networks", 2017,
https://arxiv.org/abs/1703.10717
"""

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import laws
from tfgen.adversarial.composed import LAST, adam, resolved
from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player
from tfgen.nets import autoencoder
from tfgen.parts.weights import number

__all__ = ["BEGAN"]


class BEGAN(GenerativeModel):
    """The generator has the shape of the critic's decoder. `k` and the mean L(x) are weights of the model; M is the
    term `convergence`.

    Arguments:
        shape: of one example.
        condition: beside the noise, and beside the critic's code.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise, uniform in -1..1, and of the critic's code.
        net, hidden, width: of the auto-encoder.
        gamma: γ, how much of L(x) the generator's loss is to be: less is sharper and less diverse.
        rate: λ of the controller.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        values: str = "auto",
        latent: int = 64,
        net: str = "auto",
        hidden: tuple[int, ...] = (256, 256),
        width: int = 32,
        gamma: float = 0.5,
        rate: float = 1e-3,
        learning_rate: float = 1e-4,
    ):
        at_least(1, latent=latent, hidden=hidden, width=width)
        at_least(0, gamma=gamma, rate=rate)
        shape, values, net = resolved(shape, values, net, "BEGAN")
        told = conditions.size(condition)
        super().__init__(shape, condition, values)
        self.latent, self.gamma, self.rate = latent, gamma, rate
        self.encoder, self.decoder = autoencoder(shape, latent, net, told=told, hidden=hidden, width=width)
        _, self.generator = autoencoder(shape, latent, net, told=told, hidden=hidden, width=width, last=LAST[values])
        self.k, self.real_loss = (number(self, name, 0.0, aggregation="mean") for name in ("k", "real_loss"))
        vars(self)["optimizer_made"] = adam(learning_rate)

    def players(self):
        critic = self.encoder.trainable_variables + self.decoder.trainable_variables
        return {
            "critic": Player(self.critic_terms, critic, optimizer=self.optimizer_made),
            "generator": Player(
                self.generator_terms, self.generator.trainable_variables, optimizer=self.optimizer_made
            ),
        }

    def critic_terms(self, x, condition=None, training=True):
        real, fake = self.lost(x, condition), self.lost(self._fake(x, condition), condition)
        if training:
            self.real_loss.assign(tf.reduce_mean(real))
        convergence = tf.reduce_mean(real) + tf.abs(self.gamma * tf.reduce_mean(real) - tf.reduce_mean(fake))
        return {"loss": real - self.k * fake, "real": real, "fake": fake, "convergence": convergence}

    def generator_terms(self, x, condition=None, training=True):
        fake = self.lost(self._fake(x, condition), condition)
        if training:
            balance = self.gamma * self.real_loss - tf.reduce_mean(fake)
            self.k.assign(tf.clip_by_value(self.k + self.rate * balance, 0.0, 1.0))
        return {"loss": fake, "k": tf.convert_to_tensor(self.k)}

    def lost(self, x, condition=None):
        """L(x) [n]: the mean absolute difference from what the critic gives back."""
        back = self.decoder(conditions.beside(self.condition, self.encoder(x), condition))
        return tf.reduce_mean(tf.abs(self.flat(x) - self.flat(back)), -1)

    @property
    def laws(self):
        return laws.uniform(self.latent, low=-1.0)

    def generate(self, noise, condition=None):
        return self.generator(conditions.beside(self.condition, noise, condition))

    def _fake(self, x, condition):
        return self.generate(laws.draw(self.laws, tf.shape(x)[0], self.new_seed()), condition)
