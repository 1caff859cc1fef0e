"""Diagonal BiLSTM, a PixelRNN: each layer goes over the picture along its diagonals, from the left and from the right,
and so sees every pixel before the one at hand.

    h = a convolution that does not see its own pixel (mask A), then layers h + W (left(h) + right(h), moved down)
    skewed, a diagonal is a column, computed at once; what comes from the right would see pixels that are still to come,
    and so is shifted down by one row

Van den Oord, Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", 2016, https://arxiv.org/abs/1601.06759,
section 3.2
"""

from tfgen.autoregressive.recurrent import Recurrent
from tfgen.layers import DiagonalBiLSTM as Layer

__all__ = ["DiagonalBiLSTM"]


class DiagonalBiLSTM(Recurrent):
    """A recurrent model of pictures, along diagonals.

    Arguments:
        shape: of a picture.
        condition: seen by every layer.
        likelihood: "bernoulli", "categorical:256" (a softmax for each channel), "logistic_mixture:5".
        units: of each layer in each direction; the residual path has twice as many.
        layers: recurrent ones.
        first: size of the convolution before them, an odd number.
    """

    def make_layer(self, inputs, units):
        return Layer(inputs, units, self.told_size)
