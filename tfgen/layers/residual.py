"""A residual block that halves, doubles or keeps the size of its picture.

He et al., "Identity mappings in deep residual networks", 2016; as generators and critics use it: Gulrajani et al. 2017,
appendix F.
"""

import keras
import tensorflow as tf

from tfgen.layers.norms import norms, wrapped

__all__ = ["Residual"]


@keras.saving.register_keras_serializable("tfgen")
class Residual(keras.layers.Layer):
    """x + F(x), F = norm, ReLU, 3x3, norm, ReLU, 3x3; "up" doubles before the first convolution, "down" averages after
    the second.

    Arguments:
        filters: of both convolutions; another number than that of the inputs, or another size, puts a 1x1 convolution
            beside.
        resample: "up", "down" or None.
        norm: a name of `tfgen.layers.norms`.
    """

    def __init__(self, filters: int, resample: str | None = None, norm: str = "none", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.resample, self.norm = filters, resample, norm
        self.norms = [*norms(norm), *norms(norm)]
        biases = (not self.norms, True, True)
        self.convolutions = [
            wrapped(keras.layers.Conv2D(filters, size, padding="same", use_bias=bias, dtype=self.dtype_policy), norm)
            for size, bias in zip((3, 3, 1), biases, strict=True)
        ]

    def build(self, input_shape):
        shape, first, second, beside = tuple(input_shape), *self.convolutions
        for norm, convolution in zip(self.norms or (None, None), (first, second), strict=True):
            if norm:
                norm.build(shape)
            convolution.build(shape)
            shape = (*shape[:-1], self.filters)
        if self.resample or input_shape[-1] != self.filters:
            beside.build(input_shape)
        else:
            del self.convolutions[2]

    def call(self, x):
        y = x
        for i in range(2):
            y = tf.nn.relu(self.norms[i](y) if self.norms else y)
            y = self.convolutions[i](_double(y) if i == 0 and self.resample == "up" else y)
        if self.resample == "down":
            y, x = (tf.nn.avg_pool2d(t, 2, 2, "VALID") for t in (y, x))
        beside = self.convolutions[2](x) if len(self.convolutions) > 2 else x
        return y + (_double(beside) if self.resample == "up" else beside)

    def compute_output_shape(self, input_shape):
        n, h, w, _ = input_shape
        scale = {"up": lambda d: 2 * d, "down": lambda d: d // 2, None: lambda d: d}[self.resample]
        return (n, scale(h), scale(w), self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "resample": self.resample, "norm": self.norm}


def _double(x):
    """Each pixel four times."""
    return tf.repeat(tf.repeat(x, 2, 1), 2, 2)
