"""Normal examples to learn from, and others to judge: a set by name, one of its classes, or a folder of pictures."""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen import data
from tfgen.data import Examples, fit_image
from tfgen.data.folders import SUFFIXES, decode

__all__ = ["Judged", "files", "judged", "labelled", "normal", "of_class"]

HELD_OUT = 10  # one example in so many is kept from the training, and says where novelty begins


@dataclasses.dataclass(frozen=True)
class Judged:
    """x float32 [n, *shape] in 0..1, and whether each is a novelty."""

    x: np.ndarray
    novel: np.ndarray


def normal(
    name: str, label: int | None, *, data_dir=None, limit: int | None = None, size=None
) -> tuple[Examples, Examples]:
    """The training examples of a set (of one of its classes), and those held out."""
    source = _examples(name, "train", label, data_dir, size)
    source = source if limit is None else source.first(limit)
    places = np.arange(source.count)
    if source.count < 2 * HELD_OUT:
        raise ValueError(
            f"{source.name} holds {source.count} normal examples: {2 * HELD_OUT} are the least to learn from"
        )
    return source.part(places % HELD_OUT != 0), source.part(places % HELD_OUT == 0)


def judged(name: str, label: int, *, data_dir=None, limit: int | None = None, size=None) -> Judged:
    """The test examples of a set of classes, those of other classes as novelties."""
    source = _open(name, "test", True, data_dir, size)
    source = source if limit is None else source.first(limit)
    _check_label(source, label)
    return Judged(_unit(source.x), source.condition != label)


def files(folder: str | Path, shape: tuple[int, int, int]) -> tuple[list[Path], np.ndarray]:
    """Every picture of a folder, with all below it, in the shape of a model: its paths, and x in 0..1."""
    paths = sorted(p for p in Path(folder).expanduser().rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"{folder} holds no pictures ({', '.join(SUFFIXES)})")
    fit = lambda path: fit_image(tf.constant(decode(path, shape[2], shape[:2])), shape[:2], shape[2]).numpy()
    return paths, np.stack([fit(path) for path in paths]).astype(np.float32) / 255


def labelled(name: str, split: str, *, data_dir=None) -> Examples:
    """A split of a set with its classes."""
    return _open(name, split, True, data_dir, None)


def of_class(source: Examples, label: int, limit: int | None = None) -> Examples:
    """Those of one class, the first so many."""
    _check_label(source, label)
    source = source.part(np.flatnonzero(source.condition == label)[:limit])
    return Examples(source.x, name=f"{source.name}, class {label}")


def _examples(name: str, split: str, label: int | None, data_dir, size) -> Examples:
    source = _open(name, split, label is not None, data_dir, size)
    if label is None:
        return source
    return of_class(source, label)


def _open(name: str, split: str, labels: bool, data_dir, size) -> Examples:
    told = ("labels",) if labels else ()
    source = data.open_source(name, split, condition=told, data_dir=data_dir, size=size)
    if not isinstance(source, Examples):
        raise ValueError(f"{name} does not fit memory: take a smaller --size")
    if source.real or len(source.shape) != 3:
        raise ValueError(f"{name} holds no pictures: novelty is looked for in pictures")
    return source


def _check_label(source: Examples, label: int) -> None:
    if not 0 <= label < source.spec:
        raise ValueError(f"--normal {label}: {source.name} has the classes 0 to {source.spec - 1}")


def _unit(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) / 255
