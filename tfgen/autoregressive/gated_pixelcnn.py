"""Gated PixelCNN: a vertical stack that sees the rows above and a horizontal one that sees the row so far, with gated
units: PixelCNN without its blind spot, and as good as PixelRNN. Conditional on classes, vectors or pictures.

    y = tanh(W_f * x + V_f c) ⊙ σ(W_g * x + V_g c)   in either stack, V c alike at every pixel or a map   (Eq. 2 to 4)

Van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves, Kavukcuoglu, "Conditional image generation with PixelCNN
decoders", 2016, https://arxiv.org/abs/1606.05328
"""

import tensorflow as tf

from tfgen.autoregressive.raster import Raster
from tfgen.checks import at_least, odd
from tfgen.layers import GatedPixel

__all__ = ["GatedPixelCNN"]


class GatedPixelCNN(Raster):
    """A fully convolutional model of pictures that sees every pixel before the one at hand.

    Arguments:
        shape: of a picture.
        condition: a number of classes, the shape of a vector or a picture, or a dict of these; seen by every layer.
        likelihood: "bernoulli", "categorical:256" (a softmax for each channel), "logistic_mixture:5".
        filters: of each stack.
        layers: how many, the first among them.
        first, kernel: sizes of the first and the other convolutions, odd numbers: wide ones see whole shapes, and learn
            faster for it.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        likelihood: str = "bernoulli",
        filters: int = 32,
        layers: int = 6,
        first: int = 7,
        kernel: int = 7,
    ):
        at_least(1, filters=filters, layers=layers)
        odd(3, first=first, kernel=kernel)
        super().__init__(shape, condition, likelihood)
        self.stack = [GatedPixel(self.channels, filters, first // 2, self.told_size, first=True)]
        self.stack += [GatedPixel(filters, filters, kernel // 2, self.told_size) for _ in range(layers - 1)]
        self.make_head(filters, filters)

    def features(self, x, told):
        v = h = x
        for layer in self.stack:
            v, h = layer(v, h, told)
        return h

    def begin_net(self, n):
        picture = tf.zeros([n, self.stack[0].reach * self.width, self.channels])
        return {"layers": [layer.start(n, self.width) for layer in self.stack], "picture": picture}

    def step_net(self, state, before, place, told):
        picture = tf.concat([state["picture"], before[:, None]], 1)[:, 1:]
        new_row = lambda: self._new_row(state["layers"], picture, place, told)
        h, after = before, []
        for layer, part in zip(self.stack, tf.cond(place.column == 0, new_row, lambda: state["layers"]), strict=True):
            h, part = layer.step(part, h, place, told)
            after.append(part)
        return h, {"layers": after, "picture": picture}

    def _new_row(self, states, picture, place, told):
        """The vertical stack sees whole rows: it is computed where one begins."""
        v, after = tf.reshape(picture, [-1, self.stack[0].reach, self.width, self.channels]), []
        for layer, state in zip(self.stack, states, strict=True):
            v, state = layer.new_row(state, v, place, told)
            after.append(state)
        return after

    def seen(self, at):
        v, h = at & False, at
        for layer in self.stack[::-1]:
            v, h = layer.seen(v, h)
        return v | h
