"""MMD-GAN: the kernel of moment matching is learnt by the critic, an auto-encoder.

    max_φ  sqrt(MMD²(f(x), f(G(z)))) - λ_r relu(E f(G(z)) - E f(x)) - λ_a (|x - d(f(x))|² + |G(z) - d(f(G(z)))|²),
    weights of f within [-c, c]
    min_θ  sqrt(MMD²(f(x), f(G(z)))) - …                                                            (Eq. 6, algorithm 1)

Li, Chang, Cheng, Yang, Póczos, "MMD GAN: towards deeper understanding of moment matching network", 2017,
https://arxiv.org/abs/1705.08584
"""

import tensorflow as tf

from tfgen import condition as conditions
from tfgen import distribute, laws, losses
from tfgen.adversarial.composed import LAST, resolved, rmsprop
from tfgen.checks import at_least, positive
from tfgen.model import GenerativeModel, Player, every
from tfgen.nets import autoencoder, generator_net

__all__ = ["MMDGAN"]


class MMDGAN(GenerativeModel):
    """Two players over one statistic of the batch.

    Arguments:
        shape: of one example.
        condition: what both nets are told.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise.
        code: those of the critic's codes, between which the kernel compares.
        net, hidden, width: of generator and critic.
        bandwidths: of the Gaussian kernels on codes.
        turns: of the critic for each of the generator.
        clip: bound of the encoder's weights.
        feasible, reconstruction: λ_r, the price of codes whose mean is larger on what is generated, and λ_a, of not
            giving x back.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        values: str = "auto",
        latent: int = 10,
        code: int = 16,
        net: str = "auto",
        hidden: tuple[int, ...] = (256, 256),
        width: int = 32,
        bandwidths: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0),
        turns: int = 5,
        clip: float = 0.01,
        feasible: float = 16.0,
        reconstruction: float = 8.0,
        learning_rate: float = 5e-5,
    ):
        at_least(1, latent=latent, code=code, hidden=hidden, width=width, turns=turns)
        at_least(0, feasible=feasible, reconstruction=reconstruction)
        positive(clip=clip)
        shape, values, net = resolved(shape, values, net, "MMDGAN")
        told = conditions.size(condition)
        super().__init__(shape, condition, values)
        self.latent, self.turns, self.clip, self.kernel = latent, turns, clip, losses.gaussian(bandwidths)
        self.feasible, self.reconstruction = feasible, reconstruction
        norm = "none" if net == "mlp" else "batch"
        self.generator = generator_net(
            latent + told, shape, net, hidden=hidden, width=width, norm=norm, last=LAST[values]
        )
        self.encoder, self.decoder = autoencoder(shape, code, net, hidden=hidden, width=width)
        vars(self)["optimizer_made"] = rmsprop(learning_rate)

    def players(self):
        critic = self.encoder.trainable_variables + self.decoder.trainable_variables
        return {
            "critic": Player(self.critic_terms, critic, self.turns, self.optimizer_made),
            "generator": Player(self.generator_terms, self.generator.trainable_variables, 1, self.optimizer_made),
        }

    def critic_terms(self, x, condition=None, training=True):
        fake = self._fake(x, condition, training)
        discrepancy, feasible, codes = self._statistic(x, fake, condition, training)
        lost = tf.add_n(
            [
                tf.reduce_mean((rows - self.decoder(c, training=training)) ** 2)
                for rows, c in zip((x, fake), codes, strict=True)
            ]
        )
        loss = -discrepancy + self.feasible * feasible + self.reconstruction * lost
        return {"loss": loss, "mmd": discrepancy, "infeasible": feasible, "reconstruction": lost}

    def generator_terms(self, x, condition=None, training=True):
        x, condition = every(self.turns if training else 1, 0, (x, condition))
        discrepancy, feasible, _ = self._statistic(x, self._fake(x, condition, training), condition, training)
        return {"loss": discrepancy - self.feasible * feasible}

    def _statistic(self, x, fake, condition, training):
        """sqrt(MMD²) of codes (and conditions), what the order of their means costs, and the codes."""
        codes = [self.encoder(rows, training=training) for rows in (x, fake)]
        told = [] if self.condition is None else [conditions.vector(self.condition, condition)]
        squared = losses.squared_mmd(*(tf.concat([c, *told], -1) for c in codes), self.kernel, unbiased=False)
        feasible = tf.reduce_mean(tf.nn.relu(tf.reduce_mean(codes[1], 0) - tf.reduce_mean(codes[0], 0)))
        return tf.sqrt(tf.nn.relu(squared) + 1e-12), feasible, codes

    def after_turn(self, player):
        if player == "critic":
            distribute.clip(self.encoder.trainable_variables, self.clip)

    @property
    def laws(self):
        return laws.normal(self.latent)

    def generate(self, noise, condition=None):
        return self.generator(conditions.beside(self.condition, noise, condition), training=False)

    def _fake(self, x, condition, training):
        noise = laws.draw(self.laws, tf.shape(x)[0], self.new_seed())
        return self.generator(conditions.beside(self.condition, noise, condition), training=training)
