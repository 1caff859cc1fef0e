"""A generator against a critic: generator x critic x game x penalties x tricks. The papers of this family set it up.

critic      minimises  game.critic(v(x), v(G(z))) + Σ penalties
generator   minimises  game.generator(v(G(z))), or by feature matching |E f(x) - E f(G(z))|²
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import distribute, losses, rng
from tfgen.model import GenerativeModel, Player, every
from tfgen.words import at_least, one_of

__all__ = ["Adversarial"]


class Adversarial(GenerativeModel):
    """Two players: the critic tells real from generated, the generator moves what it generates towards the real.

    Arguments:
        generator: noise [n, latent] (and beside it the condition as a vector) to examples [n, *shape].
        critic: what `seen_shape` says, [n, …], to outputs [n, 1].
        values: what x holds.
        game: a name of `tfgen.losses.GAMES`.
        penalties: names of `tfgen.losses.PENALTIES`, each with its weight where it is not the paper's: ("r1:0.1",). A
            weight of the model has this name and value, so that `callbacks.Schedule` can move it.
        turns: of the critic for each of the generator. A batch is dealt out to them; the generator generates as many as
            a turn has.
        packing: examples that the critic judges together (Lin et al. 2018).
        smoothing: what is taken off the label of real examples (Salimans et al. 2016).
        feature_matching: the generator matches the mean of the critic's layer "features" instead of playing.
        history: weight of historical averaging, |θ - mean of past θ|², on both players.
        average: decay of a moving average of the generator's weights, which then samples; 0 for none.
        instance_noise: standard deviation of noise on all that the critic sees, a weight of the model (Sønderby et al.
            2017).
        prior: of the noise, "normal" or "uniform" in -1..1.
        together: the critic takes each example by itself (no batch or virtual normalisation, no minibatch
            discrimination), so one call may judge real and generated ones: faster. Penalties on slopes at either keep
            them apart.
        optimizers: by player, what makes its optimizer. A model that was saved has those it was compiled with.
    """

    def __init__(
        self,
        shape,
        generator: keras.Model,
        critic: keras.Model,
        *,
        condition=None,
        values: str = "real",
        game: str = "non_saturating",
        penalties: tuple[str, ...] = (),
        turns: int = 1,
        packing: int = 1,
        smoothing: float = 0.0,
        feature_matching: bool = False,
        history: float = 0.0,
        average: float = 0.0,
        instance_noise: float = 0.0,
        prior: str = "normal",
        together: bool = False,
        optimizers: dict[str, Callable] | None = None,
    ):
        super().__init__(shape, condition, values)
        at_least(1, turns=turns, packing=packing)
        at_least(0, history=history, instance_noise=instance_noise)
        one_of(f"prior={prior!r}", prior, ("normal", "uniform"))
        if not 0 <= average < 1:
            raise ValueError(f"average={average}: expected a decay from 0 to below 1")
        self.generator, self.critic, self.turns, self.packing, self.prior = generator, critic, turns, packing, prior
        self._arguments.pop(
            "optimizers", None
        )  # what makes them is no configuration; those of a compiled model are saved with it
        self._check_nets()
        self.game = losses.smoothed(game, smoothing)
        self.penalties = [losses.penalty(text) for text in penalties]
        if twice := {p.name for p in self.penalties if [other.name for other in self.penalties].count(p.name) > 1}:
            raise ValueError(
                f"penalties={','.join(penalties)}: {min(twice)} stands there twice; give it once, with its weight"
            )
        self.together = together and not any(p.slopes for p in self.penalties)
        vars(self).update(
            feature_matching=feature_matching,
            history_weight=history,
            average=average,
            optimizer_makers=optimizers or {},
        )
        for p in self.penalties:
            setattr(self, p.name, self._number(p.name, p.weight))
        self.instance_noise = self._number("instance_noise", instance_noise) if instance_noise else None
        features = next((layer for layer in critic.layers if layer.name == "features"), None)
        if feature_matching and features is None:
            names = ", ".join(layer.name for layer in critic.layers)
            raise ValueError(
                f"feature matching needs a layer of the critic named 'features', and it has {names}: name one of them "
                "so"
            )
        vars(self)["_reader"] = (
            keras.Model(critic.inputs, [features.output, critic.outputs[0]]) if features is not None else None
        )
        self.past = (
            {name: self._copies(name, net.trainable_variables) for name, net in self._nets().items()} if history else {}
        )
        self.averages = self._copies("average", generator.trainable_variables) if average else []
        self.statistics = self._copies("statistic", generator.non_trainable_variables) if average else []

    @staticmethod
    def seen_shape(shape: tuple[int, ...], condition=None, packing: int = 1, *, maps: bool = False) -> tuple[int, ...]:
        """What a critic is to take of a pack of examples and their conditions: `maps` puts those of pictures side by
        side as channels, for nets of convolutions; else they are one vector."""
        shape, told = tuple(shape), conditions.size(condition)
        if maps and len(shape) == 3:
            return (*shape[:2], packing * (shape[2] + told))
        return shape if packing == 1 and not told else (packing * (tf.TensorShape(shape).num_elements() + told),)

    def _check_nets(self) -> None:
        """One line where nets of one's own do not fit."""
        told, takes = conditions.size(self.condition), self.generator.input_shape[1:]
        if len(takes) != 1 or self.latent < 1:
            raise ValueError(
                f"the generator takes {takes}: expected (latent + {told},), a vector of "
                f"noise{' and of the condition' if told else ''}"
            )
        if (makes := self.generator.output_shape[1:]) != self.shape:
            raise ValueError(
                f"the generator makes examples of shape {makes}, and the model's are {self.shape}: give its last "
                "layer this shape"
            )
        seen = self.seen_shape(self.shape, self.condition, self.packing, maps=self._maps)
        if (takes := self.critic.input_shape[1:]) != seen:
            raise ValueError(
                f"the critic takes {takes}: expected {seen}, which Adversarial.seen_shape says of examples, packs and "
                "conditions"
            )
        if (judges := self.critic.output_shape[1:]) != (1,):
            raise ValueError(f"the critic gives {judges} for an example: expected one output, (1,)")

    @property
    def _maps(self) -> bool:
        """Whether the critic takes pictures."""
        return len(self.critic.input_shape) == 4

    @property
    def latent(self) -> int:
        return self.generator.input_shape[-1] - conditions.size(self.condition)

    @property
    def least_batch(self) -> int:
        return self.turns * self.packing

    # -- the game ------------------------------------------------------------------------------------------------------

    def players(self):
        maker = self.optimizer_makers.get
        return {
            "critic": Player(
                self.critic_terms, self._nets()["critic"].trainable_variables, self.turns, maker("critic")
            ),
            "generator": Player(self.generator_terms, self.generator.trainable_variables, 1, maker("generator")),
        }

    def critic_terms(self, x, condition=None, training=True):
        judge = self._judge(condition, training)
        real, fake = self._pack(x, training), self._pack(self._fake(x, condition, training), training)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch([real, fake])
            real_output, fake_output = (
                tf.split(judge(tf.concat([real, fake], 0)), 2) if self.together else (judge(real), judge(fake))
            )
        terms = {"loss": self.game.critic(real_output, fake_output), "real": real_output, "fake": fake_output}
        play = losses.Play(judge, real, fake, real_output, fake_output, tape)
        for p in self.penalties:
            if p.term:
                terms[p.name] = p.term(play)
                terms["loss"] += getattr(self, p.name) * terms[p.name]
        terms["loss"] += self._distance_from_the_past("critic")
        return terms

    def generator_terms(self, x, condition=None, training=True):
        x, condition = every(self.turns if training else 1, 0, (x, condition))
        fake = self._pack(self._fake(x, condition, training), training)
        if self.feature_matching:
            read = self._judge(condition, training, features=True)
            real, made = (tf.cast(read(packs)[0], tf.float32) for packs in (self._pack(x, training), fake))
            gap = tf.reduce_mean(real, 0) - tf.reduce_mean(made, 0)
            loss = tf.reduce_sum(gap**2)
        else:
            loss = self.game.generator(self._judge(condition, training)(fake))
        if training:
            self._settle(x, condition)
        return {"loss": loss + self._distance_from_the_past("generator")}

    def after_turn(self, player):
        if player == "critic" and (clip := getattr(self, "clip", None)) is not None:
            for v in self.critic.trainable_variables:
                distribute.assign(v, tf.clip_by_value(v, -clip, clip))
        if player == "generator":
            steps = tf.cast(self.random_state.value[1], tf.float32)
            for name, copies in self.past.items():
                _move(copies, self._nets()[name].trainable_variables, 1 - 1 / steps)
            _move(self.averages, self.generator.trainable_variables, tf.where(steps > 1, self.average, 0.0))

    def _nets(self) -> dict[str, keras.Model]:
        return {"critic": self.critic, "generator": self.generator}

    def _distance_from_the_past(self, player: str):
        if not self.history_weight:
            return 0.0
        now = self._nets()[player].trainable_variables
        return self.history_weight * tf.add_n(
            [tf.reduce_sum((v - past.value) ** 2) for v, past in zip(now, self.past[player], strict=True)]
        )

    def _fake(self, x, condition, training):
        noise = self.noise(tf.shape(x)[0], self.new_seed())
        return self.generator(self._inputs(noise, condition), training=training)

    def _judge(self, condition, training: bool, features: bool = False) -> Callable:
        """The critic as a function of packs: their outputs [n], or what its layer "features" makes of them and the
        outputs [n, 1]."""
        packed = None if self.condition is None else self._pack(conditions.vector(self.condition, condition), training)

        def judge(seen):
            told = None if packed is None else tf.tile(packed, [tf.shape(seen)[0] // tf.shape(packed)[0], 1])
            if self.instance_noise is not None:
                seen = seen + self.instance_noise * rng.normal(tf.shape(seen), self.new_seed())
            if told is not None and self._maps:
                seen = tf.concat(
                    [seen, tf.broadcast_to(told[:, None, None], [tf.shape(seen)[0], *self.shape[:2], told.shape[-1]])],
                    -1,
                )
            elif told is not None:
                seen = tf.concat([tf.reshape(seen, [tf.shape(seen)[0], -1]), told], -1)
            return self._reader(seen, training=training) if features else self.critic(seen, training=training)[:, 0]

        return judge

    def _pack(self, x, training: bool):
        """[n, …] to [n / packing, …], those of a pack side by side. Where they do not come out even, training leaves
        some out, evaluation takes some twice."""
        k = self.packing
        if k == 1:
            return x
        n = tf.shape(x)[0] // k
        if not training:
            n = -(-tf.shape(x)[0] // k)
            x = tf.concat([x] * k, 0)
        x = x[: n * k]
        if x.shape.rank != 4 or not self._maps:
            return tf.reshape(x, [n, k * tf.TensorShape(x.shape[1:]).num_elements()])
        height, width, channels = x.shape[1:]
        return tf.reshape(
            tf.transpose(tf.reshape(x, [n, k, height, width, channels]), [0, 2, 3, 1, 4]),
            [n, height, width, k * channels],
        )

    # -- sampling ------------------------------------------------------------------------------------------------------

    def noise(self, n, seed):
        return (
            rng.normal([n, self.latent], seed)
            if self.prior == "normal"
            else 2 * rng.uniform([n, self.latent], seed) - 1
        )

    def generate(self, noise, condition=None):
        inputs = self._inputs(noise, condition)
        return self._averaged(inputs, False)[0] if self.averages else self.generator(inputs, training=False)

    def _averaged(self, inputs, training: bool):
        """What the averaged generator makes, and its moving statistics behind it."""
        averages, statistics = ([copy.value for copy in copies] for copies in (self.averages, self.statistics))
        return self.generator.stateless_call(averages, statistics, inputs, training=training)

    def _settle(self, x, condition) -> None:
        """Moves the statistics of the averaged generator's batch normalisation. Averages of the generator's would be
        too wide: weights that went here and there vary less in the mean, and what they make would fade."""
        if self.averages and any(
            "moving_" in v.path for v in self.generator.non_trainable_variables
        ):  # a reference batch is no average
            inputs = self._inputs(self.noise(tf.shape(x)[0], self.new_seed()), condition)
            for copy, value in zip(self.statistics, self._averaged(inputs, True)[1], strict=True):
                copy.assign(value)

    def _inputs(self, noise, condition):
        """What the generator takes: the noise, and the condition beside it."""
        return conditions.beside(self.condition, noise, condition)

    # -- state ---------------------------------------------------------------------------------------------------------

    def _number(self, name: str, value: float) -> keras.Variable:
        constant = keras.initializers.Constant(value)
        return self.add_weight(
            shape=(),
            initializer=constant,
            trainable=False,
            aggregation="only_first_replica",
            dtype="float32",
            name=name,
        )

    def _copies(self, name: str, variables) -> list[keras.Variable]:
        """Weights that begin where these variables are."""
        return [
            self.add_weight(
                shape=v.shape,
                initializer=lambda shape, dtype, v=v: tf.cast(v.value, dtype),
                trainable=False,
                dtype="float32",
                aggregation="only_first_replica",
                name=f"{name}_{i}",
            )
            for i, v in enumerate(variables)
        ]


def _move(copies, variables, keep) -> None:
    """copy = keep · copy + (1 - keep) · variable."""
    for copy, v in zip(copies, variables, strict=True) if copies else ():
        copy.assign(keep * copy.value + (1 - keep) * tf.cast(v.value, tf.float32))
