"""Layers whose weights are multiplied by a mask, so that an output sees only some of the inputs."""

import keras
import tensorflow as tf

__all__ = ["MaskedDense"]


class MaskedDense(keras.layers.Layer):
    """x (M ∘ W) + b, the mask M [inputs, units] given at each call: one layer serves many masks."""

    def __init__(self, inputs: int, units: int, use_bias: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.kernel = self.add_weight(shape=(inputs, units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias") if use_bias else None
        self.built = True

    def call(self, x, mask):
        kernel = tf.cast(self.kernel, self.compute_dtype)
        y = tf.matmul(x, tf.cast(mask, self.compute_dtype) * kernel)
        return y if self.bias is None else y + tf.cast(self.bias, self.compute_dtype)
