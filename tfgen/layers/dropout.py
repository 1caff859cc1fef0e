"""Dropout whose noise is that of the training step: saved, resumed, different on every replica (Keras's is neither)."""

import keras
import tensorflow as tf

from tfgen import rng

__all__ = ["Dropout"]


@keras.saving.register_keras_serializable("tfgen")
class Dropout(keras.layers.Layer):
    """In training, each number is 0 with probability `rate` and else divided by 1 - rate.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.built = True

    def call(self, x, training=False):
        if not training or not self.rate:
            return x
        kept = rng.uniform(tf.shape(x), rng.new_seed()) >= self.rate
        return tf.where(kept, x / (1 - self.rate), tf.zeros_like(x))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
