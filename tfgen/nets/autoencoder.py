"""An auto-encoder of the shape of its examples: the critic of BEGAN and of MMD-GAN."""

import math

import keras

from tfgen.nets.dcgan import halvings
from tfgen.nets.mlp import dense

__all__ = ["autoencoder"]


def autoencoder(
    shape: tuple[int, ...],
    code: int,
    net: str = "mlp",
    *,
    told: int = 0,
    hidden: tuple[int, ...] = (256, 256),
    width: int = 32,
    activation: str = "elu",
    dropout: float = 0.0,
    last: str | None = None,
) -> tuple[keras.Sequential, keras.Sequential]:
    """An encoder [n, *shape] to float32 [n, code] and a decoder back, which takes `told` numbers beside the code.

    net="mlp" has dense layers of `hidden` units, with `dropout` in the encoder, and their mirror image; any other has
    3x3 convolutions, subsampled by strides and doubled by repetition (Berthelot et al. 2017, figure 1).
    """
    if net == "mlp":
        up = [keras.layers.Flatten(), *dense(hidden, activation, dropout=dropout)]
        down = [
            *dense(hidden[::-1], activation),
            keras.layers.Dense(math.prod(shape), last, dtype="float32"),
            keras.layers.Reshape(shape, dtype="float32"),
        ]
    else:
        times = halvings(shape)
        small = (shape[0] >> times, shape[1] >> times)
        conv = lambda filters, strides=1: keras.layers.Conv2D(filters, 3, strides, "same", activation=activation)
        up = [conv(width), *[conv(width * (i + 2), 2) for i in range(times)], keras.layers.Flatten()]
        down = [keras.layers.Dense(small[0] * small[1] * width), keras.layers.Reshape((*small, width))]
        for _ in range(times):
            down += [conv(width), keras.layers.UpSampling2D()]
        down += [conv(width), keras.layers.Conv2D(shape[-1], 3, padding="same", activation=last, dtype="float32")]
    encoder = keras.Sequential([keras.Input(shape), *up, keras.layers.Dense(code, dtype="float32")], name="encoder")
    return encoder, keras.Sequential([keras.Input((code + told,)), *down], name="decoder")
