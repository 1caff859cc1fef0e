"""Weights of models and parts that no gradient moves."""

import keras
import tensorflow as tf

__all__ = ["copies", "move", "number"]


def number(owner: keras.layers.Layer, name: str, value: float, **options) -> keras.Variable:
    """One number, so that a schedule can change it."""
    options = {"dtype": "float32", "aggregation": "only_first_replica", **options}
    constant = keras.initializers.Constant(value)
    return owner.add_weight(shape=(), initializer=constant, trainable=False, name=name, **options)


def copies(owner: keras.layers.Layer, name: str, variables) -> list[keras.Variable]:
    """Weights that begin where these variables are."""
    return [
        owner.add_weight(
            shape=v.shape,
            initializer=lambda shape, dtype, v=v: tf.cast(v.value, dtype),
            trainable=False,
            dtype="float32",
            aggregation="only_first_replica",
            name=f"{name}_{i}",
        )
        for i, v in enumerate(variables)
    ]


def move(copied, variables, keep) -> None:
    """copy = keep · copy + (1 - keep) · variable."""
    for copy, v in zip(copied, variables, strict=True):
        copy.assign(keep * copy.value + (1 - keep) * tf.cast(v.value, tf.float32))
