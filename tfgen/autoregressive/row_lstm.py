"""Row LSTM, a PixelRNN: each layer goes down the picture, all of a row at once; a state sees the three states above it,
so that a pixel sees a triangle of those before it.

    h = a convolution that does not see its own pixel (mask A), then layers h + W RowLSTM(h)

Van den Oord, Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", 2016, https://arxiv.org/abs/1601.06759,
section 3.1
"""

from tfgen.autoregressive.recurrent import Recurrent
from tfgen.layers import RowLSTM as Layer

__all__ = ["RowLSTM"]


class RowLSTM(Recurrent):
    """A recurrent model of pictures, row by row.

    Arguments:
        shape: of a picture.
        condition: seen by every layer.
        likelihood: "bernoulli", "categorical:256" (a softmax for each channel), "logistic_mixture:5".
        units: of each layer; the residual path has twice as many.
        layers: recurrent ones.
        first: size of the convolution before them, an odd number.
    """

    def make_layer(self, inputs, units):
        return Layer(inputs, units, self.told_size)
