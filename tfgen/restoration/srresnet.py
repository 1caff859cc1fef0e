"""SRResNet: sixteen residual blocks at the resolution of the input, then sub-pixel convolutions.

    minimise  (1 / s²WH) Σ (x - G(x_small))²                                                                     (Eq. 4)

Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", 2016,
https://arxiv.org/abs/1609.04802
"""

import functools

import keras
import tensorflow as tf

from tfgen.checks import at_least
from tfgen.nets.srresnet import srresnet, srresnet_reach
from tfgen.restoration.upscaler import Upscaler

__all__ = ["SRResNet"]


class SRResNet(Upscaler):
    """The net that minimises the mean squared error.

    Arguments:
        shape: of the crops to train on, (height, width, 1 or 3), multiples of the scale; it upscales any size.
        scale, width, blocks, outer, norm: of the net, `tfgen.nets.srresnet.srresnet`.
        average: decay of a moving average of the weights, which upscales; 0, the paper's, for none.
        learning_rate: of Adam.
    """

    def __init__(
        self,
        shape,
        *,
        scale: int = 4,
        width: int = 64,
        blocks: int = 16,
        outer: int = 9,
        norm: bool = True,
        average: float = 0.0,
        learning_rate: float = 1e-4,
    ):
        at_least(1, width=width, blocks=blocks, outer=outer)
        adam = functools.partial(keras.optimizers.Adam, learning_rate)
        net = srresnet(shape[-1], scale, width, blocks, outer=outer, norm=norm)
        super().__init__(shape, net, scale=scale, average=average, optimizer=adam)
        self._reach = srresnet_reach(scale, blocks, outer)

    @property
    def reach(self) -> int:
        return self._reach

    def distance(self, x, restored):
        return tf.reduce_mean((x - restored) ** 2, [1, 2, 3])
