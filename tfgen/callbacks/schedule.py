"""What changes during training besides the learning rate: a non-trainable weight, as a function of the epoch."""

from collections.abc import Callable

import keras

__all__ = ["Schedule"]


class Schedule(keras.callbacks.Callback):
    """Sets a weight of the model, or of a part of it, by its name at the begin of each epoch.

    Example: `Schedule("k", lambda epoch: 1 + epoch // 10)` lets contrastive divergence take longer chains as it goes
        on.
    """

    def __init__(self, weight: str, value: Callable[[int], float]):
        super().__init__()
        self.weight, self.value = weight, value

    def on_epoch_begin(self, epoch, logs=None):
        variable = next((v for v in self.model.non_trainable_variables if v.name == self.weight), None)
        if variable is None:
            names = [v.name for v in self.model.non_trainable_variables]
            raise ValueError(
                f"{type(self.model).__name__} has no weight {self.weight!r} to schedule; it has {', '.join(names)}"
            )
        variable.assign(self.value(epoch))
