"""Maxout: the largest of several linear functions."""

import keras
import tensorflow as tf

__all__ = ["Maxout"]


@keras.saving.register_keras_serializable("tfgen")
class Maxout(keras.layers.Layer):
    """max_j (x W_j + b_j), [n, inputs] to [n, units], j over `pieces`. W begins within ±0.005, as in the authors' nets:
    from larger weights a critic of packs is slower to see fine structure.

    Goodfellow et al., "Maxout networks", 2013.
    """

    def __init__(self, units: int, pieces: int = 5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces
        self.dense = keras.layers.Dense(
            units * pieces, kernel_initializer=keras.initializers.RandomUniform(-0.005, 0.005), dtype=self.dtype_policy
        )

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x):
        return tf.reduce_max(tf.reshape(self.dense(x), [-1, self.units, self.pieces]), -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "pieces": self.pieces}
