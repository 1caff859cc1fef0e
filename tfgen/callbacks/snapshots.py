"""The same noise at different stages of training: pictures in which one can see whether, and when, a model learns."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tfgen import pictures

__all__ = ["Snapshots"]


class Snapshots(keras.callbacks.Callback):
    """Draws samples of one noise before the first epoch and after some of the others, as 00000.png, 00001.png, …

    Which epochs are kept depends on the epoch alone, so a run that was interrupted keeps the same files as one that was
    not.

    Arguments:
        folder: of the pictures.
        seed, condition: of the samples, the same at each stage.
        count: of samples.
        draw: makes a picture of samples and their conditions; by default `tfgen.pictures.draw` of the samples.
    """

    def __init__(
        self,
        folder: str | Path,
        seed: int = 0,
        condition=None,
        count: int = 64,
        *,
        draw: Callable | None = None,
    ):
        super().__init__()
        self.folder, self.seed, self.condition, self.count, self.draw = Path(folder), seed, condition, count, draw
        self.untrained = None

    @staticmethod
    def keeps(epoch: int) -> bool:
        """Whether the samples after so many epochs are kept: all up to 20, every 5th up to 100, every 25th up to 500,
        and so on."""
        every = 1
        while epoch > 20 * every:
            every *= 5
        return epoch % every == 0

    def frame(self, model) -> np.ndarray:
        """The samples of a model: uint8 [height, width, 3]."""
        samples = model.show(self.count, self.condition, seed=self.seed).numpy()
        return self.draw(samples, self.condition) if self.draw else pictures.draw(samples, model.values)

    def kept(self) -> dict[int, Path]:
        """What is there, by its epoch."""
        return {int(path.stem): path for path in sorted(self.folder.glob("*.png")) if path.stem.isdigit()}

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.untrained = self.frame(
                self.model
            )  # written with the first epoch, when the folder is sure to be this run's

    def on_epoch_end(self, epoch, logs=None):
        if self.untrained is not None:
            self._write(0, self.untrained)
            self.untrained = None
        if self.keeps(epoch + 1):
            self._write(epoch + 1, self.frame(self.model))

    def _write(self, epoch: int, frame: np.ndarray) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        pictures.save(frame, self.folder / f"{epoch:05d}.png")
