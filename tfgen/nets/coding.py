"""The two nets of a variational model: from examples to what says z, and from z to what says examples."""

import math

import keras

from tfgen.checks import one_of
from tfgen.nets.dcgan import painter, reader
from tfgen.nets.mlp import dense

__all__ = ["CODERS", "decoder_net", "encoder_net"]

CODERS = ("mlp", "conv")


def encoder_net(
    seen: tuple[int, ...],
    outputs: int,
    net: str = "mlp",
    *,
    hidden: tuple[int, ...] = (200, 200),
    width: int = 32,
    activation: str = "tanh",
) -> keras.Sequential:
    """[n, *seen] to float32 [n, outputs]: dense layers of `hidden` units, or strided convolutions that begin with
    `width` filters."""
    one_of(f"net={net!r}", net, CODERS)
    layers = dense(hidden, activation) if net == "mlp" else [*reader(seen, width, norm="none"), keras.layers.Flatten()]
    return keras.Sequential([keras.Input(seen), *layers, keras.layers.Dense(outputs, dtype="float32")], name="encoder")


def decoder_net(
    inputs: int,
    shape: tuple[int, ...],
    size: int,
    net: str = "mlp",
    *,
    hidden: tuple[int, ...] = (200, 200),
    width: int = 32,
    activation: str = "tanh",
) -> keras.Sequential:
    """[n, inputs] to float32 [n, numbers of x · size], the `size` parameters of a number side by side."""
    one_of(f"net={net!r}", net, CODERS)
    if net == "mlp":
        layers = [*dense(hidden, activation), keras.layers.Dense(math.prod(shape) * size, dtype="float32")]
    else:
        maps = (*shape[:2], *(depth * size for depth in shape[2:]))
        layers = [*painter(maps, width, norm="none"), keras.layers.Flatten(dtype="float32")]
    return keras.Sequential([keras.Input((inputs,)), *layers], name="decoder")
