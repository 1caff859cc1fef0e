"""Historical averaging: a player pays for the distance of its weights from the mean of their past.

    |θ - (1/t) Σ_i θ_i|²

Salimans et al., "Improved techniques for training GANs", 2016, section 3.3, https://arxiv.org/abs/1606.03498
"""

import keras
import tensorflow as tf

from tfgen import rng
from tfgen.parts.weights import copies, move

__all__ = ["History"]


@keras.saving.register_keras_serializable("tfgen")
class History(keras.layers.Layer):
    """The mean of all past values of some variables."""

    def __init__(self, variables):
        super().__init__(autocast=False)
        vars(self)["variables_now"] = list(variables)
        self.past = copies(self, "past", self.variables_now)
        self.built = True

    def distance(self) -> tf.Tensor:
        """|θ - mean of past θ|², a scalar."""
        pairs = zip(self.variables_now, self.past, strict=True)
        return tf.add_n([tf.reduce_sum((v - past.value) ** 2) for v, past in pairs])

    def after_turn(self) -> None:
        move(self.past, self.variables_now, 1 - 1 / tf.maximum(tf.cast(rng.step(), tf.float32), 1.0))
