"""Distances between two samples as a network sees them: functions of features [n, d], in float64.

Every one of them depends on the network and on both counts: figures compare only where these are the same.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.linalg
from scipy.special import rel_entr

from tfgen.checks import at_least

__all__ = [
    "DensityCoverage",
    "InceptionScore",
    "KernelDistance",
    "PrecisionRecall",
    "density_coverage",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "precision_recall",
]

PIECE = 1000  # rows of a matrix of distances that live at once


class KernelDistance(NamedTuple):
    """value: the mean over the subsets. error: its standard error, over subsets that overlap: it knows nothing of other
    data."""

    value: float
    error: float


class PrecisionRecall(NamedTuple):
    """precision: the share of the fake within the real manifold. recall: the share of the real within the fake one."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """density: how many of k real neighbourhoods a fake lies in, on average (may exceed 1). coverage: the share of real
    neighbourhoods that hold a fake."""

    density: float
    coverage: float


class InceptionScore(NamedTuple):
    """value: the mean over the splits. sd: their standard deviation."""

    value: float
    sd: float


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """|μ - μ'|² + tr(Σ + Σ' - 2 (Σ Σ')^½) of features real [n, d] and fake [m, d].

    "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", Heusel et al., 2017,
    https://arxiv.org/abs/1706.08500.
    Of finite samples it is biased upwards: the fewer, the more.
    """
    real, fake = rows_of(real=real, fake=fake)
    roots = [_root(np.atleast_2d(np.cov(x, rowvar=False))) for x in (real, fake)]
    cross = scipy.linalg.svdvals(roots[0] @ roots[1]).sum()  # = tr (Σ^½ Σ' Σ^½)^½, without the root of a rounding error
    return float(((real.mean(0) - fake.mean(0)) ** 2).sum() + sum((root**2).sum() for root in roots) - 2 * cross)


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, subsets: int = 100, size: int = 1000, seed: int = 0
) -> KernelDistance:
    """KID: the unbiased MMD² of features real [n, d] and fake [m, d] under (x·y / d + 1)³, over random subsets of
    `size` each (all, where there are fewer).

    "Demystifying MMD GANs", Binkowski, Sutherland, Arbel and Gretton, 2018, https://arxiv.org/abs/1801.01401.
    """
    at_least(1, subsets=subsets)
    at_least(2, size=size)
    real, fake = rows_of(real=real, fake=fake)
    size, random = min(size, len(real), len(fake)), np.random.RandomState(seed)
    found = np.array(
        [_cubic_mmd(*(x[random.permutation(len(x))[:size]] for x in (real, fake))) for _ in range(subsets)]
    )
    return KernelDistance(
        float(found.mean()), float(found.std(ddof=1) / math.sqrt(subsets)) if subsets > 1 else math.nan
    )


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> PrecisionRecall:
    """Shares of features real [n, d] and fake [m, d] that lie within the distance of some example of the others to its
    k-th neighbour.

    "Improved Precision and Recall Metric for Assessing Generative Models", Kynkäänniemi et al., 2019,
    https://arxiv.org/abs/1904.06991.
    """
    real, fake = rows_of(real=real, fake=fake)
    of_real, of_fake = (_squared_radii(x, k, name) for x, name in ((real, "real"), (fake, "fake")))
    precise, recalled = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    for rows, distances in pieces(real, fake):
        precise |= (distances <= of_real[rows, None]).any(0)
        recalled[rows] = (distances <= of_fake).any(1)
    return PrecisionRecall(float(precise.mean()), float(recalled.mean()))


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int = 5) -> DensityCoverage:
    """How features fake [m, d] fill the balls around the real ones [n, d], whose radii are the distances to the k-th
    real neighbour.

    "Reliable Fidelity and Diversity Metrics for Generative Models", Naeem et al., 2020,
    https://arxiv.org/abs/2002.09797.
    Of equal distributions the density is near 1, and the coverage near 1 - 2^-k.
    """
    real, fake = rows_of(real=real, fake=fake)
    radii = _squared_radii(real, k, "real")
    inside, covered = 0, 0
    for rows, distances in pieces(real, fake):
        within = distances <= radii[rows, None]
        inside += int(within.sum())
        covered += int(within.any(1).sum())
    return DensityCoverage(inside / (k * len(fake)), covered / len(real))


def inception_score(probabilities: np.ndarray, splits: int = 10) -> InceptionScore:
    """exp(E KL(p(y | x) || p(y))) of probabilities [n, classes], in each of so many splits in their order.

    "Improved Techniques for Training GANs", Salimans et al., 2016, https://arxiv.org/abs/1606.03498.
    """
    (p,) = rows_of(probabilities=probabilities)
    at_least(1, splits=splits)
    if p.min() < 0 or abs(p.sum(1) - 1).max() > 1e-3:
        raise ValueError("inception_score: the rows do not sum to one; give probabilities [n, classes], not logits")
    if len(p) < splits:
        raise ValueError(f"inception_score: {len(p)} rows came for {splits} splits; give more rows, or fewer splits")
    scores = np.array([math.exp(rel_entr(part, part.mean(0)).sum(1).mean()) for part in np.array_split(p, splits)])
    return InceptionScore(float(scores.mean()), float(scores.std()))


# -- what the others are made of ---------------------------------------------------------------------------------------


def rows_of(**arrays: np.ndarray) -> list[np.ndarray]:
    """Each as float64 [n, d], finite, of one d and with at least two rows."""
    given = {name: np.asarray(x) for name, x in arrays.items()}
    for name, x in given.items():
        if x.ndim != 2 or len(x) < 2:
            raise ValueError(f"{name} of shape {x.shape} came: expected [n, d] with at least two rows")
        if not np.isfinite(x).all():
            raise ValueError(f"{name} holds numbers that are not finite: look at the model's samples and losses")
    if len({x.shape[1] for x in given.values()}) > 1:
        raise ValueError(
            f"{', '.join(f'{name} {x.shape}' for name, x in given.items())}: the second dimensions differ; take one "
            "network for all"
        )
    return [x.astype(np.float64) for x in given.values()]


def pieces(x: np.ndarray, y: np.ndarray):
    """Pieces of the squared distances of x [n, d] and y [m, d]: a slice of the rows of x, and theirs to all of y,
    [rows, m]."""
    squares = (y**2).sum(1)
    for at in range(0, len(x), PIECE):
        part = x[at : at + PIECE]
        distances = part @ y.T
        distances *= -2
        distances += (part**2).sum(1)[:, None]
        distances += squares
        yield slice(at, at + len(part)), np.maximum(distances, 0, out=distances)


def _squared_radii(x: np.ndarray, k: int, name: str) -> np.ndarray:
    """The squared distance of each row to its k-th nearest other, [n]."""
    at_least(1, k=k)
    if len(x) <= k:
        raise ValueError(
            f"{len(x)} {name} examples came, and neighbour k={k} of each is asked for: give more, or a smaller k"
        )
    radii = np.empty(len(x))
    for rows, distances in pieces(x, x):
        here = np.arange(len(x))[rows]
        distances[here - here[0], here] = -1.0  # itself, before all others
        radii[rows] = np.partition(distances, k, axis=1)[:, k]
    return radii


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = scipy.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _cubic_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Binkowski et al., Eq. 4, of equal counts."""
    n = len(x)
    within = [_cubic(z, z) for z in (x, y)]
    return float(sum((k.sum() - np.trace(k)) / (n * (n - 1)) for k in within) - 2 * _cubic(x, y).mean())


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    k = x @ y.T
    k /= x.shape[1]
    k += 1
    return k * k * k  # ** 3 takes ten times as long
