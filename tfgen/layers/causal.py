"""Causal convolutions, whole or step by step."""

import keras
import tensorflow as tf

__all__ = ["CausalConv"]


@keras.saving.register_keras_serializable("tfgen")
class CausalConv(keras.layers.Layer):
    """[n, time, channels] to [n, time, filters]: y_t sees x_t, x_{t-d}, … x_{t-(width-1)d}, and nothing later.

    `start` and `step` make the same sequence one place at a time, from a buffer of what was seen.
    """

    def __init__(self, filters: int, width: int = 2, dilation: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.width, self.dilation = filters, width, dilation

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(self.width, input_shape[-1], self.filters), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def call(self, x):
        x = tf.pad(x, [[0, 0], [(self.width - 1) * self.dilation, 0], [0, 0]])
        return tf.nn.conv1d(x, tf.cast(self.kernel, x.dtype), 1, "VALID", dilations=self.dilation) + self.bias

    def start(self, n) -> tf.Tensor:
        """The buffer before the first place: zeros [n, (width - 1) · dilation, channels]."""
        return tf.zeros([n, (self.width - 1) * self.dilation, self.kernel.shape[1]])

    def step(self, buffer: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """y of the next x [n, channels], and the next buffer."""
        line = tf.concat([buffer, x[:, None]], 1)
        return tf.einsum("nwi,wio->no", line[:, :: self.dilation], self.kernel.value) + self.bias, line[:, 1:]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "width": self.width, "dilation": self.dilation}
