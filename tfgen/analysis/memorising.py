"""Does a model memorise? Samples beside the training examples nearest to them.

    ratio = median distance of samples to their nearest training example / the same of examples held out

Near 1 is as far from the training set as new data are; near 0 is memorised; well above 1 is far from the data
altogether.
"""

import dataclasses

import numpy as np

from tfgen.checks import at_least

__all__ = ["Memory", "memory", "neighbours"]

PIECE, MORE = 8192, 8  # rows at a time; candidates besides those that are asked for, because products of matrices round


@dataclasses.dataclass(frozen=True)
class Memory:
    """Median distances to the nearest training example, and their ratio (NaN where held-out examples are training
    examples themselves)."""

    ratio: float
    samples: float
    held_out: float


def neighbours(samples: np.ndarray, train: np.ndarray, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The nearest examples by Euclidean distance: their places [n, count] in the training set, nearest first, and the
    distances."""
    at_least(1, count=count)
    if np.shape(samples)[1:] != np.shape(train)[1:]:
        raise ValueError(
            f"samples of shape {np.shape(samples)[1:]} came for training examples of shape {np.shape(train)[1:]}: "
            "give both alike"
        )
    if count > len(train):
        raise ValueError(f"{count} neighbours were asked for among {len(train)} examples: ask for fewer")
    x, y = (np.asarray(part, np.float32).reshape(len(part), -1) for part in (samples, train))
    centre = y[:PIECE].mean(0)  # products of small numbers round less
    centred = x - centre
    keep = min(count + MORE, len(y))
    near, places = np.empty((len(x), 0), np.float32), np.empty((len(x), 0), int)
    for at in range(0, len(y), PIECE):
        piece = y[at : at + PIECE] - centre
        squared = (piece**2).sum(1) - 2 * centred @ piece.T  # and |x|², the same for all
        near = np.concatenate([near, squared], 1)
        places = np.concatenate([places, np.broadcast_to(np.arange(at, at + len(piece)), squared.shape)], 1)
        best = np.argpartition(near, min(keep, near.shape[1]) - 1, 1)[:, :keep]
        near, places = np.take_along_axis(near, best, 1), np.take_along_axis(places, best, 1)
    places.sort(1)  # of equals, the first
    exact = np.stack(
        [np.linalg.norm((row - y[mine]).astype(np.float64), axis=1) for row, mine in zip(x, places, strict=True)]
    )
    order = np.argsort(exact, 1, kind="stable")[:, :count]
    return np.take_along_axis(places, order, 1), np.take_along_axis(exact, order, 1)


def memory(samples: np.ndarray, held_out: np.ndarray, train: np.ndarray) -> Memory:
    """The ratio of the medians; `held_out` are examples that the model has not seen."""
    of_samples, of_held_out = (float(np.median(neighbours(part, train, 1)[1])) for part in (samples, held_out))
    return Memory(of_samples / of_held_out if of_held_out > 0 else float("nan"), of_samples, of_held_out)
