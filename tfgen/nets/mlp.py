"""Fully connected nets."""

import keras

__all__ = ["mlp"]


def mlp(inputs: int, hidden: tuple[int, ...], outputs: int, activation: str = "relu", *, last: str | None = None, name: str) -> keras.Sequential:
    """[n, inputs] to float32 [n, outputs], through dense layers of `hidden` units; `last` is the activation of the output."""
    layers = [keras.layers.Dense(units, activation) for units in hidden]
    return keras.Sequential([keras.Input((inputs,)), *layers, keras.layers.Dense(outputs, last, dtype="float32")], name=name)
