"""PixelCNN: masked convolutions, so that the features of a pixel see only those before it. Stacked masks leave a blind
spot: some of the pixels to the right above are never seen (`field_as_text` draws it).

    h = a convolution that does not see its own pixel (mask A), then residual blocks that do (mask B)
    p(x_t | x_<t) from h_t by two layers of 1x1

Van den Oord, Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", 2016, https://arxiv.org/abs/1601.06759,
section 3.3
"""

from tfgen.autoregressive.raster import Stacked
from tfgen.checks import at_least, odd
from tfgen.layers import RasterBlock, RasterConv

__all__ = ["PixelCNN"]


class PixelCNN(Stacked):
    """A fully convolutional model of pictures.

    Arguments:
        shape: of a picture.
        condition: seen by every block.
        likelihood: "bernoulli", "categorical:256" (a softmax for each channel), "logistic_mixture:5".
        filters: of the convolutions; the residual path has twice as many.
        layers: residual blocks.
        first, kernel: sizes of the first and the other convolutions, odd numbers.

    Example:
        >>> model = PixelCNN((5, 8, 1), filters=8, layers=2, first=3)
        >>> print(model.field_as_text(4, 4))
        oooooooo
        o#######
        o######o
        o#####oo
        o###X...
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        likelihood: str = "bernoulli",
        filters: int = 32,
        layers: int = 7,
        first: int = 7,
        kernel: int = 3,
    ):
        at_least(1, filters=filters, layers=layers)
        odd(3, first=first, kernel=kernel)
        super().__init__(shape, condition, likelihood)
        self.first = RasterConv(self.channels, 2 * filters, first // 2, first // 2, itself=False)
        self.stack = [RasterBlock(filters, kernel // 2, self.told_size) for _ in range(layers)]
        self.make_head(2 * filters, filters)
