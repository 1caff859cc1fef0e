"""The network of `edge_se`: from spectra of 257 bins, hop by hop, to a complex mask and to how likely there is speech.

Groups of 4 bins make 64 places of `channels` features, two 1x3 convolutions look at neighbours, a projection that
starts as an ERB filter bank leaves `bands`; blocks of [a GRU over time, shared by the bands; a mixing over the bands]
follow, and the way back has skips. Nothing looks ahead in time.
"""

import keras
import numpy as np
import tensorflow as tf

from tfgen.layers.gru import BandGRU
from tfgen.layers.recursion import leaky_sum

__all__ = ["EdgeNet", "running_level"]

BINS, GROUP = 256, 4  # the highest bin, 8 kHz, is left out
PLACES = BINS // GROUP
FORGET = float(np.exp(-1 / 125))  # of the level, each hop: two seconds
FLOOR = 1e-8  # of a bin's power: at full scale a bin has some 256 · x²


class EdgeNet(keras.layers.Layer):
    """Spectra, real and imaginary [n, hops, 257] each, to a mask (two planes of the same shape) and the logit of speech
    [n, hops].

    The mask multiplies: its size is the square of what the last layer gives, which begins at one. The spectra are
    divided by a running level, so that the mask is the same however loud the sound is.

    Arguments:
        channels: of the convolutions.
        units: of the GRUs.
        bands: that the GRUs are shared over.
        blocks: of GRU and mixing.
        convolutions: 1x3, on the way in and again on the way out.
    """

    def __init__(self, channels: int, units: int, bands: int, blocks: int, convolutions: int, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.channels, self.units, self.bands = channels, units, bands
        norm = lambda name: keras.layers.BatchNormalization(
            momentum=0.99, epsilon=1e-5, synchronized=True, dtype="float32", name=name
        )
        dense = lambda shape, gain=2.0, name="": self.add_weight(
            shape=shape,
            initializer=keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal"),
            name=name,
        )
        self.into = dense((3 * GROUP, channels), name="into")
        self.into_norm = norm("into_norm")
        self.convolutions = [
            (dense((1, 3, channels, channels), name=f"in{i}"), norm(f"in{i}_norm")) for i in range(convolutions)
        ]
        down, up = erb(bands)
        self.down = self.add_weight(shape=down.shape, initializer=keras.initializers.Constant(0), name="down")
        self.up = self.add_weight(shape=up.shape, initializer=keras.initializers.Constant(0), name="up")
        self.down.assign(down), self.up.assign(up)
        self.narrow, self.narrow_norm = dense((channels, units), 1.0, "narrow"), norm("narrow_norm")
        self.place = self.add_weight(shape=(bands, units), initializer="zeros", name="place")
        self.blocks = [Block(bands, units, norm, name=f"block{i}") for i in range(blocks)]
        self.voice = self.add_weight(shape=(bands, units), initializer="zeros", name="voice")
        self.voice_bias = self.add_weight(shape=(), initializer="zeros", name="voice_bias")
        self.widen, self.widen_norm = dense((units, channels), 1.0, "widen"), norm("widen_norm")
        self.back = [
            (
                dense((2 * channels, channels), name=f"skip{i}"),
                norm(f"skip{i}_norm"),
                dense((1, 3, channels, channels), name=f"out{i}"),
                norm(f"out{i}_norm"),
            )
            for i in range(convolutions)
        ]
        self.join, self.join_norm = dense((2 * channels, channels), name="join"), norm("join_norm")
        self.mask = dense((1, 3, channels, 2 * GROUP), 0.01, "mask")
        self.mask_bias = self.add_weight(shape=(2 * GROUP,), initializer="zeros", name="mask_bias")
        self.mask_bias.assign(np.repeat([1.0, 0.0], GROUP))
        for layer, width in [
            (self.into_norm, channels),
            (self.narrow_norm, units),
            (self.widen_norm, channels),
            (self.join_norm, channels),
            *((n, channels) for _, n in self.convolutions),
            *((n, channels) for _, a, _, b in self.back for n in (a, b)),
        ]:
            layer.build((None, None, None, width))
        self.built = True

    def call(self, real, imaginary, training=False):
        relu = tf.nn.relu
        y = relu(self.into_norm(features(real, imaginary) @ self.into, training=training))
        skips = [y]
        for kernel, norm in self.convolutions:
            y = relu(norm(beside(y, kernel), training=training))
            skips.append(y)
        y = tf.einsum("ntpc,pb->ntbc", y, self.down)
        y = self.narrow_norm(y @ self.narrow, training=training) + self.place
        for block in self.blocks:
            y = block(y, training=training)
        voice = tf.reduce_sum(y * self.voice, [-2, -1]) + self.voice_bias
        y = self.widen_norm(tf.einsum("ntbu,bp->ntpu", y, self.up) @ self.widen, training=training)
        for skip, skip_norm, kernel, norm in self.back:
            y = relu(skip_norm(tf.concat([y, skips.pop()], -1) @ skip, training=training))
            y = relu(norm(beside(y, kernel), training=training))
        y = relu(self.join_norm(tf.concat([y, skips.pop()], -1) @ self.join, training=training))
        m = beside(y, self.mask) + self.mask_bias
        size = tf.shape(m)[:2]
        a, b = (tf.reshape(part, [size[0], size[1], BINS]) for part in tf.split(m, 2, -1))
        root = tf.sqrt(a * a + b * b + 1e-12)
        highest = [[0, 0], [0, 0], [0, 1]]
        return tf.pad(a * root, highest), tf.pad(b * root, highest), voice


class Block(keras.layers.Layer):
    """A GRU over time for every band with the same weights, then a mixing over the bands; each is added to what came.

    [n, hops, bands, units] to the same.
    """

    def __init__(self, bands: int, units: int, norm, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        dense = lambda gain, name: self.add_weight(
            shape=(units, units),
            initializer=keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal"),
            name=name,
        )
        self.gru = BandGRU(units, name="gru")
        self.leave, self.leave_norm = dense(1.0, "leave"), norm("leave_norm")
        self.enter, self.enter_norm = dense(2.0, "enter"), norm("enter_norm")
        self.mix = self.add_weight(
            shape=(bands, bands),
            initializer=keras.initializers.VarianceScaling(0.25, "fan_in", "untruncated_normal"),
            name="mix",
        )
        self.mix.assign_add(0.5 * np.eye(bands))
        self.end, self.end_norm = dense(1.0, "end"), norm("end_norm")
        for layer in (self.leave_norm, self.enter_norm, self.end_norm):
            layer.build((None, None, None, units))
        self.built = True

    def call(self, y, training=False):
        y = y + self.leave_norm(self.gru(y) @ self.leave, training=training)
        o = tf.nn.relu(self.enter_norm(y @ self.enter, training=training))
        o = tf.einsum("ntbu,bc->ntcu", o, self.mix) @ self.end
        return y + self.end_norm(o, training=training)


def features(real, imaginary):
    """Spectra [n, hops, 257] as [n, hops, 64, 12]: both parts with the size |X|^¼, and |X|^¼, by fours of bins."""
    real, imaginary = real[..., :BINS], imaginary[..., :BINS]
    power = real * real + imaginary * imaginary
    level = running_level(tf.reduce_mean(power, -1))[..., None]
    power = power / level + FLOOR
    quarter = tf.sqrt(tf.sqrt(tf.sqrt(power)))
    scale = tf.math.rsqrt(level) / (quarter * quarter * quarter)
    size = tf.shape(real)
    planes = [
        tf.reshape(plane, [size[0], size[1], PLACES, GROUP]) for plane in (real * scale, imaginary * scale, quarter)
    ]
    return tf.concat(planes, -1)


def running_level(power):
    """The weighted mean of the powers [n, hops] so far, with a memory of two seconds, and a floor:
    s_t = a s_{t-1} + (1 - a) p_t, divided by 1 - a^(t+1)."""
    hops = tf.range(1, tf.shape(power)[1] + 1, dtype=tf.float32)
    return leaky_sum((1 - FORGET) * power, FORGET) / (1 - tf.pow(FORGET, hops)) + FLOOR


def beside(y, kernel):
    """A convolution over each place and both of its neighbours; beyond the ends are zeros."""
    return tf.nn.conv2d(y, kernel, 1, [[0, 0], [0, 0], [1, 1], [0, 0]])


def erb(bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles on the scale of equivalent rectangular bandwidths, [64, bands] to narrow and [bands, 64] to widen."""
    scale = lambda hertz: 21.4 * np.log10(1 + 0.00437 * hertz)
    centres = np.linspace(scale(0), scale(8000), bands + 2)[1:-1]
    places = scale((np.arange(PLACES) + 0.5) * 8000 / PLACES)
    weights = np.maximum(0, 1 - np.abs(places[:, None] - centres) / (centres[1] - centres[0]))
    weights[weights.sum(1) == 0, 0] = 1
    down = weights / np.maximum(weights.sum(0), 1e-3)
    down[:, weights.sum(0) < 0.2] += 1e-2
    return down.astype("float32"), (weights / weights.sum(1, keepdims=True)).T.astype("float32")
