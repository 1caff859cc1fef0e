"""Figures of what a model draws, each few epochs: beside the losses in the line of the epoch, in TensorBoard, in the
history, and for `keras.callbacks.ModelCheckpoint(monitor=…)`."""

from collections.abc import Callable

import keras

__all__ = ["Judge"]


class Judge(keras.callbacks.Callback):
    """Adds to the logs of an epoch; stands before the callbacks that read them. It draws from seeds of its own, so the
    training is the same with and without it.

    Arguments:
        figures: of the model, by name.
        every: after each so many epochs, and after the last.

    Example:
        judge = tfgen.callbacks.Judge(lambda model: {"spread": float(keras.ops.std(model.sample(500, seed=0)))}, 5)
        model.fit(x, epochs=20, callbacks=[judge])
    """

    def __init__(self, figures: Callable[[keras.Model], dict[str, float]], every: int = 1):
        super().__init__()
        self.figures, self.every = figures, every

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            logs.update(self.figures(self.model))
