"""A critic: a net that judges examples, the game that it plays, and what keeps it from growing too steep."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import distribute, losses, rng
from tfgen.checks import at_least
from tfgen.parts.weights import number

__all__ = ["Critic", "features"]


@keras.saving.register_keras_serializable("tfgen")
class Critic(keras.layers.Layer):
    """Judges packs of examples, beside what they were told: outputs v [n], or maps of them [n, height, width] where the
    net looks at patches.

    Arguments:
        net: what `seen_shape` says, [n, …], to [n, 1] or [n, height, width, 1].
        game: a name of `tfgen.losses.GAMES`, or a `Game` of one's own.
        penalties: names of `tfgen.losses.PENALTIES`, each with its weight where it is not the paper's ("r1:0.1"), or
            `Penalty` objects; one may stand alone. A weight of the critic has the penalty's name and value.
        condition: what examples come with.
        smoothing: what is taken off the label of real examples (Salimans et al. 2016).
        packing: examples that are judged together (Lin et al. 2018).
        clip: bound of the net's weights after each turn (Arjovsky et al. 2017); 0 for none.
        instance_noise: standard deviation of noise on all that is seen, a weight (Sønderby et al. 2017).
        together: the net takes each example by itself (no batch or virtual normalisation, no minibatch
            discrimination), so one call may judge real and generated ones: faster. Penalties on slopes at either keep
            them apart.
    """

    def __init__(
        self,
        net: keras.Model,
        *,
        game: str | losses.Game = "non_saturating",
        penalties: Sequence[str | losses.Penalty] = (),
        condition=None,
        smoothing: float = 0.0,
        packing: int = 1,
        clip: float = 0.0,
        instance_noise: float = 0.0,
        together: bool = False,
    ):
        super().__init__(autocast=False)
        at_least(1, packing=packing)
        at_least(0, clip=clip, instance_noise=instance_noise)
        self.net, self.condition, self.packing, self.clip = net, condition, packing, clip
        penalties = (penalties,) if isinstance(penalties, (str, losses.Penalty)) else penalties
        self.game, self.penalties = losses.smoothed(game, smoothing), [losses.penalty(p) for p in penalties]
        if twice := {p.name for p in self.penalties if [other.name for other in self.penalties].count(p.name) > 1}:
            names = ",".join(p.name for p in self.penalties)
            raise ValueError(f"penalties={names}: {min(twice)} stands there twice; give it once, with its weight")
        self.together = together and not any(p.slopes for p in self.penalties)
        for p in self.penalties:
            setattr(self, p.name, number(self, p.name, p.weight))
        self.instance_noise = number(self, "instance_noise", instance_noise) if instance_noise else None
        self._reader = features(net)
        self.built = True

    @staticmethod
    def seen_shape(shape: tuple[int, ...], condition=None, packing: int = 1, *, maps: bool = False) -> tuple[int, ...]:
        """What the net is to take of a pack of examples and their conditions: `maps` puts those of pictures side by
        side as channels, for nets of convolutions; else they are one vector."""
        shape = tuple(shape)
        if condition is None and packing == 1:
            return shape
        if not maps or len(shape) != 3:
            shape = (tf.TensorShape(shape).num_elements(),)
        *places, channels = conditions.beside_shape(condition, shape)
        return (*places, packing * channels)

    # -- what it says --------------------------------------------------------------------------------------------------

    def call(self, x, condition=None, training=False):
        """v of the packs of these examples."""
        return self.read(self.pack(x, training), self.told(x, condition, training), training)[0]

    def features(self, x, condition=None, training=False) -> tf.Tensor:
        """Of the layer "features", float32 [packs, …]."""
        packs, told = self.pack(x, training), self.told(x, condition, training)
        return tf.cast(self.read(packs, told, training)[1], tf.float32)

    def check_features(self) -> None:
        """One line where the net has no such layer."""
        if self._reader is None:
            names = ", ".join(layer.name for layer in self.net.layers)
            raise ValueError(
                f"feature matching needs a layer of the critic named 'features', and it has {names}: "
                "name one of them so"
            )

    def read(self, packs, told=None, training: bool = False) -> tuple[tf.Tensor, tf.Tensor | None]:
        """v of packs beside what is told of them (of once or twice as many), and what the layer "features" makes of
        them where the net has one."""
        if self.instance_noise is not None:
            packs = packs + self.instance_noise * rng.normal(tf.shape(packs), rng.new_seed())
        if told is not None:
            times = tf.shape(packs)[0] // tf.maximum(tf.shape(told)[0], 1)  # a replica may be left without any
            packs = tf.concat([packs, tf.tile(told, [times, *[1] * (told.shape.rank - 1)])], -1)
        if self._reader is None:
            return tf.squeeze(self.net(packs, training=training), -1), None
        seen, v = self._reader(packs, training=training)
        return tf.squeeze(v, -1), seen

    def pack(self, x, training: bool = False) -> tf.Tensor:
        """[n, …] to [n / packing, …], those of a pack side by side. Where they do not come out even, training leaves
        some out, evaluation takes some twice."""
        if len(self.net.input_shape) != 4 and (self.condition is not None or self.packing > 1):
            x = tf.reshape(x, [tf.shape(x)[0], tf.TensorShape(x.shape[1:]).num_elements()])
        k = self.packing
        if k == 1:
            return x
        n = tf.shape(x)[0] // k
        if not training:
            n = -(-tf.shape(x)[0] // k)
            x = tf.concat([x] * k, 0)
        x = tf.reshape(x[: n * k], [n, k, *x.shape[1:]])
        x = tf.transpose(x, [0, *range(2, x.shape.rank - 1), 1, x.shape.rank - 1])
        return tf.reshape(x, [n, *x.shape[1:-2], k * x.shape[-1]])

    def told(self, x, condition, training: bool) -> tf.Tensor | None:
        """What stands beside the packs of these examples: apart from them, since penalties differentiate by examples
        alone."""
        if self.condition is None:
            return None
        if len(self.net.input_shape) != 4:
            x = tf.reshape(x, [tf.shape(x)[0], -1])
        return self.pack(conditions.columns(self.condition, condition, x), training)

    # -- the game ------------------------------------------------------------------------------------------------------

    def play(self, real, fake, condition=None, training: bool = True) -> losses.Play:
        """What both kinds of examples look like to the critic; the generated ones come with the same conditions."""
        told = self.told(real, condition, training)
        real, fake = self.pack(real, training), self.pack(fake, training)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch([real, fake])
            if self.together:
                v, seen = self.read(tf.concat([real, fake], 0), told, training)
                (v, w), (seen, dreamt) = tf.split(v, 2), (None, None) if seen is None else tf.split(seen, 2)
            else:
                (v, seen), (w, dreamt) = (self.read(packs, told, training) for packs in (real, fake))
        judge = lambda packs: self.read(packs, told, training)[0]
        return losses.Play(judge, real, fake, v, w, tape, seen, dreamt)

    def terms(self, play: losses.Play) -> dict[str, tf.Tensor]:
        """What the critic minimises, [n] each: the game and the penalties with their weights."""
        v, w = play.real_output, play.fake_output
        terms = {
            "loss": losses.each(self.game.real(v) + self.game.fake(w)),
            "real": losses.each(v),
            "fake": losses.each(w),
        }
        for p in self.penalties:
            terms[p.name] = p.term(play)
            terms["loss"] += getattr(self, p.name) * terms[p.name]
        return terms

    def fooled(self, fake, condition=None, training: bool = True) -> tf.Tensor:
        """What a generator minimises, [n]."""
        return losses.each(self.game.generator(self(fake, condition, training=training)))

    def after_turn(self) -> None:
        if self.clip:
            distribute.clip(self.net.trainable_variables, self.clip)


def features(net: keras.Model) -> Callable | None:
    """The net with its layer "features" read, too: packs to (features, outputs)."""
    layer = next((layer for layer in net.layers if layer.name == "features"), None)
    return None if layer is None else keras.Model(net.inputs, [layer.output, net.outputs[0]])
