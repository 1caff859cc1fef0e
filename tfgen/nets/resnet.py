"""Residual nets for generators and critics of pictures.

Gulrajani et al., "Improved training of Wasserstein GANs", 2017, appendix F, https://arxiv.org/abs/1704.00028
"""

import keras

from tfgen.layers import Residual
from tfgen.layers.norms import norms, wrapped
from tfgen.nets.dcgan import halvings

__all__ = ["residual_painter", "residual_reader"]


def residual_painter(shape: tuple[int, ...], width: int = 64, *, norm: str = "batch") -> list[keras.layers.Layer]:
    """The layers of a generator from [n, any] to maps [n, *shape] before the last activation, `width` filters
    everywhere."""
    times = halvings(shape)
    small = (shape[0] >> times, shape[1] >> times)
    return [
        keras.layers.Dense(small[0] * small[1] * width),
        keras.layers.Reshape((*small, width)),
        *[Residual(width, "up", norm) for _ in range(times)],
        *norms(norm),
        keras.layers.ReLU(),
        keras.layers.Conv2D(shape[-1], 3, padding="same", dtype="float32"),
    ]


def residual_reader(shape: tuple[int, ...], width: int = 64, *, norm: str = "none") -> list[keras.layers.Layer]:
    """The layers of a critic from [n, *shape] to [n, width]: it halves as often as the generator doubles, then takes
    the mean over places."""
    return [
        wrapped(keras.layers.Conv2D(width, 3, padding="same"), norm),
        *[Residual(width, "down", norm) for _ in range(halvings(shape))],
        Residual(width, None, norm),
        keras.layers.ReLU(),
        keras.layers.GlobalAveragePooling2D(),
    ]
