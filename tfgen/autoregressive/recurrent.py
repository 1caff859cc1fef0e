"""The engine of PixelRNNs: a masked convolution, recurrent layers with residual connections (figure 5 of van den Oord,
Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", 2016), and the head of `Raster`."""

from tfgen.autoregressive.raster import Stacked
from tfgen.checks import at_least, odd
from tfgen.layers import Pointwise, RasterConv

__all__ = ["Recurrent"]


class Recurrent(Stacked):
    """A system says what a layer is: `make_layer(inputs, units)`, with `start`, `step` and `seen`."""

    def __init__(
        self,
        shape,
        *,
        condition=None,
        likelihood: str = "bernoulli",
        units: int = 32,
        layers: int = 2,
        first: int = 7,
    ):
        at_least(1, units=units, layers=layers)
        odd(3, first=first)
        super().__init__(shape, condition, likelihood)
        self.first = RasterConv(self.channels, 2 * units, first // 2, first // 2, itself=False)
        self.stack = [self.make_layer(2 * units, units) for _ in range(layers)]
        self.up = [Pointwise(units, 2 * units) for _ in range(layers)]
        self.make_head(2 * units, units)

    def after(self, i, h, y):
        return h + self.up[i].call(y)
