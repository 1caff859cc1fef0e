"""Noise in a net that is that of the training step: saved, resumed, different on every replica (Keras's layers have
none of these)."""

import keras
import tensorflow as tf

from tfgen import rng

__all__ = ["Dropout", "GaussianNoise"]


@keras.saving.register_keras_serializable("tfgen")
class Dropout(keras.layers.Layer):
    """In training, each number is 0 with probability `rate` and else divided by 1 - rate.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"dropout={rate}: expected a number from 0 to below 1")
        self.rate = rate
        self.built = True

    def call(self, x, training=False):
        if not training or not self.rate:
            return x
        kept = rng.uniform(tf.shape(x), rng.new_seed()) >= self.rate
        return tf.where(kept, x / (1 - self.rate), tf.zeros_like(x))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("tfgen")
class GaussianNoise(keras.layers.Layer):
    """In training, adds normal noise of standard deviation `sd` to each number."""

    def __init__(self, sd: float, **kwargs):
        super().__init__(**kwargs)
        self.sd = sd
        self.built = True

    def call(self, x, training=False):
        return x + self.sd * tf.cast(rng.normal(tf.shape(x), rng.new_seed()), x.dtype) if training else x

    def get_config(self):
        return {**super().get_config(), "sd": self.sd}
