"""A generator against a critic: the engine that the papers of this family set up."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfgen import losses, rng
from tfgen.model import GenerativeModel, Player

__all__ = ["Adversarial"]


class Adversarial(GenerativeModel):
    """Two players: the critic tells real from generated, the generator moves what it generates towards the real.

    Arguments:
        generator: noise [n, latent] to examples [n, *shape].
        critic: examples to outputs [n, 1].
        game: a name of `tfgen.losses.GAMES`.
        turns: of the critic for each of the generator.
        optimizer: makes the optimizer of each.
    """

    def __init__(self, shape, generator: keras.Model, critic: keras.Model, *, values: str, game: str, turns: int = 1, optimizer: Callable | None = None):
        super().__init__(shape, values=values)
        self.generator, self.critic, self.turns = generator, critic, turns
        self.game = losses.game(game)
        vars(self)["_optimizer_maker"] = optimizer

    @property
    def latent(self) -> int:
        return self.generator.input_shape[-1]

    def players(self):
        return {
            "critic": Player(self.critic_terms, self.critic.trainable_variables, self.turns, self._optimizer_maker),
            "generator": Player(self.generator_terms, self.generator.trainable_variables, 1, self._optimizer_maker),
        }

    def critic_terms(self, x, condition=None, training=True):
        fake = self._fake(x, training)
        real, fake = self.critic(x, training=training)[:, 0], self.critic(fake, training=training)[:, 0]
        return {"loss": self.game.critic(real, fake), "real": real, "fake": fake}

    def generator_terms(self, x, condition=None, training=True):
        return {"loss": self.game.generator(self.critic(self._fake(x, training), training=training)[:, 0])}

    def _fake(self, x, training):
        return self.generator(self.noise(tf.shape(x)[0], self.new_seed()), training=training)

    def noise(self, n, seed):
        return rng.normal([n, self.latent], seed)

    def generate(self, noise, condition=None):
        return self.generator(noise, training=False)
