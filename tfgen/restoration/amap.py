"""Amortised MAP inference: a net all of whose results are what is given when they are made smaller again, and which
moves them to where pictures are likely.

    y = f(x) + A⁺ (x - A f(x)),  A makes smaller, A A⁺ = 1, so that A y = x                                      (Eq. 5)
    minimise  KL(q || p) + H(q) = -E log p(y), of which two estimates do:
    gan       a critic whose logit is log p / q; the generator minimises E[-v(y)] = KL(q || p)               (Eq. 8, 9)
    denoiser  d, learnt on noisy originals, gives the slope of log p: (d(y) - y) / σ²                       (Eq. 11, 12)

Sønderby, Caballero, Theis, Shi, Huszár, "Amortised MAP inference for image super-resolution", 2016,
https://arxiv.org/abs/1610.04490
"""

import functools

import keras
import tensorflow as tf

from tfgen import bicubic, rng
from tfgen.checks import at_least, one_of, positive
from tfgen.losses import Game
from tfgen.model import Player
from tfgen.nets.srresnet import picture_critic, srresnet, srresnet_reach
from tfgen.parts import Critic, Stages
from tfgen.restoration.upscaler import Upscaler, rolled

__all__ = ["AMAP", "Projected"]

ESTIMATES = ("gan", "denoiser")
REVERSE_KL = Game(lambda v: tf.nn.softplus(-v), tf.nn.softplus, lambda v: -v)


class AMAP(Upscaler):
    """A residual net behind a projection, against a critic or guided by a denoiser.

    Arguments:
        shape: of the crops to train on, (height, width, 1 or 3), multiples of the scale; it upscales any size.
        estimate: "gan" or "denoiser", of where pictures are likely.
        noise: standard deviation of what the critic sees, or of what the denoiser learns to take away.
        scale, width, blocks, outer: of the net, `tfgen.nets.srresnet.srresnet`, without batch normalisation.
        critic_width, halvings: of the critic, `tfgen.nets.srresnet.picture_critic`; the denoiser has as many filters.
        judge_epochs: of the critic or the denoiser alone, before the net begins to follow it.
        average: as SRResNet's.
        learning_rate: of Adam, for the judge; the net, which nothing else holds, learns so many times `slower`.
    """

    def __init__(
        self,
        shape,
        *,
        estimate: str = "gan",
        noise: float = 0.1,
        scale: int = 4,
        width: int = 64,
        blocks: int = 8,
        outer: int = 9,
        critic_width: int = 64,
        halvings: int = 4,
        judge_epochs: int = 1,
        average: float = 0.0,
        learning_rate: float = 1e-4,
        slower: float = 10.0,
    ):
        at_least(1, width=width, blocks=blocks, outer=outer, critic_width=critic_width, halvings=halvings)
        at_least(1, judge_epochs=judge_epochs)
        one_of(f"estimate={estimate!r}", estimate, ESTIMATES)
        positive(noise=noise, slower=slower)
        adam = functools.partial(keras.optimizers.Adam, learning_rate)
        net = Projected(srresnet(shape[-1], scale, width, blocks, outer=outer, norm=False), scale)
        super().__init__(shape, net, scale=scale, average=average, optimizer=adam)
        self._reach = srresnet_reach(scale, blocks, outer)
        self.estimate, self.deviation, self.stride = estimate, noise, 2**halvings
        if estimate == "gan":
            net = picture_critic(self.shape, critic_width, halvings)
            self.judge = Critic(net, game=REVERSE_KL, instance_noise=noise)
        else:
            self.judge = _denoiser(self.shape[-1], critic_width)
        self.stages = Stages((judge_epochs,))
        vars(self)["net_adam"] = functools.partial(keras.optimizers.Adam, learning_rate / slower)

    @property
    def reach(self) -> int:
        """Of the net. The projection reaches over the whole picture, less and less; tiles cut it off there."""
        return self._reach + 16

    def players(self):
        adam, weights, follows = self.optimizer_maker, self.net.trainable_variables, self.stages.turns(1)
        return {
            "judge": Player(self.judge_terms, self.judge.trainable_variables, optimizer=adam),
            "generator": Player(self.generator_terms, weights, follows, optimizer=self.net_adam),
        }

    def after_epoch(self):
        self.stages.after_epoch(self)

    def judge_terms(self, x, condition=None, training=True):
        if self.estimate == "gan":
            x, fake = rolled([x, self.net(condition, training=training)], self.stride, self.new_seed())
            return self.judge.terms(self.judge.play(x, fake, training=training))
        noisy = x + self.deviation * rng.normal(tf.shape(x), self.new_seed())
        return {"loss": tf.reduce_mean((x - self.judge(noisy, training=training)) ** 2, [1, 2, 3])}

    def generator_terms(self, x, condition=None, training=True):
        made = self.net(condition, training=training)
        if self.estimate == "gan":
            loss = self.judge.fooled(*rolled([made], self.stride, self.new_seed()), training=training)
        else:
            slope = (self.judge(made, training=False) - made) / self.deviation**2
            loss = -tf.reduce_sum(tf.stop_gradient(slope) * made, [1, 2, 3])
        return {"loss": loss} if training else {"loss": loss, "psnr": self._psnr(x, self.restore(condition))}

    def after_turn(self, player):
        if player == "generator":
            super().after_turn(player)
        elif self.estimate == "gan":
            self.judge.after_turn()


@keras.saving.register_keras_serializable("tfgen")
class Projected(keras.layers.Layer):
    """A net's results, moved as little as makes them, when they are made smaller, what was given."""

    def __init__(self, net: keras.Model, scale: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.net, self.scale, self.built = net, scale, True

    def call(self, small, training=False):
        """small [n, h, w, channels], of known height and width."""
        large = tf.cast(self.net(small, training=training), tf.float32)
        if None in small.shape[1:3]:
            raise ValueError("amap is exact by matrices of the picture's size: give it pictures of one known size")
        lines = [(side * self.scale, side) for side in small.shape[1:3]]
        down = [tf.constant(bicubic.matrix(*each).toarray(), tf.float32) for each in lines]
        up = [tf.constant(bicubic.back(*each), tf.float32) for each in lines]
        return large + _both(up, tf.cast(small, tf.float32) - _both(down, large))


def _both(matrices, x):
    """Along the columns and along the rows."""
    return tf.einsum("ph,nhwc,qw->npqc", matrices[0], x, matrices[1])


def _denoiser(channels: int, width: int, depth: int = 4) -> keras.Model:
    """What it takes away is what a few convolutions make."""
    noisy = x = keras.Input((None, None, channels))
    for _ in range(depth):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    x = keras.layers.Conv2D(channels, 3, padding="same", dtype="float32")(x)
    return keras.Model(noisy, keras.layers.Add(dtype="float32")([noisy, x]), name="denoiser")
