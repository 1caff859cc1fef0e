"""Concatenated rectifiers: a unit says how far it is above zero, and how far below."""

import keras
import tensorflow as tf

__all__ = ["CReLU"]


@keras.saving.register_keras_serializable("tfgen")
class CReLU(keras.layers.Layer):
    """[relu(x), relu(-x)], [n, units] to [n, 2 · units].

    Shang, Sohn, Almeida, Lee, "Understanding and improving convolutional neural networks via concatenated rectified
    linear units", 2016.
    """

    def call(self, x):
        return tf.nn.relu(tf.concat([x, -x], -1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2 * input_shape[-1])
