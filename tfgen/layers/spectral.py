"""Spectral normalisation: a layer whose matrix has a largest singular value of one.

Miyato et al., "Spectral normalization for generative adversarial networks", 2018, https://arxiv.org/abs/1802.05957
"""

import keras
import tensorflow as tf

__all__ = ["Spectral"]


@keras.saving.register_keras_serializable("tfgen")
class Spectral(keras.layers.Wrapper):
    """A Dense or Conv2D layer with W / σ(W) in place of W; the gradient flows through σ, too.

    σ(W) = uᵀ W v, with u and v by power iteration: one round in each training call, from the u of the call before (algorithm 1).
    A kernel [height, width, inputs, outputs] counts as the matrix [height · width · inputs, outputs].
    """

    def build(self, input_shape):
        super().build(input_shape)
        outputs = self.layer.kernel.shape[-1]
        self.u = self.add_weight(shape=(1, outputs), initializer="random_normal", trainable=False, aggregation="only_first_replica", autocast=False, name="u")

    def call(self, x, training=False):
        kernel = tf.convert_to_tensor(self.layer.kernel)
        matrix = tf.reshape(tf.cast(kernel, tf.float32), [-1, kernel.shape[-1]])
        fixed = tf.stop_gradient(matrix)
        v = tf.math.l2_normalize(tf.matmul(self.u, fixed, transpose_b=True))
        u = tf.math.l2_normalize(tf.matmul(v, fixed))
        if training:
            self.u.assign(u)
        sigma = tf.reduce_sum(tf.matmul(v, matrix) * u)
        normalised = kernel / tf.cast(sigma, kernel.dtype)
        y = tf.matmul(x, normalised) if kernel.shape.rank == 2 else self.layer.convolution_op(x, normalised)
        y = y + tf.cast(self.layer.bias, y.dtype) if self.layer.use_bias else y
        return self.layer.activation(y)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)
