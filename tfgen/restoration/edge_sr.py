"""Super-resolution for phones: a few plain convolutions whose output is laid out as pixels.

    y = min(relu(nearest(x) + shuffle(c_L(… relu(c_1(x))))), 1)
    absolute  E |e|,  e = original - y before clipping
    luma      20 (E l(e)² + E e² / 10),  l(e) = (65.481 e_R + 128.553 e_G + 24.966 e_B) / 255, what PSNR is measured on
    A moving average of the weights upscales.

Ours, 2026. The plan of nets is that of Du, Liu, Tang, Wu, "Anchor-based plain net for mobile image super-resolution",
2021, https://arxiv.org/abs/2105.09750; laid out as pixels: Shi et al. 2016, https://arxiv.org/abs/1609.05158
"""

import functools

import keras
import tensorflow as tf

from tfgen.checks import at_least, one_of
from tfgen.metrics.image import luma
from tfgen.nets.edge import Edge
from tfgen.restoration.upscaler import Upscaler

__all__ = ["EdgeSR"]

LOSSES = ("absolute", "luma")


class EdgeSR(Upscaler):
    """Six 3x3 convolutions of 32 filters by default.

    Arguments:
        shape: of the crops to train on, (height, width, 1 or 3), multiples of the scale; it upscales any size.
        scale, width, depth, fold: of the net, `tfgen.nets.edge.Edge`.
        loss: "absolute", or "luma": to begin with, and to end with.
        average: decay of the moving average of the weights, which upscales; 0 for none.
        learning_rate: of Adam.
    """

    def __init__(
        self,
        shape,
        *,
        scale: int = 4,
        width: int = 32,
        depth: int = 4,
        fold: int = 1,
        loss: str = "absolute",
        average: float = 0.999,
        learning_rate: float = 1e-3,
    ):
        at_least(1, width=width, depth=depth, fold=fold)
        net = Edge(shape[-1], scale, width, depth, fold)
        adam = functools.partial(keras.optimizers.Adam, learning_rate, beta_2=0.99)
        super().__init__(shape, net, scale=scale, average=average, optimizer=adam)
        one_of(f"loss={loss!r}", loss, LOSSES)
        self.error = loss

    @property
    def margin(self) -> int:
        return self.reach

    def distance(self, x, restored):
        if self.error == "absolute":
            return super().distance(x, restored)
        bright = tf.reduce_mean((luma(x) - luma(restored)) ** 2, [1, 2])
        return 20 * (bright + tf.reduce_mean((x - restored) ** 2, [1, 2, 3]) / 10)
