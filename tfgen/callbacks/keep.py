"""Keeps a run after every epoch: the history first, then the model, whose random state says how far the run is."""

import time

import keras

__all__ = ["Keep"]


class Keep(keras.callbacks.Callback):
    """Arguments:
    run: where to, a `tfgen.runs.Run`.
    history: the epochs so far; each epoch is added to it.
    """

    def __init__(self, run, history: list[dict[str, float]]):
        super().__init__()
        self.run, self.history = run, history

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        terms = {name: float(value) for name, value in (logs or {}).items()}
        self.history.append({"epoch": epoch + 1, **terms, "seconds": time.monotonic() - self.begin})
        self.run.write_history(self.history)
        self.model.save(self.run.model_path)
        self.run.write_card(epochs=epoch + 1)
