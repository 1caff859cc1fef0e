"""SRGAN: a net of super-resolution whose results look like photographs, rather than come near to them.

    generator  minimises  mean (φ(x) - φ(G(x_small)))² - 10⁻³ log D(G(x_small)), φ the features of a net that has
               learnt to see                                                                                  (Eq. 3-6)
    critic     minimises  -log D(x) - log(1 - D(G(x_small)))                                                     (Eq. 2)

The paper's φ is VGG19. Where its weights cannot be had, φ is learnt beside the game, on the originals: a net that
tells by how many quarters a picture was turned, which takes knowing what is in it (Gidaris et al. 2018,
https://arxiv.org/abs/1803.07728); its differences are relative to the size of its features.

Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", 2016,
https://arxiv.org/abs/1609.04802
"""

import functools

import keras
import tensorflow as tf

from tfgen import rng
from tfgen.checks import at_least, one_of
from tfgen.model import Player
from tfgen.nets.srresnet import picture_critic, picture_reader
from tfgen.parts import Critic
from tfgen.restoration.srresnet import SRResNet

__all__ = ["SRGAN"]

FEATURES = ("turns", "vgg19")
TURNS = 4


class SRGAN(SRResNet):
    """A residual net against a critic. It begins, in the paper, where an `SRResNet` of the same sizes ended.

    Arguments:
        shape: of the crops to train on, (height, width, 3), multiples of the scale; it upscales any size.
        scale, width, blocks, outer, norm: of the generator, `tfgen.nets.srresnet.srresnet`.
        critic_width, halvings: of the critic, `tfgen.nets.srresnet.picture_critic`.
        features: "vgg19" (Keras's weights of ImageNet, block 5, convolution 4), or "turns": learnt on the originals.
        features_width: filters of the first convolution of the net that is learnt.
        adversarial: weight of the game beside the features.
        average, learning_rate: as SRResNet's.
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
        features: str = "turns",
        features_width: int = 32,
        adversarial: float = 1e-3,
        average: float = 0.0,
        learning_rate: float = 1e-4,
    ):
        at_least(1, critic_width=critic_width, halvings=halvings, features_width=features_width)
        one_of(f"features={features!r}", features, FEATURES)
        sizes = {"scale": scale, "width": width, "blocks": blocks, "outer": outer, "norm": norm}
        super().__init__(shape, **sizes, average=average, learning_rate=learning_rate)
        self.features, self.adversarial = features, adversarial
        if features == "turns" and self.shape[0] != self.shape[1]:
            raise ValueError(f"shape={self.shape}: features='turns' turns the crops by quarters, so they are square")
        if features == "vgg19" and self.shape[-1] != 3:
            raise ValueError(f"shape={self.shape}: features='vgg19' sees pictures of 3 channels")
        self.critic = Critic(picture_critic(self.shape, critic_width, halvings))
        self.reader = _vgg19() if features == "vgg19" else picture_reader(self.shape[-1], TURNS, features_width)

    def players(self):
        adam = self.optimizer_maker
        players = {
            "critic": Player(self.critic_terms, self.critic.trainable_variables, optimizer=adam),
            "generator": Player(self.generator_terms, self.net.trainable_variables, optimizer=adam),
        }
        if self.features == "turns":
            reader = Player(self.reader_terms, self.reader.trainable_variables, optimizer=keras.optimizers.Adam)
            players["reader"] = reader  # last: the others' rate leads
        return players

    def critic_terms(self, x, condition=None, training=True):
        fake = self.net(condition, training=training)
        return self.critic.terms(self.critic.play(x, fake, training=training))

    def generator_terms(self, x, condition=None, training=True):
        if not training:
            restored = self.restore(condition)
            return {"loss": self.content(x, restored), "psnr": self._psnr(x, restored)}
        made = self.net(condition, training=True)
        content, fooled = self.content(x, made), self.critic.fooled(made, training=True)
        return {"loss": content + self.adversarial * fooled, "content": content, "fooled": fooled}

    def content(self, x, made):
        """The mean squared difference of features, [n]."""
        seen, wanted = self.look(made), tf.stop_gradient(self.look(x))
        axes = [1, 2, 3]
        distance = tf.reduce_mean((seen - wanted) ** 2, axes)
        return distance if self.features == "vgg19" else distance / (tf.reduce_mean(wanted**2, axes) + 1e-6)

    def look(self, x):
        """Features [n, h, w, some], float32."""
        if self.features == "turns":
            return self.reader(x, training=False)[0]
        blue_first = 255 * tf.reverse(x, [-1]) - (103.939, 116.779, 123.68)
        return tf.cast(self.reader(blue_first, training=False), tf.float32) / 12.75

    def reader_terms(self, x, condition=None, training=True):
        n = tf.shape(x)[0]
        turns = tf.cast(TURNS * rng.uniform([n], self.new_seed()), tf.int32)
        turned = tf.stack([tf.image.rot90(x, k) for k in range(TURNS)], 1)
        logits = self.reader(tf.gather(turned, turns, batch_dims=1), training=training)[1]
        told = tf.cast(tf.argmax(logits, -1, tf.int32) == turns, tf.float32)
        return {"loss": tf.nn.sparse_softmax_cross_entropy_with_logits(turns, logits), "told": told}

    def after_turn(self, player):
        if player == "generator":
            super().after_turn(player)
        elif player == "critic":
            self.critic.after_turn()


@functools.cache
def _vgg19() -> keras.Model:
    try:
        vgg = keras.applications.VGG19(include_top=False)
    except Exception as error:
        raise ValueError(
            f"features='vgg19': its weights cannot be had ({str(error).splitlines()[0]}): take features='turns'"
        ) from None
    net = keras.Model(vgg.input, vgg.get_layer("block5_conv4").output)
    net.trainable = False
    return net
