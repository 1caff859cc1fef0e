"""Layers over the pixels of a picture in raster order: row by row, from left to right. What a layer gives at pixel t
sees pixels up to t.

Beside `call` each knows `start(n, width)`, its state before the first pixel, and `step(state, x, place) -> y, state`,
which makes the same numbers one pixel at a time; and `seen(at)`, the pixels that the pixels `at` [height, width] see.
"""

import itertools
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

__all__ = ["Place", "Pointwise", "RasterBlock", "RasterConv", "told_at", "told_of_row"]


class Place(NamedTuple):
    """Which pixel: its number t (a scalar tensor) in a picture of this width."""

    t: tf.Tensor
    width: int

    @property
    def row(self):
        return self.t // self.width

    @property
    def column(self):
        return self.t % self.width


def told_at(told: tf.Tensor | None, place: Place):
    """Of what every pixel is told, [n, height or 1, width or 1, size], what this one is: [n, size]."""
    if told is None:
        return None
    row = told_of_row(told, place)
    return row[:, 0] if row.shape[1] == 1 else tf.gather(row, place.column, axis=1)


def told_of_row(told: tf.Tensor | None, place: Place):
    """[n, width or 1, size]."""
    if told is None:
        return None
    return told[:, 0] if told.shape[1] == 1 else tf.gather(told, place.row, axis=1)


class Pointwise(keras.layers.Layer):
    """x W + b, alike at every pixel."""

    def __init__(self, inputs: int, units: int, use_bias: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.kernel = self.add_weight(shape=(inputs, units), name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias") if use_bias else None
        self.built = True

    def call(self, x):
        y = tf.tensordot(x, tf.cast(self.kernel, x.dtype), 1)
        return y if self.bias is None else y + tf.cast(self.bias, x.dtype)


class RasterConv(keras.layers.Layer):
    """A convolution that sees the pixels before its own, at most `rows` above and `reach` columns beside, and its own
    where `itself` (van den Oord et al.'s masks B and A). What a mask would hide has no weights.

    Where it does not see its own pixel, `step` takes the one before.
    """

    def __init__(
        self, inputs: int, filters: int, rows: int, reach: int, itself: bool = True, begin="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        self.rows, self.reach, self.itself = rows, reach, itself
        above = itertools.product(range(rows, 0, -1), range(-reach, reach + 1))
        self.taps = [*above, *((0, dc) for dc in range(-reach, int(itself)))]  # rows above, columns to the right
        self.kernel = self.add_weight(shape=(len(self.taps), inputs, filters), initializer=begin, name="kernel")
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x):
        right = self.reach if self.rows else 0
        shape = (self.rows + 1, self.reach + 1 + right, *self.kernel.shape[1:])
        kernel = tf.pad(tf.cast(self.kernel, x.dtype), [[0, shape[0] * shape[1] - len(self.taps)], [0, 0], [0, 0]])
        x = tf.pad(x, [[0, 0], [self.rows, 0], [self.reach, right], [0, 0]])
        return tf.nn.conv2d(x, tf.reshape(kernel, shape), 1, "VALID") + tf.cast(self.bias, x.dtype)

    def start(self, n, width: int) -> tf.Tensor:
        """The last inputs that a later pixel sees, [n, count, inputs]; one at least: TF-Lite has no empty tensors."""
        count = self.rows * width + self.reach - (not self.itself)
        return tf.zeros([n, max(1, count), self.kernel.shape[1]])

    def step(self, line: tf.Tensor, x: tf.Tensor, place: Place) -> tf.Tensor:
        line = tf.concat([line, x[:, None]], 1)
        last = line.shape[1] - self.itself
        where = np.clip([last - dr * place.width + dc for dr, dc in self.taps], 0, line.shape[1] - 1)
        columns = place.column + np.array([dc for _, dc in self.taps], np.int32)
        inside = tf.cast((columns >= 0) & (columns < place.width), line.dtype)
        seen = tf.reshape(tf.gather(line, where, axis=1) * inside[:, None], [-1, len(where) * line.shape[2]])
        kernel = tf.reshape(tf.cast(self.kernel, line.dtype), [seen.shape[1], -1])
        return seen @ kernel + tf.cast(self.bias, line.dtype), line[:, 1:]

    def seen(self, at: np.ndarray) -> np.ndarray:
        found, width = np.zeros_like(at), at.shape[1]
        for r, c in np.argwhere(at):
            for dr, dc in self.taps:
                if r >= dr and 0 <= c + dc < width:
                    found[r - dr, c + dc] = True
        return found


class RasterBlock(keras.layers.Layer):
    """PixelCNN's residual block (van den Oord et al. 2016, figure 5): ReLU and 1x1 to half the features, ReLU and
    convolution, ReLU and 1x1 back."""

    def __init__(self, filters: int, reach: int, told: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.inner = Pointwise(2 * filters, filters, dtype=self.dtype_policy)
        self.conv = RasterConv(filters, filters, reach, reach, dtype=self.dtype_policy)
        self.outer = Pointwise(filters, 2 * filters, dtype=self.dtype_policy)
        self.told = Pointwise(told, filters, use_bias=False, dtype=self.dtype_policy) if told else None
        self.built = True

    def call(self, x, told=None):
        y = self.conv(tf.nn.relu(self.inner(tf.nn.relu(x))))
        y = y if told is None else y + self.told(told)
        return x + self.outer(tf.nn.relu(y))

    def start(self, n, width):
        return self.conv.start(n, width)

    def step(self, line, x, place, told=None):
        y, line = self.conv.step(line, tf.nn.relu(self.inner.call(tf.nn.relu(x))), place)
        y = y if told is None else y + self.told.call(told_at(told, place))
        return x + self.outer.call(tf.nn.relu(y)), line

    def seen(self, at):
        return self.conv.seen(at)
