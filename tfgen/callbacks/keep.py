"""Keeps a run after every epoch: the history first, then the model, whose random state says how far the run is.

An epoch's seconds are those by the clock, and those that the process and its threads computed.
"""

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
        self.begin = time.monotonic(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        terms = {name: float(value) for name, value in (logs or {}).items()}
        wall, cpu = time.monotonic() - self.begin[0], time.process_time() - self.begin[1]
        self.history.append({"epoch": epoch + 1, **terms, "seconds": wall, "cpu_seconds": cpu})
        self.run.write_history(self.history)
        self.model.save(self.run.model_path)
        self.run.write_card(epochs=epoch + 1)
