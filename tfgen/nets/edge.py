"""A net of super-resolution that is fast on phones: plain convolutions at the resolution of the input, and what they
make laid out as pixels. It learns the difference from nearest neighbours."""

import keras
import tensorflow as tf

__all__ = ["Edge"]


@keras.saving.register_keras_serializable("tfgen")
class Edge(keras.layers.Layer):
    """Pictures [n, h, w, channels] to [n, scale h, scale w, channels], unclipped, float32.

    Arguments:
        scale: how many times larger.
        width: filters of each convolution but the last; a multiple of 16 is fastest.
        depth: convolutions between the first and the last.
        fold: pixels of a square of so many a side are channels first, so that the convolutions work on as few places as
            those of a scale `fold` times larger. Height and width are multiples of it.
    """

    def __init__(self, channels: int, scale: int, width: int, depth: int, fold: int = 1, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.channels, self.scale, self.fold = channels, scale, fold
        sizes = [channels * fold**2, *[width] * (depth + 1), channels * (scale * fold) ** 2]
        self.convolutions = [
            keras.layers.Conv2D(
                size,
                3,
                padding="same",
                activation=None if last else "relu",
                kernel_initializer=keras.initializers.VarianceScaling(0.02 if last else 2.0),
                dtype=self.dtype_policy,
            )
            for size, last in zip(sizes[1:], [*[False] * (depth + 1), True], strict=True)
        ]
        for layer, below in zip(self.convolutions, sizes[:-1], strict=True):
            layer.build((None, None, None, below))
        self.built = True

    @property
    def reach(self) -> int:
        """Input pixels beside a pixel, in each direction, that what is made of it depends on."""
        return self.fold * (len(self.convolutions) + (self.fold > 1))

    def call(self, small, training=False):
        small = tf.cast(small, tf.float32)
        maps = small if self.fold == 1 else tf.nn.space_to_depth(small, self.fold)
        for layer in self.convolutions:
            maps = layer(maps)
        nearest = tf.concat([small] * self.scale**2, -1)
        maps = tf.cast(maps, tf.float32)
        if self.fold == 1:
            return tf.nn.depth_to_space(maps + nearest, self.scale)
        return tf.nn.depth_to_space(maps, self.scale * self.fold) + tf.nn.depth_to_space(nearest, self.scale)
