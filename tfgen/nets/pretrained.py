"""Classifiers of sigmoid layers that begin where a generative model's features are."""

from collections.abc import Sequence

import keras
import numpy as np

__all__ = ["sigmoid_classifier"]


def sigmoid_classifier(
    shape: tuple[int, ...], layers: Sequence[tuple[np.ndarray, np.ndarray] | int], classes: int, *, scale: float = 1.0
) -> keras.Sequential:
    """[n, *shape] to probabilities [n, classes]: an ordinary Keras model with the weights W [in, out] and biases of
    each layer (or random ones, where only a number of units is given), and a last one that begins at zero. Inputs are
    divided by `scale`."""
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten()], name="classifier")
    if scale != 1.0:
        model.add(keras.layers.Rescaling(1 / scale))
    for i, given in enumerate(layers):
        units = given if isinstance(given, int) else len(given[1])
        model.add(keras.layers.Dense(units, "sigmoid", name=f"features{i}"))
        if not isinstance(given, int):
            model.layers[-1].set_weights([np.asarray(part) for part in given])
    model.add(keras.layers.Dense(classes, "softmax", kernel_initializer="zeros", name="classes", dtype="float32"))
    return model
