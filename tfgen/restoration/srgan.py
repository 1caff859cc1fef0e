"""SRGAN: a net of super-resolution whose results look like photographs, rather than come near to them.

    generator  minimises  mean (φ(x) - φ(G(x_small)))² - 10⁻³ log D(G(x_small)), φ the features of a net that has
               learnt to see                                                                                  (Eq. 3-6)
    critic     minimises  -log D(x) - log(1 - D(G(x_small)))                                                     (Eq. 2)

The paper's φ is VGG19. Where its weights cannot be had, φ is learnt on the originals before the game begins: a net
that tells in which way a picture was spoilt (after Madhusudana et al. 2021, https://arxiv.org/abs/2110.13266), which
takes seeing what sharp, clean pictures are made of. Its features are compared at three depths, relative to their size.

Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", 2016,
https://arxiv.org/abs/1609.04802
"""

import functools

import keras
import tensorflow as tf

from tfgen import rng
from tfgen.checks import at_least, one_of, positive
from tfgen.model import Player
from tfgen.nets.srresnet import picture_critic, picture_reader
from tfgen.parts import Critic, Stages
from tfgen.restoration.srresnet import SRResNet
from tfgen.restoration.upscaler import rolled

__all__ = ["SRGAN"]

FEATURES = ("spoilt", "vgg19")
WAYS = 5  # of `spoilt`, the first of which spoils nothing


class SRGAN(SRResNet):
    """A residual net against a critic. It begins, in the paper, where an `SRResNet` of the same sizes ended.

    Arguments:
        shape: of the crops to train on, (height, width, 3), multiples of the scale; it upscales any size.
        scale, width, blocks, outer, norm: of the generator, `tfgen.nets.srresnet.srresnet`.
        critic_width, halvings: of the critic, `tfgen.nets.srresnet.picture_critic`.
        features: "vgg19" (Keras's weights of ImageNet, block 5, convolution 4), or "spoilt": learnt on the originals.
        features_width, features_epochs: of the net that is learnt, filters of its first convolution, and how long.
        adversarial: weight of the game beside the features.
        average: as SRResNet's.
        learning_rate: of Adam, for the critic; the generator learns so many times `slower`.
    """

    def __init__(
        self,
        shape,
        *,
        scale: int = 4,
        width: int = 64,
        blocks: int = 16,
        outer: int = 9,
        norm: bool = True,
        critic_width: int = 64,
        halvings: int = 4,
        features: str = "spoilt",
        features_width: int = 32,
        features_epochs: int = 2,
        adversarial: float = 1e-3,
        average: float = 0.0,
        learning_rate: float = 1e-4,
        slower: float = 1.0,
    ):
        at_least(1, critic_width=critic_width, halvings=halvings)
        at_least(1, features_width=features_width, features_epochs=features_epochs)
        one_of(f"features={features!r}", features, FEATURES)
        positive(slower=slower)
        sizes = {"scale": scale, "width": width, "blocks": blocks, "outer": outer, "norm": norm}
        super().__init__(shape, **sizes, average=average, learning_rate=learning_rate)
        self.adversarial, self.learns, self.stride = adversarial, features == "spoilt", 2**halvings
        if not self.learns and self.shape[-1] != 3:
            raise ValueError(f"shape={self.shape}: features='vgg19' sees pictures of 3 channels")
        self.critic = Critic(picture_critic(self.shape, critic_width, halvings))
        self.reader = picture_reader(self.shape[-1], WAYS, features_width) if self.learns else _vgg19()
        self.stages = Stages((features_epochs,) * self.learns)
        vars(self)["net_adam"] = functools.partial(keras.optimizers.Adam, learning_rate / slower)

    def players(self):
        """The critic learns while features are learnt, too: what begins knows both what to look at and what to fear."""
        critic, net = self.critic.trainable_variables, self.net.trainable_variables
        begun = self.stages.turns(int(self.learns))
        players = {
            "critic": Player(self.critic_terms, critic, optimizer=self.optimizer_maker),
            "generator": Player(self.generator_terms, net, begun, optimizer=self.net_adam),
        }
        if self.learns:
            weights = self.reader.trainable_variables
            reader = Player(self.reader_terms, weights, self.stages.turns(0), optimizer=keras.optimizers.Adam)
            players["reader"] = reader  # last: the others' rate leads
        return players

    def after_epoch(self):
        self.stages.after_epoch(self)

    def critic_terms(self, x, condition=None, training=True):
        x, fake = rolled([x, self.net(condition, training=training)], self.stride, self.new_seed())
        return self.critic.terms(self.critic.play(x, fake, training=training))

    def generator_terms(self, x, condition=None, training=True):
        if not training:
            restored = self.restore(condition)
            return {"loss": self.content(x, restored), "psnr": self._psnr(x, restored)}
        x, made = rolled([x, self.net(condition, training=True)], self.stride, self.new_seed())
        content, fooled = self.content(x, made), self.critic.fooled(made, training=True)
        return {"loss": content + self.adversarial * fooled, "content": content, "fooled": fooled}

    def content(self, x, made):
        """The difference of features, [n]."""
        distance = 0.0
        for wanted, seen in zip(self.look(x), self.look(made), strict=True):
            wanted = tf.stop_gradient(wanted)
            squares = tf.reduce_mean((seen - wanted) ** 2, [1, 2, 3])
            distance += squares / (tf.reduce_mean(wanted**2, [1, 2, 3]) + 1e-6) if self.learns else squares
        return distance

    def look(self, x) -> list[tf.Tensor]:
        """Features [n, h, w, some], float32."""
        if self.learns:
            return self.reader(x, training=False)[0]
        blue_first = 255 * tf.reverse(x, [-1]) - (103.939, 116.779, 123.68)
        return [tf.cast(self.reader(blue_first, training=False), tf.float32) / 12.75]

    def reader_terms(self, x, condition=None, training=True):
        which, share, noise = rng.split(self.new_seed(), 3)
        way = tf.cast(WAYS * rng.uniform(tf.shape(x)[:1], which), tf.int32)
        share = 0.25 + 0.75 * rng.uniform([tf.shape(x)[0], 1, 1, 1], share)
        ways = tf.stack(spoilt(x, rng.normal(tf.shape(x), noise)), 1)
        logits = self.reader(x + share * (tf.gather(ways, way, batch_dims=1) - x), training=training)[1]
        told = tf.cast(tf.argmax(logits, -1, tf.int32) == way, tf.float32)
        return {"loss": tf.nn.sparse_softmax_cross_entropy_with_logits(way, logits), "told": told}

    def after_turn(self, player):
        if player == "generator":
            super().after_turn(player)
        elif player == "critic":
            self.critic.after_turn()


def spoilt(x, normal) -> list[tf.Tensor]:
    """As it is; blurred; in blocks; noisy; too sharp."""
    size, half = tf.shape(x)[1:3], tf.nn.avg_pool2d(x, 2, 2, "SAME")
    soft = tf.image.resize(half, size)
    return [x, soft, tf.image.resize(half, size, "nearest"), x + 0.08 * normal, 2 * x - soft]


@functools.cache
def _vgg19() -> keras.Model:
    try:
        vgg = keras.applications.VGG19(include_top=False)
    except Exception as error:
        raise ValueError(
            f"features='vgg19': its weights cannot be had ({str(error).splitlines()[0]}): take features='spoilt'"
        ) from None
    net = keras.Model(vgg.input, vgg.get_layer("block5_conv4").output)
    net.trainable = False
    return net
