"""What every fit does between its steps: after_epoch, the epoch of the data, and a stop that loses nothing where the
loss is NaN."""

import keras
import numpy as np

from tfgen import distribute
from tfgen.callbacks.judge import Judge
from tfgen.callbacks.keep import Keep
from tfgen.callbacks.monitor import Monitor
from tfgen.callbacks.snapshots import Snapshots

__all__ = ["Diverged", "House", "for_fit"]


class Diverged(ValueError):
    """A loss or a weight is no number any more."""


def for_fit(callbacks, data, strategy) -> list[keras.callbacks.Callback] | keras.callbacks.CallbackList:
    """The user's callbacks with ours before them. Where several workers train, only the chief's write."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.callbacks.insert(0, House(data, callbacks.callbacks))
        callbacks.callbacks[0].set_model(callbacks.model)
        return callbacks
    callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
    if not distribute.is_chief(strategy):
        writers = (
            keras.callbacks.ModelCheckpoint,
            keras.callbacks.TensorBoard,
            keras.callbacks.CSVLogger,
            Judge,
            Keep,
            Monitor,
            Snapshots,
        )
        callbacks = [c for c in callbacks if not isinstance(c, writers)]
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.BackupAndRestore):  # reads the backup, leaves writing to the chief
                callback.on_epoch_end = callback.on_train_batch_end = callback.on_train_end = lambda *args, **kwargs: (
                    None
                )
    return [House(data, callbacks), *callbacks]


class House(keras.callbacks.Callback):
    """First of all callbacks, so that those after it (checkpoints, the validation) find the epoch finished."""

    def __init__(self, data, others):
        super().__init__()
        self.epochs = getattr(data, "epochs", None)
        self.quiet = any(isinstance(c, keras.callbacks.TerminateOnNaN) for c in others)
        self.open = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.open = epoch, True
        self.good = [(v, v.numpy()) for v in self._state()]
        if self.epochs is not None:
            self.epochs.next = epoch

    def on_train_batch_end(self, batch, logs=None):
        for name, value in (logs or {}).items():
            if name.split("_")[-1] == "loss" and not np.isfinite(value):
                return self._stop(f"{name} became {float(value)}")

    def on_test_begin(self, logs=None):
        self._finish()

    def on_epoch_end(self, epoch, logs=None):
        """Before any other callback writes: what the last step or the M-step did shows in no loss of the training."""
        self._finish()
        for name, value in (logs or {}).items():
            if name.startswith("val_") and name.endswith("loss") and np.isnan(value):
                self._stop(f"{name} became nan")

    def _finish(self):
        if self.open:
            self.open = False
            self.model.after_epoch()
            for variable in self._state():
                value = variable.numpy()
                if value.dtype.kind == "f" and not np.isfinite(value).all():
                    return self._stop(f"the weight {variable.path} became {value[~np.isfinite(value)].flat[0]}")

    def _stop(self, what: str) -> None:
        for variable, value in self.good:
            variable.assign(value)
        self.open = False
        self.model.stop_training = True
        if not self.quiet:
            raise Diverged(
                f"{what} in epoch {self.epoch + 1}: training stopped, and the model is as it was when that epoch "
                "began. "
                "Look for NaN in the data, or take a smaller learning rate"
            )

    def _state(self):
        optimizers = getattr(self.model, "optimizers", {}).values()
        return [*self.model.variables, *(v for o in optimizers for v in o.variables)]
