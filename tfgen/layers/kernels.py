"""Layers whose kernel is a function of what is learnt: a Dense or Conv2D layer computes with it in place of its own.

Spectral         W / σ(W), σ the largest singular value: Miyato et al., "Spectral normalization for generative
                 adversarial networks", 2018, https://arxiv.org/abs/1802.05957
WeightNormalized g v / |v|, for each unit: Salimans and Kingma, "Weight normalization", 2016,
                 https://arxiv.org/abs/1602.07868

A kernel [height, width, inputs, outputs] counts as the matrix [height · width · inputs, outputs].
"""

import keras
import tensorflow as tf

__all__ = ["Spectral", "WeightNormalized"]


class _Normalised(keras.layers.Wrapper):
    """`factor` says by what the layer's kernel is multiplied, [outputs] or a scalar, float32."""

    def call(self, x, training=False):
        kernel = tf.convert_to_tensor(self.layer.kernel)
        matrix = tf.reshape(tf.cast(kernel, tf.float32), [-1, kernel.shape[-1]])
        normalised = kernel * tf.cast(self.factor(matrix, training), kernel.dtype)
        y = tf.matmul(x, normalised) if kernel.shape.rank == 2 else self.layer.convolution_op(x, normalised)
        y = y + tf.cast(self.layer.bias, y.dtype) if self.layer.use_bias else y
        return self.layer.activation(y)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable("tfgen")
class Spectral(_Normalised):
    """Its largest singular value is one; the gradient flows through σ, too.

    σ(W) = uᵀ W v, with u and v by power iteration: one round in each training call, from the u of the call before
    (algorithm 1).
    """

    def build(self, input_shape):
        super().build(input_shape)
        outputs = self.layer.kernel.shape[-1]
        self.u = self.add_weight(
            shape=(1, outputs),
            initializer="random_normal",
            trainable=False,
            aggregation="only_first_replica",
            autocast=False,
            name="u",
        )

    def factor(self, matrix, training):
        fixed = tf.stop_gradient(matrix)
        v = tf.math.l2_normalize(tf.matmul(self.u, fixed, transpose_b=True))
        u = tf.math.l2_normalize(tf.matmul(v, fixed))
        if training:
            self.u.assign(u)
        return 1 / tf.reduce_sum(tf.matmul(v, matrix) * u)


@keras.saving.register_keras_serializable("tfgen")
class WeightNormalized(_Normalised):
    """The length g of each unit's weights is learnt apart from their direction v / |v|. It begins at |v|, where the
    layer is what it was without."""

    def build(self, input_shape):
        super().build(input_shape)
        kernel = self.layer.kernel
        length = lambda shape, dtype: tf.cast(tf.norm(tf.reshape(kernel.value, [-1, kernel.shape[-1]]), axis=0), dtype)
        self.g = self.add_weight(shape=(kernel.shape[-1],), initializer=length, autocast=False, name="g")

    def factor(self, matrix, training):
        return self.g * tf.math.rsqrt(tf.reduce_sum(matrix**2, 0) + 1e-12)
