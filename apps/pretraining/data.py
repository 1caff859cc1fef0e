"""Pictures without labels, and some with them."""

import dataclasses
from pathlib import Path

import numpy as np

from tfgen import data

__all__ = ["Task", "open_task"]


@dataclasses.dataclass(frozen=True)
class Task:
    """Arguments:
    unlabelled: what the generative model learns from.
    x, labels, test_x, test_labels: pictures in 0..1 and their classes.
    classes: how many there are.
    """

    unlabelled: data.Source
    x: np.ndarray
    labels: np.ndarray
    test_x: np.ndarray
    test_labels: np.ndarray
    classes: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.x.shape[1:]

    def few(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """So many labelled examples, each class as often as any other as far as it has them."""
        order = np.random.default_rng(seed).permutation(len(self.x))
        ranks = np.zeros(len(self.x), int)
        for k in range(self.classes):
            ranks[self.labels[order] == k] = np.arange(np.sum(self.labels == k))
        chosen = order[np.argsort(ranks, kind="stable")[:count]]
        return self.x[chosen], self.labels[chosen]


def open_task(
    name: str | Path,
    labelled: str | Path | None = None,
    *,
    size: int | None = None,
    data_dir: Path | None = None,
    limit: int | None = None,
) -> Task:
    """A set of `tfgen.data` that has labels, or a folder of pictures and another with a folder for each class."""
    sides, told = None if size is None else (size, size), labelled or name
    options = {"data_dir": data_dir, "size": sides}
    unlabelled = data.open_source(name, "train", limit=limit, **options)
    train, test = (data.open_source(told, split, condition="labels", **options) for split in ("train", "test"))
    if train.shape != unlabelled.shape:
        raise ValueError(
            f"{told} holds pictures of {train.shape}, and {name} of {unlabelled.shape}: give --size to cut both alike"
        )
    (x, labels), (test_x, test_labels) = (data.arrays(source, values="unit", shuffle=False) for source in (train, test))
    return Task(unlabelled, x, np.asarray(labels), test_x, np.asarray(test_labels), train.spec)
