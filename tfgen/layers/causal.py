"""Causal layers, whole or step by step: y_t sees x_t and what was before it.

Each knows `start(n)`, the state before the first place, and `step(state, x_t) -> y_t, state`, which makes the same
sequence one place at a time.
"""

import keras
import tensorflow as tf

__all__ = ["CausalConv", "CausalStack", "GatedConv"]


@keras.saving.register_keras_serializable("tfgen")
class CausalConv(keras.layers.Layer):
    """[n, time, channels] to [n, time, filters]: y_t sees x_t, x_{t-d}, … x_{t-(width-1)d}; its state is a buffer."""

    def __init__(self, filters: int, width: int = 2, dilation: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.width, self.dilation = filters, width, dilation

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(self.width, input_shape[-1], self.filters), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def call(self, x):
        x = tf.pad(x, [[0, 0], [(self.width - 1) * self.dilation, 0], [0, 0]])
        kernel, bias = (tf.cast(v, x.dtype) for v in (self.kernel, self.bias))
        return tf.nn.conv1d(x, kernel, 1, "VALID", dilations=self.dilation) + bias

    def start(self, n) -> tf.Tensor:
        return tf.zeros([n, (self.width - 1) * self.dilation, self.kernel.shape[1]])

    def step(self, buffer: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        line = tf.concat([buffer, x[:, None]], 1)
        return tf.einsum("nwi,wio->no", line[:, :: self.dilation], self.kernel.value) + self.bias, line[:, 1:]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "width": self.width, "dilation": self.dilation}


@keras.saving.register_keras_serializable("tfgen")
class GatedConv(keras.layers.Layer):
    """x + tanh(W_f * x) ⊙ σ(W_g * x), the gated unit of PixelCNN and WaveNet (van den Oord et al. 2016), [n, time,
    channels] to the same."""

    def __init__(self, width: int = 2, dilation: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.width, self.dilation = width, dilation

    def build(self, input_shape):
        self.conv = CausalConv(2 * input_shape[-1], self.width, self.dilation)
        self.conv.build(input_shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, x):
        return self._gated(x, self.conv(x))

    def start(self, n):
        return self.conv.start(n)

    def step(self, buffer, x):
        y, buffer = self.conv.step(buffer, x)
        return self._gated(x, y), buffer

    def _gated(self, x, y):
        filtered, gate = tf.split(y, 2, -1)
        return x + tf.tanh(filtered) * tf.sigmoid(gate)

    def get_config(self):
        return {**super().get_config(), "width": self.width, "dilation": self.dilation}


@keras.saving.register_keras_serializable("tfgen")
class CausalStack(keras.layers.Layer):
    """Causal layers one after the other."""

    def __init__(self, layers, **kwargs):
        super().__init__(**kwargs)
        self.layers = list(layers)

    def build(self, input_shape):
        for layer in self.layers:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def start(self, n) -> list:
        return [layer.start(n) for layer in self.layers]

    def step(self, states: list, x: tf.Tensor) -> tuple[tf.Tensor, list]:
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            x, state = layer.step(state, x)
            after.append(state)
        return x, after

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config):
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config.pop("layers")]
        return cls(layers, **config)
