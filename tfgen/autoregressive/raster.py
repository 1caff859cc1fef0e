"""The engine of models of pictures: pixels in raster order, the channels of each one after the other.

    p(x) = Π_t Π_c p(x_tc | x_<t, x_t,<c)

A net gives features h_t of the pixels before t; `parts.Channels` makes parameters of them, so that every likelihood
serves every net. A condition of any kind reaches every layer: pictures at their pixels, all else alike everywhere.
"""

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import parts
from tfgen.autoregressive.engine import Cached
from tfgen.layers import Place

__all__ = ["Fields", "Raster", "Stacked"]


class Fields:
    """What predictions see, of a model of pictures that writes `sees(row, column)`."""

    def field(self, row: int, column: int) -> np.ndarray:
        """The receptive field: the pixels that the prediction of this one sees, bools [height, width]."""
        height, width = self.shape[:2]
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(f"field({row}, {column}): rows are 0 … {height - 1}, columns 0 … {width - 1}")
        return self.sees(row, column)

    def before(self, row: int, column: int) -> np.ndarray:
        """Those that are drawn before it, bools [height, width]."""
        rank = self.ranks()[0][..., 0]
        return rank < rank[row, column]

    def field_as_text(self, row: int, column: int) -> str:
        """# seen, o before the pixel and not seen (a blind spot, or too far away), X the pixel."""
        seen = self.field(row, column)
        marks = np.where(seen, "#", np.where(self.before(row, column), "o", "."))
        marks[row, column] = "X"
        return "\n".join("".join(line) for line in marks)


class Raster(Fields, Cached):
    """A system writes `features(x, told)`, [n, height, width, units], and the same a pixel at a time, `begin_net(n)`
    and `step_net(state, before, place, told)`; and `seen(at)`, the pixels that the features at some pixels see.

    Arguments:
        shape: of a picture, [height, width, channels].
        likelihood: "bernoulli", "categorical:256", "logistic_mixture:5" or another.
    """

    def __init__(self, shape, condition, likelihood):
        if len(shape) != 3:
            raise ValueError(f"shape {tuple(shape)}: {type(self).__name__} makes pictures [height, width, channels]")
        super().__init__(shape, condition, likelihood, channels=shape[2])
        self.height, self.width = self.shape[:2]
        self.told_size = conditions.beside_shape(condition, (1, 1, 0))[-1]

    def make_head(self, features: int, hidden: int, scales: int = 0):
        self.head = parts.Channels(features, self.channels, self.likelihood.size, hidden, scales)

    def scaled(self, x):
        """As the net takes it: whole numbers in -1..1."""
        return 2 * x / self.likelihood.top - 1 if self.values == "bytes" else x

    def told(self, condition):
        """What every pixel is told, [n, height or 1, width or 1, told_size]; None of nothing."""
        if self.condition is None:
            return None
        n = tf.shape(tf.nest.flatten(condition)[0])[0]
        size = (self.height, self.width) if _has_picture(self.condition) else (1, 1)
        return conditions.columns(self.condition, condition, tf.zeros([n, *size, 0]))

    def parameters(self, x, condition=None):
        """Of every number given those before it, [n, height, width, channels, size]."""
        x = self.scaled(tf.cast(x, tf.float32))
        return self.head(self.features(x, self.told(condition)), x)

    def log_prob(self, x, condition=None):
        x = tf.cast(x, tf.float32)
        return tf.reduce_sum(self.likelihood.each(x, self.parameters(x, condition)), [1, 2, 3])

    def ordered_parameters(self, x, condition=None):
        return tf.reshape(self.parameters(x, condition), [-1, self.places, self.channels, self.likelihood.size])

    def begin(self, n, condition=None):
        return self.begin_net(n)

    def step(self, state, before, t, condition=None):
        before = tf.where(t > 0, self.scaled(before), 0.0)
        return self.step_net(state, before, Place(t, self.width), self.told(condition))

    def of_channel(self, c, features, before):
        return self.head.of(c, features, self.scaled(before))

    def sees(self, row, column):
        at = np.zeros((self.height, self.width), bool)
        at[row, column] = True
        return self.seen(at)


class Stacked(Raster):
    """A convolution that does not see its own pixel, `first`, and layers, `stack`; all have `start`, `step`, `seen`."""

    def after(self, i: int, h: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """What follows layer i, which made y of h."""
        return y

    def features(self, x, told):
        h = self.first(x)
        for i, layer in enumerate(self.stack):
            h = self.after(i, h, layer(h, told))
        return h

    def begin_net(self, n):
        return [layer.start(n, self.width) for layer in (self.first, *self.stack)]

    def step_net(self, state, before, place, told):
        h, part = self.first.step(state[0], before, place)
        parts = [part]
        for i, layer in enumerate(self.stack):
            y, part = layer.step(state[1 + i], h, place, told)
            h = self.after(i, h, y)
            parts.append(part)
        return h, parts

    def seen(self, at):
        for layer in self.stack[::-1]:
            at = layer.seen(at)
        return self.first.seen(at)


def _has_picture(spec) -> bool:
    each = spec.values() if isinstance(spec, dict) else (spec,)
    return any(isinstance(part, tuple) and len(part) == 3 for part in each)
