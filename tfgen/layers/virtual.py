"""Virtual batch normalisation: statistics of a reference batch that never changes, so that no example depends on its neighbours.

Salimans et al., "Improved techniques for training GANs", 2016, section 3.4, https://arxiv.org/abs/1606.03498

`Reference` puts the reference batch before the examples, `VirtualBatchNormalization` normalises both, `Strip` takes it off again.
"""

import keras
import numpy as np
import tensorflow as tf

__all__ = ["Reference", "Strip", "VirtualBatchNormalization"]


@keras.saving.register_keras_serializable("tfgen")
class Reference(keras.layers.Layer):
    """[n, d] to [count + n, d]: a batch of noise drawn once stands first; of d the last `classes` are a one-hot label, every class in turn."""

    def __init__(self, count: int, classes: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.count, self.classes = count, classes

    def build(self, input_shape):
        d = input_shape[-1]
        draws = keras.random.normal((self.count, d - self.classes))
        labels = np.eye(self.classes, dtype="float32")[np.arange(self.count) % self.classes] if self.classes else np.zeros((self.count, 0), "float32")
        start = lambda shape, dtype: tf.cast(tf.concat([draws, labels], -1), dtype)  # noqa: E731
        self.rows = self.add_weight(shape=(self.count, d), initializer=start, trainable=False, name="rows")

    def call(self, x):
        return tf.concat([tf.cast(self.rows, x.dtype), x], 0)

    def get_config(self):
        return {**super().get_config(), "count": self.count, "classes": self.classes}


@keras.saving.register_keras_serializable("tfgen")
class Strip(keras.layers.Layer):
    """[count + n, …] to [n, …]."""

    def __init__(self, count: int, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def call(self, x):
        return x[self.count :]

    def get_config(self):
        return {**super().get_config(), "count": self.count}


@keras.saving.register_keras_serializable("tfgen")
class VirtualBatchNormalization(keras.layers.Layer):
    """[count + n, …, channels]: reference rows by the reference's moments, any other by those of the reference and itself, weighted count to one."""

    def __init__(self, count: int, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.count, self.epsilon = count, epsilon

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", autocast=False, name="gamma")
        self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", autocast=False, name="beta")

    def call(self, x):
        places = list(range(1, x.shape.rank - 1))
        x32 = tf.cast(x, tf.float32)
        reference, others = x32[: self.count], x32[self.count :]
        mean, square = (tf.reduce_mean(r, [0, *places], keepdims=True) for r in (reference, reference**2))
        own, own_square = (tf.reduce_mean(o, places, keepdims=True) if places else o for o in (others, others**2))
        share = 1 / (self.count + 1)
        mixed, mixed_square = share * own + (1 - share) * mean, share * own_square + (1 - share) * square
        parts = [(r - m) * tf.math.rsqrt(s - m**2 + self.epsilon) for r, m, s in ((reference, mean, square), (others, mixed, mixed_square))]
        return tf.cast(tf.concat(parts, 0) * self.gamma + self.beta, x.dtype)

    def get_config(self):
        return {**super().get_config(), "count": self.count, "epsilon": self.epsilon}
