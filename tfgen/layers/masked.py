"""Layers whose weights are multiplied by a mask, so that an output sees only some of the inputs."""

import keras
import tensorflow as tf

__all__ = ["MaskedDense"]


class MaskedDense(keras.layers.Layer):
    """x (M ∘ W) + b for a mask M [inputs, units]: one layer serves many masks, `layer(x, layer.masked(mask))`."""

    def __init__(self, inputs: int, units: int, use_bias: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.kernel = self.add_weight(shape=(inputs, units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias") if use_bias else None
        self.built = True

    def masked(self, mask) -> tf.Tensor:
        """M ∘ W, for many calls."""
        return tf.cast(mask, self.compute_dtype) * tf.cast(self.kernel.value, self.compute_dtype)

    def call(self, x, masked):
        y = tf.matmul(x, masked)
        return y if self.bias is None else y + tf.cast(self.bias, self.compute_dtype)
