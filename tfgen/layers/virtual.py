"""Virtual batch normalisation: statistics of a reference batch that never changes, so that no example depends on its
neighbours.

Salimans et al., "Improved techniques for training GANs", 2016, section 3.5, https://arxiv.org/abs/1606.03498

`Reference` puts the reference batch before the examples, `VirtualBatchNormalization` normalises both, `Strip` takes it
off again.
"""

import keras
import numpy as np
import tensorflow as tf

__all__ = ["Reference", "Strip", "VirtualBatchNormalization"]


@keras.saving.register_keras_serializable("tfgen")
class Reference(keras.layers.Layer):
    """[n, d] to [count + n, d]: a batch drawn once stands first, noise and behind it what a model is told.

    Arguments:
        uniform: noise in -1..1 in place of normal noise.
        told: the parts of the condition, as `tfgen.condition.parts` says them: labels are every class in turn, other
            numbers normal.
    """

    def __init__(self, count: int, uniform: bool = False, told: tuple[tuple[int, bool], ...] = (), **kwargs):
        super().__init__(**kwargs)
        self.count, self.uniform, self.told = count, uniform, told

    def build(self, input_shape):
        d = input_shape[-1]
        z = (self.count, d - sum(size for size, _ in self.told))
        drawn = [keras.random.uniform(z, -1.0, 1.0) if self.uniform else keras.random.normal(z)]
        for size, is_label in self.told:
            drawn.append(
                np.eye(size, dtype="float32")[np.arange(self.count) % size]
                if is_label
                else keras.random.normal((self.count, size))
            )
        start = lambda shape, dtype: tf.cast(tf.concat(drawn, -1), dtype)
        self.rows = self.add_weight(shape=(self.count, d), initializer=start, trainable=False, name="rows")

    def call(self, x):
        return tf.concat([tf.cast(self.rows, x.dtype), x], 0)

    def get_config(self):
        return {**super().get_config(), "count": self.count, "uniform": self.uniform, "told": self.told}


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
    """[count + n, …, channels]: reference rows by the reference's moments, any other by those of the reference and
    itself, weighted count to one."""

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
        parts = [
            (r - m) * tf.math.rsqrt(s - m**2 + self.epsilon)
            for r, m, s in ((reference, mean, square), (others, mixed, mixed_square))
        ]
        return tf.cast(tf.concat(parts, 0) * self.gamma + self.beta, x.dtype)

    def get_config(self):
        return {**super().get_config(), "count": self.count, "epsilon": self.epsilon}
