"""Parallel multiscale PixelCNN: a small picture pixel by pixel, then scale by scale the pixels between, each group of
them at once: O(log N) passes in place of N.

    x at scale s has four groups in every 2x2 block: the picture at scale s - 1, then the pixels to the right, below,
    and across
    p(x) = p(x_0) Π_s Π_g p(x_s,g | x_s,<g),   the pixels of a group independent given the groups before

Reed, van den Oord, Kalchbrenner, Gómez Colmenarejo, Wang, Chen, Belov, de Freitas, "Parallel multiscale autoregressive
density estimation", 2017, https://arxiv.org/abs/1703.03664
"""

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import parts
from tfgen.autoregressive.engine import Autoregressive
from tfgen.autoregressive.gated_pixelcnn import GatedPixelCNN
from tfgen.autoregressive.raster import Fields
from tfgen.checks import at_least
from tfgen.layers import Residual
from tfgen.sampling import SAMPLE

__all__ = ["Multiscale"]


class Multiscale(Fields, Autoregressive):
    """A model of pictures whose samples need few passes, above a small Gated PixelCNN.

    Arguments:
        shape: of a picture; height and width can be halved `scales` times.
        condition: a number of classes, a vector (of a text, such as the words of a caption), a picture, or a dict.
        likelihood: "bernoulli", "categorical:256" (a softmax for each channel), "logistic_mixture:5".
        scales: how often the picture is doubled.
        filters: of every net.
        layers: residual blocks of each net, and layers of the small picture's.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        likelihood: str = "bernoulli",
        scales: int = 2,
        filters: int = 32,
        layers: int = 3,
    ):
        at_least(1, scales=scales, filters=filters, layers=layers)
        if len(shape) != 3 or any(side % 2**scales for side in shape[:2]):
            raise ValueError(
                f"shape {tuple(shape)}: a picture whose height and width can be halved {scales} times was expected: "
                "cut it, or take fewer scales"
            )
        super().__init__(shape, condition, likelihood, channels=shape[2])
        height, width, channels = self.shape
        small = (height // 2**scales, width // 2**scales, channels)
        self.scales, self.reach = scales, 1 + 2 * layers  # of a net: a convolution, and two in each block
        self.base = GatedPixelCNN(
            small, condition=condition, likelihood=likelihood, filters=filters, layers=layers, kernel=3
        )
        self.nets, self.heads = [], []
        for group in range(1, 4):
            for _ in range(scales):
                self.nets.append(
                    _net(conditions.beside_shape(condition, (None, None, group * channels)), filters, layers)
                )
                self.heads.append(parts.Channels(filters, channels, self.likelihood.size, filters))
        self.laws = self.likelihood.drawn_from(height * width * channels)

    def features(self, scale: int, group: int, known, condition):
        """Features of the pixels of a group, from the groups before, [n, height, width, group · channels]."""
        seen = conditions.beside(self.condition, self.base.scaled(known), condition)
        return self.nets[(group - 1) * self.scales + scale](seen)

    def head(self, scale: int, group: int):
        return self.heads[(group - 1) * self.scales + scale]

    def log_prob(self, x, condition=None):
        x, total = tf.cast(x, tf.float32), 0.0
        for scale in range(self.scales):  # from the largest picture down
            groups = split(x)
            for group in range(1, 4):
                h = self.features(scale, group, tf.concat(groups[:group], -1), condition)
                p = self.head(scale, group)(h, self.base.scaled(groups[group]))
                total += tf.reduce_sum(self.likelihood.each(groups[group], p), [1, 2, 3])
            x = groups[0]
        return total + self.base.log_prob(x, condition)

    def generate_by(self, noise, condition=None, choice=SAMPLE, given=None):
        """The small picture from the noise of its own pixels, then group by group."""
        noise = tf.reshape(noise, [-1, *self.shape, *noise.shape[2:]])
        pyramid = [(noise, *(given or ()))]
        for _ in range(self.scales):
            pyramid.append(tuple(part[:, ::2, ::2] for part in pyramid[-1]))
        u, *kept = pyramid[-1]
        x = self.base.generate_by(
            tf.reshape(u, [-1, self.base.places, *u.shape[3:]]), condition, choice, tuple(kept) or None
        )
        for scale in range(self.scales - 1, -1, -1):
            u, *kept = (split(part) for part in pyramid[scale])
            groups = [x]
            for group in range(1, 4):
                h = self.features(scale, group, tf.concat(groups, -1), condition)
                groups.append(self._pick(scale, group, h, u[group], choice, [part[group] for part in kept]))
            x = join(groups)
        return x

    def _pick(self, scale, group, h, u, choice, kept):
        """The pixels of a group, channel by channel."""
        head, drawn, size = self.head(scale, group), tf.zeros([*tf.unstack(tf.shape(h)[:3]), 0]), self.likelihood.size
        for c in range(self.channels):
            p = tf.reshape(head.of(c, h, self.base.scaled(drawn)), [-1, 1, size])
            one = choice.pick(self.likelihood, tf.reshape(u[:, :, :, c], [-1, 1, *u.shape[4:]]), p)
            one = tf.reshape(one, tf.concat([tf.shape(h)[:3], [1]], 0))
            if kept:
                values, known = (part[..., c : c + 1] for part in kept)
                one = tf.where(known, values, one)
            drawn = tf.concat([drawn, one], -1)
        return drawn

    def ranks(self):
        rank = self.base.ranks()[0]
        for _ in range(self.scales):
            later = rank.max() + 1 + np.arange(3 * self.channels, dtype=rank.dtype).reshape(3, 1, 1, self.channels)
            rank = join([part[None] for part in (rank, *np.broadcast_to(later, (3, *rank.shape)))])[0].numpy()
        return [rank]

    def sees(self, row, column):
        found, scale = np.zeros(self.shape[:2], bool), 0
        while scale < self.scales and row % 2 == column % 2 == 0:
            row, column, scale = row // 2, column // 2, scale + 1
        picture = found[:: 2**scale, :: 2**scale]  # the pixels of its scale
        if scale == self.scales:
            picture[:] = self.base.field(row, column)
            return found
        near = tuple(slice(max(0, place // 2 - self.reach), place // 2 + self.reach + 1) for place in (row, column))
        for group in split(picture[None])[: 2 * (row % 2) + column % 2]:
            group[0][near] = True
        return found

    @property
    def passes(self) -> int:
        """Of a net for one picture, those of the small picture's pixels among them."""
        return self.base.places + 3 * self.scales


def split(x):
    """The four groups of [n, height, width, …]: where rows and columns are even, to the right, below, across."""
    return [x[:, r::2, c::2] for r, c in ((0, 0), (0, 1), (1, 0), (1, 1))]


def join(groups):
    """The way back, of maps [n, height, width, channels]."""
    rows = [_between(a, b, 2) for a, b in (groups[:2], groups[2:])]
    return _between(*rows, 1)


def _between(a, b, axis: int):
    shape = tf.unstack(tf.shape(a))
    shape[axis] *= 2
    return tf.reshape(tf.stack([a, b], axis + 1), shape)


def _net(shape, filters: int, layers: int) -> keras.Sequential:
    conv = keras.layers.Conv2D(filters, 3, padding="same")
    return keras.Sequential([keras.Input(shape), conv, *(Residual(filters) for _ in range(layers))])
