"""TensorBoard: terms, learning rates, weights, samples of the same noise and reconstructions of the same examples,
epoch by epoch."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgen import pictures

__all__ = ["Monitor"]


class Monitor(keras.callbacks.Callback):
    """Writes with `tf.summary`: training under logs/train, what is held out under logs/held_out.

    Arguments:
        folder: of the logs.
        seed, condition: of the samples, the same in every epoch, so that a slider shows how the model grows.
        held_out: (x, condition or None) to reconstruct, where the model can.
        settings: what TensorBoard's hparams compare runs by.
        every: pictures and histograms each so many epochs.
        draw: makes a picture of samples and their conditions; by default `tfgen.pictures.draw` of the samples.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        seed: int = 0,
        condition=None,
        held_out=None,
        settings: dict | None = None,
        samples: int = 36,
        every: int = 1,
        draw: Callable | None = None,
    ):
        super().__init__()
        self.folder, self.seed, self.condition, self.held_out = Path(folder), seed, condition, held_out
        self.settings, self.count, self.every, self.draw, self.writers = settings or {}, samples, every, draw, {}

    def on_epoch_end(self, epoch, logs=None):
        step = epoch + 1
        if self.settings and not self.writers:
            self._compare()
        for name, value in (logs or {}).items():
            if name != "learning_rate":
                with self._writer("held_out" if name.startswith("val_") else "train").as_default():
                    tf.summary.scalar(f"terms/{name.removeprefix('val_')}", value, step)
        with self._writer("train").as_default():
            for player, optimizer in self.model.optimizers.items():
                tf.summary.scalar(
                    f"learning_rate/{player}", float(keras.ops.convert_to_numpy(optimizer.learning_rate)), step
                )
            if step % self.every == 0:
                self._histograms(step)
                self._pictures(step)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs=None):
        for writer in self.writers.values():
            writer.close()

    def _compare(self) -> None:
        from tensorboard.plugins.hparams import api as hparams

        plain = {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in self.settings.items()
            if value is not None
        }
        with self._writer("").as_default():
            hparams.hparams(plain, trial_id=str(self.folder))

    def _histograms(self, step: int) -> None:
        for weight in self.model.weights:
            if keras.backend.is_float_dtype(weight.dtype) and weight.shape:
                _histogram(f"weights/{weight.path}", keras.ops.convert_to_numpy(weight), step)

    def _pictures(self, step: int) -> None:
        draw = self.draw or (lambda x, condition: pictures.draw(x, self.model.values))
        samples = self.model.sample(self.count, self.condition, seed=self.seed).numpy()
        tf.summary.image("samples", draw(samples, self.condition)[None], step)
        if self.held_out is not None and hasattr(self.model, "reconstruct"):
            x, condition = self.held_out
            reconstruction = self.model.reconstruct(tf.constant(x), condition)
            tf.summary.image("reconstructions", pictures.pairs(x, reconstruction, self.model.values)[None], step)

    def _writer(self, name: str):
        if name not in self.writers:
            self.writers[name] = tf.summary.create_file_writer(str(self.folder / name))
        return self.writers[name]


def _histogram(tag: str, values: np.ndarray, step: int, buckets: int = 30) -> None:
    """As tf.summary.histogram, whose dozens of eager operations for each weight took longer than a short epoch."""
    from tensorboard.plugins.histogram import metadata

    values = values.astype(np.float64)
    edge = (
        1e-6 * np.abs(values).max()
    )  # weights that ran away together are too near each other for buckets between them
    counts, edges = np.histogram(values, buckets, (values.min() - edge, values.max() + edge) if edge else None)
    about = metadata.create_summary_metadata(display_name=None, description=None)
    tf.summary.write(tag, np.stack([edges[:-1], edges[1:], counts], 1), step, metadata=about)
