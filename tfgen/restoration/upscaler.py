"""What every net of super-resolution shares: x is a crop of a picture, the condition is the same crop made smaller.

The papers of this family say which net and which loss; here are the moving average of its weights, with which it
restores, pictures of any size, and how good it is on what is held out.
"""

import keras
import tensorflow as tf

from tfgen import rng
from tfgen.checks import at_least, share
from tfgen.metrics.image import luma
from tfgen.model import GenerativeModel, Player
from tfgen.parts.weights import copies, move

__all__ = ["Upscaler", "continued", "rolled"]


class Upscaler(GenerativeModel):
    """A net from small pictures to large ones, learnt by pairs.

    Arguments:
        shape: of the crops to train on, (height, width, 1 or 3), multiples of the scale; it upscales any size.
        net: small pictures [n, h, w, channels] in 0..1 to large ones [n, scale h, scale w, channels], before clipping.
        scale: how many times larger.
        average: decay of the moving average of the weights; 0 for none.
        optimizer: makes it.
    """

    def __init__(self, shape, net: keras.Layer, *, scale: int, average: float = 0.0, optimizer=None):
        at_least(2, scale=scale)
        height, width, channels = shape
        if height % scale or width % scale:
            raise ValueError(f"shape={tuple(shape)}: the height and width of the crops are multiples of scale={scale}")
        share(average=average)
        super().__init__(shape, (height // scale, width // scale, channels), values="unit")
        self.scale, self.average, self.net = scale, average, net
        vars(self)["optimizer_maker"] = optimizer
        self.averages = copies(self, "average", net.trainable_variables) if average else []

    @property
    def margin(self) -> int:
        """Pixels by which crops are continued, as tiles are where a picture ends."""
        return 0

    def distance(self, x: tf.Tensor, restored: tf.Tensor) -> tf.Tensor:
        """What is minimised: [n], the mean absolute error."""
        return tf.reduce_mean(tf.abs(x - restored), [1, 2, 3])

    def players(self):
        return {"model": Player(self.loss_terms, self.net.trainable_variables, optimizer=self.optimizer_maker)}

    def loss_terms(self, x, condition=None, training=True):
        beyond = self.scale * self.margin
        seen, cut = continued(condition, self.margin), slice(beyond, -beyond or None)
        if training:
            return {"loss": self.distance(x, self.net(seen, training=True)[:, cut, cut])}
        restored = self.restore(seen)[:, cut, cut]
        return {"loss": self.distance(x, restored), "psnr": self._psnr(x, restored)}

    def after_turn(self, player):
        steps = tf.cast(rng.step(), tf.float32)
        keep = tf.minimum(self.average, steps / (10 + steps))  # the first steps are forgotten sooner
        move(self.averages, self.net.trainable_variables if self.average else [], keep)

    def restore(self, small: tf.Tensor) -> tf.Tensor:
        """Small pictures of any size, in 0..1, to large ones in 0..1."""
        if self.averages:
            weights = [copy.value for copy in self.averages]
            others = [v.value for v in self.net.non_trainable_variables]
            large = self.net.stateless_call(weights, others, small, training=False)[0]
        else:
            large = self.net(small, training=False)
        return tf.minimum(tf.nn.relu(large), 1.0)  # as fast as can be in int8, where clip_by_value is not

    @property
    def reach(self) -> int:
        """Pixels of the input beside a pixel, in each direction, that what is made of it depends on."""
        return self.net.reach

    @property
    def fold(self) -> int:
        """The height and width of what is upscaled are multiples of it."""
        return getattr(self.net, "fold", 1)

    def _psnr(self, x, restored):
        """[n]: `tfgen.metrics.psnr` of bytes, without `scale` pixels at each border."""
        edge = slice(self.scale, -self.scale if min(self.shape[:2]) > 2 * self.scale else None)
        gap = luma(255 * x)[:, edge, edge] - luma(tf.round(255 * restored))[:, edge, edge]
        error = tf.reduce_mean(gap**2, [1, 2])
        return -10 * tf.math.log(tf.maximum(error, 1e-10) / 255**2) / tf.math.log(10.0)

    @property
    def laws(self):
        """Nothing is drawn."""
        return {}

    def generate(self, noise, condition=None):
        return self.restore(condition)


def continued(pictures: tf.Tensor, margin: int) -> tf.Tensor:
    """[n, h, w, channels] as in a mirror beyond each border, as `bicubic` and `np.pad(…, mode="symmetric")` do."""
    for axis in (1, 2) if margin else ():
        size = tf.shape(pictures)[axis]
        place = tf.math.floormod(tf.range(-margin, size + margin), 2 * size)
        pictures = tf.gather(pictures, tf.minimum(place, 2 * size - 1 - place), axis=axis)
    return pictures


def rolled(pictures: list[tf.Tensor], by: int, seed: tf.Tensor) -> list[tf.Tensor]:
    """All moved alike, what leaves coming in again, by fewer than `by` pixels down and across: a net that strides looks
    at some pixels more often than at others, and teaches what is learnt against it to draw that grid."""
    steps = tf.cast(by * rng.uniform([2], seed), tf.int32)
    return [tf.roll(each, steps, [1, 2]) for each in pictures]
