"""The engine of PixelRNNs: a masked convolution, recurrent layers with residual connections (figure 5 of van den Oord,
Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks", 2016), and the head of `Raster`."""

from tfgen.autoregressive.raster import Raster
from tfgen.checks import at_least, odd
from tfgen.layers import Pointwise, RasterConv

__all__ = ["Recurrent"]


class Recurrent(Raster):
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
        self.recurrent = [self.make_layer(2 * units, units) for _ in range(layers)]
        self.up = [Pointwise(units, 2 * units) for _ in range(layers)]
        self.make_head(2 * units, units)

    def features(self, x, told):
        h = self.first(x)
        for layer, up in zip(self.recurrent, self.up, strict=True):
            h = h + up(layer(h, told))
        return h

    def begin_net(self, n):
        return [layer.start(n, self.width) for layer in (self.first, *self.recurrent)]

    def step_net(self, state, before, place, told):
        h, part = self.first.step(state[0], before, place)
        after = [part]
        for layer, up, part in zip(self.recurrent, self.up, state[1:], strict=True):
            y, part = layer.step(part, h, place, told)
            h = h + up.call(y)
            after.append(part)
        return h, after

    def seen(self, at):
        for layer in self.recurrent[::-1]:
            at = at | layer.seen(at)
        return self.first.seen(at)
