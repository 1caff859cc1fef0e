"""The free-energy gap: how an energy model shows that it begins to learn its training data by heart, without log Z.

Hinton, "A practical guide to training restricted Boltzmann machines", 2012, section 6.
"""

import keras
import numpy as np
import tensorflow as tf

__all__ = ["FreeEnergyGap"]


class FreeEnergyGap(keras.callbacks.Callback):
    """⟨F⟩ of held-out examples less ⟨F⟩ of training examples, as `free_energy_gap` among the epoch's terms: log Z is
    the same in both, so the gap is that of log p(x). It grows when the model begins to overfit.

    Arguments:
        training, held_out: examples [n, *shape], some hundreds of each, always the same.
    """

    def __init__(self, training: np.ndarray, held_out: np.ndarray):
        super().__init__()
        self.training, self.held_out = training, held_out

    def gap(self, model) -> float:
        mean = lambda x: float(np.mean(model.free_energy(tf.constant(np.asarray(x), tf.float32))))
        return mean(self.held_out) - mean(self.training)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["free_energy_gap"] = self.gap(self.model)
