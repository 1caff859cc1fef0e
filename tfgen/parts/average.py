"""A moving average of a net's weights, which samples better than the net that goes on learning."""

import keras
import tensorflow as tf

from tfgen import rng
from tfgen.parts.weights import copies, move

__all__ = ["Average"]


@keras.saving.register_keras_serializable("tfgen")
class Average(keras.layers.Layer):
    """The net with averaged weights, and statistics of batch normalisation of its own: averages of the net's would be
    too wide, for weights that went here and there vary less in the mean, and what they make would fade.

    Arguments:
        net: whose weights are averaged; it is not owned, and stays the model's.
        decay: what is kept of the average in each step.
        dtype: of the copies; those of a net in half precision are float32 all the same.
    """

    def __init__(self, net: keras.Model, decay: float):
        super().__init__(autocast=False)
        if not 0 < decay < 1:
            raise ValueError(f"average={decay}: expected a decay from 0 to below 1")
        vars(self)["net"], self.decay = net, decay
        self.averages = copies(self, "average", net.trainable_variables)
        self.statistics = copies(self, "statistic", net.non_trainable_variables)
        self.built = True

    def call(self, *inputs, training=False):
        """What the averaged net makes of them."""
        return self._run(inputs, training)[0]

    def settle(self, *inputs) -> None:
        """Moves the statistics by a pass of the averaged net over a batch, in training. (A reference batch is none.)"""
        if any("moving_" in v.path for v in self.net.non_trainable_variables):
            for copy, value in zip(self.statistics, self._run(inputs, True)[1], strict=True):
                copy.assign(value)

    def after_turn(self) -> None:
        """Towards the net's weights; the first step begins at them."""
        move(self.averages, self.net.trainable_variables, tf.where(rng.step() > 1, self.decay, 0.0))

    def _run(self, inputs: tuple, training: bool):
        averages, statistics = ([copy.value for copy in copied] for copied in (self.averages, self.statistics))
        return self.net.stateless_call(averages, statistics, *inputs, training=training)
