"""TensorBoard: terms, learning rates, weights, samples of the same noise and reconstructions of the same examples,
epoch by epoch.

A run is one folder of events. TensorBoard sorts by letters, capitals first, and shows first what stands first: so
figures of an evaluation are `Evaluation/…` and samples are `Samples`.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import pictures

__all__ = ["Monitor", "write_scalars"]

MOST, SHOWN = 64, 32  # latent dimensions that have a curve each; examples of what is held out in a picture


class Monitor(keras.callbacks.Callback):
    """Writes with `tf.summary`: each term in training and on what is held out side by side, `loss/train` and
    `loss/held_out`.

    Arguments:
        folder: of the logs.
        seed, condition: of the samples, the same in every epoch, so that a slider shows how the model grows. Of a model
            that decodes they are the means: the noise of the likelihood hides what is learnt.
        held_out: (x, condition or None), the first of which are reconstructed, where the model can.
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
        self.settings, self.count, self.every, self.draw, self.writer = settings or {}, samples, every, draw, None

    def on_epoch_end(self, epoch, logs=None):
        step = epoch + 1
        if self.writer is None:
            self.writer = tf.summary.create_file_writer(str(self.folder))
            if self.settings:
                self._compare()
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                if name != "learning_rate":
                    where = "held_out" if name.startswith("val_") else "train"
                    tf.summary.scalar(f"{name.removeprefix('val_')}/{where}", value, step)
            for player, optimizer in self.model.optimizers.items():
                rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
                tf.summary.scalar(f"schedule/learning_rate_{player}", rate, step)
            if step % self.every == 0:
                self._histograms(step)
                self._pictures(step)
                self._dimensions(step)
        self.writer.flush()

    def on_train_end(self, logs=None):
        if self.writer is not None:
            self.writer.close()

    def _compare(self) -> None:
        from tensorboard.plugins.hparams import api as hparams

        plain = {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in self.settings.items()
            if value is not None
        }
        with self.writer.as_default():
            hparams.hparams(plain, trial_id=str(self.folder))

    def _histograms(self, step: int) -> None:
        for weight in self.model.weights:
            if keras.backend.is_float_dtype(weight.dtype) and weight.shape:
                _histogram(f"weights/{weight.path}", keras.ops.convert_to_numpy(weight), step)

    def _pictures(self, step: int) -> None:
        draw = self.draw or (lambda x, condition: pictures.draw(x, self.model.values))
        samples = self.model.show(self.count, self.condition, seed=self.seed).numpy()
        tf.summary.image("Samples", draw(samples, self.condition)[None], step)
        if self.held_out is not None and hasattr(self.model, "reconstruct"):
            x, condition = conditions.rows(self.held_out, slice(SHOWN))
            reconstruction = self.model.reconstruct(tf.constant(x), condition)
            tf.summary.image("reconstructions", pictures.pairs(x, reconstruction, self.model.values)[None], step)
        if self.held_out is not None and hasattr(self.model, "complete") and len(self.model.shape) == 3:
            x, condition = conditions.rows(self.held_out, slice(12))
            known = pictures.known_part("top", self.model.shape)
            drawn = self.model.complete(x, known, condition, seed=self.seed)
            tf.summary.image("completions", pictures.completions(x, known, [drawn], self.model.values)[None], step)

    def _dimensions(self, step: int) -> None:
        """The divergence of each latent dimension on what is held out, where it has a closed form."""
        if self.held_out is None or not hasattr(self.model, "kl_of_dimensions"):
            return
        x, condition = self.held_out
        kl = self.model.kl_of_dimensions(tf.constant(x), condition)
        if kl is not None:
            values = keras.ops.convert_to_numpy(kl).mean(0)
            _histogram("kl/dimensions", values, step)
            for i, value in enumerate(values[:MOST]):
                tf.summary.scalar(f"kl_of_dimensions/{i:02d}", value, step)


def write_scalars(folder: str | Path, values: dict[str, float], step: int) -> None:
    """Figures of later, into the logs of a run."""
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for name, value in values.items():
            tf.summary.scalar(name, value, step)
    writer.close()


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
