"""What a run is trained and judged on: its data, in the values of its model."""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen import data
from tfgen.data import Examples, Source, open_source, with_few_labels
from tfgen.model import GenerativeModel
from tfgen.runs.folder import Settings

__all__ = ["Material", "open_training"]

HELD_OUT = 1000  # examples of the test split, for the curves


def open_training(settings: Settings, data_dir: str | Path | None, *, few_labels: bool) -> Source:
    """The examples that settings ask to train on."""
    source = _open(settings, "train", data_dir, settings.limit)
    return with_few_labels(source, settings.labelled) if settings.labelled or few_labels else source


def _open(settings: Settings, split: str, data_dir, limit: int | None) -> Source:
    names = settings.condition
    return open_source(settings.data, split, condition=names, data_dir=data_dir, limit=limit, size=settings.size)


@dataclasses.dataclass(frozen=True)
class Material:
    """Arguments:
    settings: of the run.
    model: that takes the examples.
    data_dir: where TensorFlow Datasets are.
    """

    settings: Settings
    model: GenerativeModel
    data_dir: str | Path | None = None

    @property
    def name(self) -> str:
        return self.settings.data

    def open(self, split: str, limit: int | None = None) -> Source:
        return _open(self.settings, split, self.data_dir, limit)

    def dataset(self, source: Source) -> tf.data.Dataset:
        """To train on."""
        if source.real and self.model.values != "real":
            raise ValueError(
                f"{self.name} holds real numbers, and this {self.settings.system} takes {self.model.values} values: "
                "take other data, or see its arguments"
            )
        return data.load(source, "train", batch=self.settings.batch, seed=self.settings.seed, **self._form(source))

    def arrays(self, source: Source, seed: int = 0) -> tuple:
        """x and the condition (None of a model that is told nothing), in their own order."""
        given = data.arrays(source, seed=seed, **self._form(source))
        return given if isinstance(given, tuple) else (given, None)

    def held_out(self) -> tuple | None:
        """The first thousand examples of the test split; None where the data have none."""
        try:
            source = self.open("test", HELD_OUT)
        except ValueError as error:
            if "split" not in str(error):
                raise
            return None
        return self.arrays(source)

    def labels(self, split: str, limit: int | None) -> tuple[np.ndarray, int] | None:
        """Of every example, and how many classes there are, whether or not the model is told them."""
        try:
            source = _open(dataclasses.replace(self.settings, condition=("labels",)), split, self.data_dir, limit)
        except ValueError:
            return None
        if isinstance(source, Examples):
            return source.condition, source.spec
        return data.arrays(source, values="bytes")[1], source.spec

    def dequantises(self, source: Source) -> bool:
        """Bytes are, for a density of real numbers."""
        model = self.model
        return not source.real and model.values == "real" and (hasattr(model, "log_prob") or hasattr(model, "bound"))

    def _form(self, source: Source) -> dict:
        dequantise = self.dequantises(source)
        return {"values": self.model.values, "binarise": self.settings.binarise, "dequantise": dequantise}
