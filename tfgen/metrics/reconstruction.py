"""How near reconstructions are to what they were made of."""

import keras
import tensorflow as tf

__all__ = ["ReconstructionError", "reconstruction_error"]


def reconstruction_error(x, reconstruction):
    """The mean squared difference of each example, [n]."""
    error = (x - reconstruction) ** 2
    return (
        error.mean(tuple(range(1, error.ndim)))
        if hasattr(error, "mean")
        else tf.reduce_mean(error, list(range(1, len(error.shape))))
    )


@keras.saving.register_keras_serializable("tfgen")
class ReconstructionError(keras.metrics.Mean):
    """The mean of `reconstruction_error` over everything it was updated with."""

    def __init__(self, name: str = "reconstruction_error", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, x, reconstruction, sample_weight=None):
        return super().update_state(reconstruction_error(x, reconstruction), sample_weight)
