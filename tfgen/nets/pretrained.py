"""Classifiers of sigmoid layers that begin where a generative model's features are."""

from collections.abc import Sequence

import keras
import numpy as np

__all__ = ["sigmoid_classifier"]


def sigmoid_classifier(
    shape: tuple[int, ...], layers: Sequence[tuple[np.ndarray, np.ndarray]], classes: int, *, scale: float = 1.0
) -> keras.Sequential:
    """[n, *shape] to probabilities [n, classes]: an ordinary Keras model with the weights W [in, out] and biases of
    each layer, and a last one that begins at zero. Inputs are divided by `scale`."""
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten()], name="classifier")
    if scale != 1.0:
        model.add(keras.layers.Rescaling(1 / scale))
    for i, (W, b) in enumerate(layers):
        model.add(keras.layers.Dense(len(b), "sigmoid", name=f"features{i}"))
        model.layers[-1].set_weights([np.asarray(W), np.asarray(b)])
    model.add(keras.layers.Dense(classes, "softmax", kernel_initializer="zeros", name="classes", dtype="float32"))
    return model
