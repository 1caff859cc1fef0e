"""A generator against a critic: generator x critic x game x penalties x tricks. The papers of this family set it up.

critic      minimises  game.real(v(x)) + game.fake(v(G(z))) + Σ penalties
generator   minimises  game.generator(v(G(z))), or by feature matching |E f(x) - E f(G(z))|²
"""

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import laws, losses
from tfgen.checks import at_least, one_of, share
from tfgen.door import check_net
from tfgen.model import GenerativeModel, Player, every
from tfgen.parts import Average, Critic, History

__all__ = ["Adversarial"]


class Adversarial(GenerativeModel):
    """Two players: the critic tells real from generated, the generator moves what it generates towards the real.

    Arguments:
        generator: noise with the condition beside it (`tfgen.condition.beside`) to examples [n, *shape]; noise of any
            shape, or none where the generator takes the condition alone.
        critic: a net as `tfgen.parts.Critic` takes it.
        values: what x holds.
        game, penalties, packing, smoothing, clip, instance_noise, together: of the critic (`tfgen.parts.Critic`).
            Weights of penalties and noise are weights that `callbacks.Schedule` can move.
        turns: of the critic for each of the generator. A batch is dealt out to them; the generator generates as many as
            a turn has.
        feature_matching: the generator matches the mean of the critic's layer "features" instead of playing.
        history: weight of historical averaging, |θ - mean of past θ|², on both players.
        average: decay of a moving average of the generator's weights, which then samples; 0 for none.
        prior: of the noise, "normal" or "uniform" in -1..1.
    """

    def __init__(
        self,
        shape,
        generator: keras.Model,
        critic: keras.Model,
        *,
        condition=None,
        values: str = "real",
        game: str | losses.Game = "non_saturating",
        penalties: tuple[str | losses.Penalty, ...] = (),
        turns: int = 1,
        packing: int = 1,
        smoothing: float = 0.0,
        feature_matching: bool = False,
        history: float = 0.0,
        average: float = 0.0,
        clip: float = 0.0,
        instance_noise: float = 0.0,
        prior: str = "normal",
        together: bool = False,
    ):
        super().__init__(shape, condition, values)
        check_net(generator, "the generator", "(latent,)")
        check_net(critic, "the critic", f"{Critic.seen_shape(self.shape, condition, packing)}")
        at_least(1, turns=turns)
        at_least(0, history=history)
        share(average=average)
        one_of(f"prior={prior!r}", prior, ("normal", "uniform"))
        self.generator, self.turns, self.prior = generator, turns, prior
        self.critic = Critic(
            critic,
            game=game,
            penalties=penalties,
            condition=condition,
            smoothing=smoothing,
            packing=packing,
            clip=clip,
            instance_noise=instance_noise,
            together=together,
        )
        self._check_nets()
        self.feature_matching, self.history_weight = feature_matching, history
        if feature_matching:
            self.critic.check_features()
        self.memory = (
            {name: History(net.trainable_variables) for name, net in self._movers().items()} if history else {}
        )
        self.average = Average(generator, average) if average else None

    def _check_nets(self) -> None:
        """One line where nets of one's own do not fit."""
        if (makes := self.generator.output_shape[1:]) != self.shape:
            raise ValueError(
                f"the generator makes examples of shape {makes}, and the model's are {self.shape}: give its last "
                "layer this shape"
            )
        net = self.critic.net
        seen = Critic.seen_shape(self.shape, self.condition, self.critic.packing, maps=len(net.input_shape) == 4)
        if (takes := net.input_shape[1:]) != seen:
            raise ValueError(
                f"the critic takes {takes}: expected {seen}, which Critic.seen_shape says of examples, packs and "
                "conditions"
            )
        if (judges := net.output_shape[1:])[-1] != 1:
            raise ValueError(f"the critic gives {judges} for an example: expected one output, (1,), or a map of them")
        _ = self.laws

    def _movers(self) -> dict:
        return {"critic": self.critic, "generator": self.generator}

    @property
    def least_batch(self) -> int:
        return self.turns * self.critic.packing

    # -- the game ------------------------------------------------------------------------------------------------------

    def players(self):
        critic, generator = (part.trainable_variables for part in self._movers().values())
        return {
            "critic": Player(self.critic_terms, critic, self.turns, self.optimizer_of("critic")),
            "generator": Player(self.generator_terms, generator, 1, self.optimizer_of("generator")),
        }

    def optimizer_of(self, player: str):
        """What makes the optimizer that `compile` gives a player."""
        return keras.optimizers.Adam

    def critic_terms(self, x, condition=None, training=True):
        play = self.critic.play(x, self.fake(x, condition, training), condition, training)
        return self._remembered("critic", self.critic.terms(play))

    def generator_terms(self, x, condition=None, training=True):
        x, condition = every(self.turns if training else 1, 0, (x, condition))
        fake = self.fake(x, condition, training)
        if self.feature_matching:
            real, made = (self.critic.features(rows, condition, training) for rows in (x, fake))
            loss = tf.reduce_sum((tf.reduce_mean(real, 0) - tf.reduce_mean(made, 0)) ** 2)
        else:
            loss = self.critic.fooled(fake, condition, training)
        if training and self.average:
            self.average.settle(self.inputs(self.draw(x), condition))
        return self._remembered("generator", {"loss": loss})

    def after_turn(self, player):
        if player == "critic":
            return self.critic.after_turn()
        for past in self.memory.values():
            past.after_turn()
        if self.average:
            self.average.after_turn()

    def _remembered(self, player: str, terms):
        """With what the distance from the past costs."""
        if self.memory:
            terms["loss"] += self.history_weight * self.memory[player].distance()
        return terms

    # -- sampling ------------------------------------------------------------------------------------------------------

    @property
    def laws(self):
        law = laws.normal if self.prior == "normal" else lambda *shape: laws.uniform(*shape, low=-1.0)
        *places, size = self.generator.input_shape[1:]
        left = size - conditions.beside_shape(self.condition, (*places, 0))[-1]
        if left == 0 and self.condition is not None:
            return {}
        if left < 1 or len(places) not in (0, 2):
            told = size - left
            raise ValueError(
                f"the generator takes {self.generator.input_shape[1:]}: expected (latent + {told},), a vector of "
                f"noise{' and of the condition' if told else ''}, or maps of so many channels"
            )
        return law(*places, left)

    def generate(self, noise, condition=None):
        inputs = self.inputs(noise, condition)
        return self.average(inputs) if self.average else self.generator(inputs, training=False)

    def inputs(self, noise, condition):
        """What the generator takes: the noise with the condition beside it."""
        if isinstance(noise, dict):  # nothing is drawn
            *places, _ = self.generator.input_shape[1:]
            n = tf.shape(tf.nest.flatten(condition)[0])[0]
            noise = tf.zeros([n, *places, 0])
        return conditions.beside(self.condition, noise, condition)

    def draw(self, x):
        """Noise for as many samples as x has examples."""
        return laws.draw(self.laws, tf.shape(x)[0], self.new_seed())

    def fake(self, x, condition, training):
        """As many samples as x has examples."""
        return self.generator(self.inputs(self.draw(x), condition), training=training)
