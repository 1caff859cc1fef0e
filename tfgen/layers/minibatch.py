"""Minibatch discrimination: a critic that sees how alike the examples of a batch are to each other.

Salimans et al., "Improved techniques for training GANs", 2016, section 3.2, https://arxiv.org/abs/1606.03498
"""

import keras
import tensorflow as tf

__all__ = ["MinibatchDiscrimination"]


@keras.saving.register_keras_serializable("tfgen")
class MinibatchDiscrimination(keras.layers.Layer):
    """Features [n, d] to [n, d + kernels]: beside them, o(x_i)_b = Σ_{j ≠ i} exp(-‖M_ib - M_jb‖₁) with M_i = f(x_i) T
    [kernels, dims].

    (The paper's sum has j = i, too, which adds the constant one.)
    """

    def __init__(self, kernels: int = 32, dims: int = 5, **kwargs):
        super().__init__(**kwargs)
        self.kernels, self.dims = kernels, dims

    def build(self, input_shape):
        self.T = self.add_weight(
            shape=(input_shape[-1], self.kernels * self.dims), initializer="glorot_uniform", name="T"
        )

    def call(self, x):
        M = tf.reshape(tf.matmul(x, tf.cast(self.T, x.dtype)), [-1, self.kernels, self.dims])
        distance = tf.reduce_sum(tf.abs(M[:, None] - M[None]), -1)  # [n, n, kernels]
        return tf.concat([x, tf.reduce_sum(tf.exp(-distance), 1) - 1], -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self):
        return {**super().get_config(), "kernels": self.kernels, "dims": self.dims}
