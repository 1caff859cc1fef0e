"""The residual net of super-resolution, the critic of its adversarial training, and nets that look at pictures.

Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", 2016, figure 4,
https://arxiv.org/abs/1609.04802
"""

import itertools

import keras
import tensorflow as tf

__all__ = ["Shuffle", "picture_critic", "picture_reader", "srresnet"]


@keras.saving.register_keras_serializable("tfgen")
class Shuffle(keras.layers.Layer):
    """Sub-pixel convolution's second half: [n, h, w, times² c] to [n, times h, times w, c]."""

    def __init__(self, times: int, **kwargs):
        super().__init__(**kwargs)
        self.times = times

    def call(self, x):
        return tf.nn.depth_to_space(x, self.times)

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        height, width = (None if side is None else side * self.times for side in (height, width))
        return n, height, width, channels // self.times**2

    def get_config(self):
        return {**super().get_config(), "times": self.times}


def _convolution(filters: int, size: int = 3, stride: int = 1, **kwargs) -> keras.layers.Layer:
    return keras.layers.Conv2D(filters, size, stride, padding="same", **kwargs)


def srresnet(
    channels: int, scale: int, width: int = 64, blocks: int = 16, *, outer: int = 9, norm: bool = True
) -> keras.Model:
    """Pictures of any size [n, h, w, channels] in 0..1 to [n, scale h, scale w, channels], whose range is not bounded.

    `outer`: size of the first and the last convolution; `norm`: batch normalisation. The paper has both.
    """
    names = (f"layer_{i:03}" for i in itertools.count())  # fixed, for sums are ordered by name and so rounded by it
    convolved = lambda x, filters, size=3, **how: _convolution(filters, size, name=next(names), **how)(x)
    normed = lambda x: keras.layers.BatchNormalization(name=next(names))(x) if norm else x
    quarter, little = keras.initializers.Constant(0.25), keras.initializers.VarianceScaling(0.01)
    rectified = lambda x: keras.layers.PReLU(quarter, shared_axes=[1, 2], name=next(names))(x)
    small_at_first = {} if norm else {"kernel_initializer": little}  # else each block's sum is larger than the last
    added = lambda x, y: keras.layers.Add(name=next(names))([x, y])
    small = keras.Input((None, None, channels), name="small")
    first = x = rectified(convolved(small, width, outer))
    for _ in range(blocks):
        y = rectified(normed(convolved(x, width)))
        x = added(x, normed(convolved(y, width, **small_at_first)))
    x = added(first, normed(convolved(x, width)))
    for times in _steps(scale):
        x = rectified(Shuffle(times, name=next(names))(convolved(x, times**2 * width)))
    x = convolved(x, channels, outer)
    large = keras.layers.Rescaling(0.5, 0.5, dtype="float32", name="large")(x)  # the paper's net makes -1..1
    return keras.Model(small, large, name="srresnet")


def _steps(scale: int) -> list[int]:
    """Doublings, and what is left."""
    steps = []
    while scale % 2 == 0:
        steps, scale = [*steps, 2], scale // 2
    return steps + [scale] * (scale > 1)


def srresnet_reach(scale: int, blocks: int, outer: int) -> int:
    """Pixels of the input beside a pixel that `srresnet` sees, in each direction."""
    return 2 * (outer // 2) + 2 * blocks + 1 + len(_steps(scale))


def picture_critic(shape: tuple[int, ...], width: int = 64, halvings: int = 4) -> keras.Model:
    """[n, *shape] to [n, 1]: two convolutions a halving, filters double; two dense layers."""
    x = picture = keras.Input(shape)
    for i in range(2 * halvings):
        norm = i > 0
        x = _convolution(width << (i // 2), 3, 1 + i % 2, use_bias=not norm)(x)
        x = keras.layers.BatchNormalization()(x) if norm else x
        x = keras.layers.LeakyReLU(negative_slope=0.2)(x)
    x = keras.layers.LeakyReLU(negative_slope=0.2)(keras.layers.Dense(16 * width)(keras.layers.Flatten()(x)))
    return keras.Model(picture, keras.layers.Dense(1, dtype="float32")(x), name="critic")


def picture_reader(channels: int, classes: int, width: int = 32, stages: int = 3) -> keras.Model:
    """Pictures of any size to ([features of each stage [n, h / 2^i, w / 2^i, 2^i width]], logits [n, classes]): a small
    net in the manner of VGG."""
    picture = keras.Input((None, None, channels))
    seen, x = [], keras.layers.Rescaling(4.0, -2.0)(picture)
    for stage in range(stages):
        x = keras.layers.AveragePooling2D(2, padding="same")(x) if stage else x
        for _ in range(2):
            x = _convolution(width << stage, use_bias=False)(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))
        seen.append(keras.layers.Activation("linear", dtype="float32")(x))
    logits = keras.layers.Dense(classes, dtype="float32")(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(picture, [seen, logits], name="reader")
