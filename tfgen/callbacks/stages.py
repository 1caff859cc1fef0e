"""The same noise at different stages of training: pictures in which one can see whether, and when, a model learns."""

from pathlib import Path

import keras
import numpy as np

from tfgen import pictures

__all__ = ["Stages"]


class Stages(keras.callbacks.Callback):
    """Draws samples of one noise before the first epoch and after some of the others, as 00000.png, 00001.png, …

    Which epochs are kept depends on the epoch alone, so a run that was interrupted keeps the same files as one that was
    not.

    Arguments:
        folder: of the pictures.
        seed, condition: of the samples, the same at each stage.
        count: of samples.
        span: of real values what is black and white, of points the edges of the square, the same at each stage; else
            from each stage's samples.
    """

    def __init__(
        self,
        folder: str | Path,
        seed: int = 0,
        condition=None,
        count: int = 64,
        *,
        span: tuple[float, float] | None = None,
    ):
        super().__init__()
        self.folder, self.seed, self.condition, self.count, self.span = Path(folder), seed, condition, count, span
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
        return pictures.draw(model.sample(self.count, self.condition, seed=self.seed), model.values, span=self.span)

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
