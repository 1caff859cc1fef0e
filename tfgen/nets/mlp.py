"""Fully connected nets."""

import keras

from tfgen.checks import nearest
from tfgen.layers import CReLU, Dropout, GaussianNoise, Maxout
from tfgen.layers.norms import KERNELS, norms, wrapped

__all__ = ["dense", "mlp"]

ACTIVATIONS = (
    "maxout",
    "crelu",
    *(
        name
        for name, f in vars(keras.activations).items()
        if callable(f) and name not in ("deserialize", "get", "serialize")
    ),
)


def mlp(
    inputs: int, hidden: tuple[int, ...], outputs: int, activation: str = "relu", *, last: str | None = None, name: str
) -> keras.Sequential:
    """[n, inputs] to float32 [n, outputs], through dense layers of `hidden` units; `last` is the activation of the
    output."""
    return keras.Sequential(
        [keras.Input((inputs,)), *dense(hidden, activation), keras.layers.Dense(outputs, last, dtype="float32")],
        name=name,
    )


def dense(
    hidden: tuple[int, ...], activation: str = "relu", *, norm: str = "none", dropout: float = 0.0, noise: float = 0.0
) -> list[keras.layers.Layer]:
    """The hidden layers; "maxout" is an activation of five pieces, "crelu" gives two numbers for each unit."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"there is no activation {activation!r}: take one of {nearest(activation, ACTIVATIONS)}")
    if activation == "maxout" and norm in KERNELS:
        raise ValueError(f"activation='maxout' has no {norm} normalisation: take another, such as leaky_relu")
    layers = []
    for units in hidden:
        if activation == "maxout":
            layers += [Maxout(units), *norms(norm)]
        elif activation == "crelu":
            layers += [wrapped(keras.layers.Dense(units), norm), *norms(norm), CReLU()]
        elif norms(norm):
            layers += [keras.layers.Dense(units, use_bias=False), *norms(norm), keras.layers.Activation(activation)]
        else:
            layers.append(wrapped(keras.layers.Dense(units, activation), norm))
        layers += [Dropout(dropout)] if dropout else []
        layers += [GaussianNoise(noise)] if noise else []
    return layers
