"""A layer of Gated PixelCNN: a vertical stack that sees the rows above, and a horizontal one that sees its own row so
far and the vertical one. Together they see every pixel before theirs: no blind spot.

    y = tanh(W_f * x + V_f c) ⊙ σ(W_g * x + V_g c)                                                               (Eq. 2)

Van den Oord et al., "Conditional image generation with PixelCNN decoders", 2016, https://arxiv.org/abs/1606.05328
"""

import keras
import numpy as np
import tensorflow as tf

from tfgen.layers.raster import Pointwise, RasterConv, told_at, told_of_row

__all__ = ["GatedPixel"]


def gate(x):
    filtered, opened = tf.split(x, 2, -1)
    return tf.tanh(filtered) * tf.sigmoid(opened)


def through_gates() -> keras.initializers.Initializer:
    """Of what goes through a gate, which halves small numbers: of v Glorot's let a thousandth through six layers."""
    return keras.initializers.VarianceScaling(4.0, "fan_in", "uniform")


class GatedPixel(keras.layers.Layer):
    """(v, h) to (v, h), both [n, height, width, ...]: v at a row sees the rows above, h at a pixel those before.

    Arguments:
        inputs: of v and h.
        filters: of what it gives.
        reach: of its kernels, beside and above.
        told: size of what each pixel is told, 0 of nothing.
        first: takes the picture as both v and h; h may not see its own pixel, and v not its own row.
    """

    def __init__(self, inputs: int, filters: int, reach: int, told: int = 0, first: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.reach, self.first, policy = reach, first, self.dtype_policy
        shape = (reach + (not first), 2 * reach + 1, inputs, 2 * filters)
        self.kernel = self.add_weight(shape=shape, initializer=through_gates(), name="vertical")
        self.bias = self.add_weight(shape=(2 * filters,), initializer="zeros", name="vertical_bias")
        self.horizontal = RasterConv(inputs, 2 * filters, 0, reach, not first, through_gates(), dtype=policy)
        self.link = Pointwise(2 * filters, 2 * filters, use_bias=False, dtype=policy)
        self.out = Pointwise(filters, filters, dtype=policy)
        self.told = [Pointwise(told, 2 * filters, use_bias=False, dtype=policy) for _ in range(2 if told else 0)]
        self.built = True

    def call(self, v, h, told=None):
        down = self._vertical(v[:, :-1] if self.first else v, above=self.reach)
        beside = self.horizontal(h)
        if told is not None:
            down, beside = down + self.told[0](told), beside + self.told[1](told)
        y = self.out(gate(beside + self.link(down)))
        return gate(down), y if self.first else y + h

    def _vertical(self, v, above: int):
        v = tf.pad(v, [[0, 0], [above, 0], [self.reach, self.reach], [0, 0]])
        return tf.nn.conv2d(v, tf.cast(self.kernel, v.dtype), 1, "VALID") + tf.cast(self.bias, v.dtype)

    def start(self, n, width: int) -> dict:
        """The rows of v above, what they give for the row at hand, and the pixels of h to the left."""
        rows, _, inputs, units = self.kernel.shape
        above = {"above": tf.zeros([n, self.reach, width, inputs])} if rows > self.reach else {}
        return {**above, "down": tf.zeros([n, width, units]), "beside": self.horizontal.start(n, width)}

    def new_row(self, state: dict, v, place, told=None) -> tuple[tf.Tensor, dict]:
        """v of the row that begins [n, width, inputs] (of the first layer the rows of the picture above it, [n, reach,
        width, inputs]) to the v that it gives and the state."""
        rows = v if self.first else tf.concat([state["above"], v[:, None]], 1)
        down = self._vertical(rows, above=0)[:, 0]
        if told is not None:
            down += self.told[0].call(told_of_row(told, place))
        return gate(down), {**state, **({} if self.first else {"above": rows[:, 1:]}), "down": down}

    def step(self, state: dict, h, place, told=None) -> tuple[tf.Tensor, dict]:
        beside, line = self.horizontal.step(state["beside"], h, place)
        beside += self.link.call(tf.gather(state["down"], place.column, axis=1))
        if told is not None:
            beside += self.told[1].call(told_at(told, place))
        y = self.out.call(gate(beside))
        return y if self.first else y + h, {**state, "beside": line}

    def seen(self, v: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which v and h of its input those of its output see."""
        below, rows = v | h, self.kernel.shape[0]
        above = np.zeros_like(v)
        for r, c in np.argwhere(below):
            last = r - self.first
            above[max(0, last - rows + 1) : last + 1, max(0, c - self.reach) : c + self.reach + 1] = True
        return above, self.horizontal.seen(h)
