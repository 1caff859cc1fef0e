"""Are two samples of one distribution? Tests with a p-value."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erfc

from tfgen.checks import at_least
from tfgen.losses import mmd
from tfgen.metrics.features import pieces, rows_of

__all__ = ["MMDTest", "NearestNeighbourTest", "mmd_test", "nearest_neighbour_test"]


class NearestNeighbourTest(NamedTuple):
    """What the nearest other example says of where one comes from: 0.5 where both samples are of one distribution.

    accuracy: over both samples; near 1 they lie apart, near 0 one repeats the other.
    of_x, of_y: over either of them.
    z: (accuracy - 1/2) in standard deviations of as many throws of a coin. p_value: of a |z| as large, both sides.
    """

    accuracy: float
    of_x: float
    of_y: float
    z: float
    p_value: float


class MMDTest(NamedTuple):
    """squared_mmd: the unbiased estimate. p_value: the share of permutations with one as large."""

    squared_mmd: float
    p_value: float


def nearest_neighbour_test(x: np.ndarray, y: np.ndarray) -> NearestNeighbourTest:
    """The accuracy of leave-one-out 1-NN on x [n, …] and y [n, …], equally many. Ties count by their share.

    "Revisiting Classifier Two-Sample Tests", Lopez-Paz and Oquab, 2017, https://arxiv.org/abs/1610.06545. Its normal
    approximation takes the answers for independent; two that are each other's nearest are not, so small p-values are a
    little too small.
    """
    x, y = rows_of(x=np.reshape(x, (len(x), -1)), y=np.reshape(y, (len(y), -1)))
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} examples came: the test takes equally many; cut the longer")
    both, n = np.concatenate([x, y]), len(x)
    right = np.empty(2 * n)
    for rows, distances in pieces(both, both):
        here = np.arange(2 * n)[rows]
        distances[here - here[0], here] = np.inf
        nearest = distances == distances.min(1, keepdims=True)
        of_x = nearest[:, :n].sum(1) / nearest.sum(1)
        right[rows] = np.where(here < n, of_x, 1 - of_x)
    z = (right.mean() - 0.5) * 2 * math.sqrt(2 * n)
    return NearestNeighbourTest(
        *(float(v) for v in (right.mean(), right[:n].mean(), right[n:].mean(), z, erfc(abs(z) / math.sqrt(2))))
    )


def mmd_test(
    x: np.ndarray, y: np.ndarray, kernel: mmd.Kernel | None = None, permutations: int = 500, seed: int = 0
) -> MMDTest:
    """MMD² of x [n, …] and y [m, …], and how often it is as large when the examples are dealt out anew.

    "A Kernel Two-Sample Test", Gretton et al., 2012. By default the kernel is Gaussian with the median distance for its
    bandwidth.
    """
    at_least(1, permutations=permutations)
    x, y = rows_of(x=np.reshape(x, (len(x), -1)), y=np.reshape(y, (len(y), -1)))
    both, n, m = np.concatenate([x, y]).astype("float32"), len(x), len(y)
    kernel = kernel or mmd.gaussian([mmd.median_bandwidth(x, y)])
    matrix = np.asarray(kernel(both, both), np.float64)
    np.fill_diagonal(matrix, 0)
    random, mine = np.random.RandomState(seed), np.zeros((n + m, permutations + 1))
    mine[:n, 0] = 1  # which are x's: as they came, then dealt out
    for deal in range(1, permutations + 1):
        mine[random.permutation(n + m)[:n], deal] = 1
    rows = matrix @ mine
    within_x, of_x = (mine * rows).sum(0), rows.sum(0)  # sums over x with x, and over x with all
    within_y = matrix.sum() - 2 * of_x + within_x
    found = within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * (of_x - within_x) / (n * m)
    as_large = (
        found[1:] >= found[0] - 1e-12 * abs(matrix).mean()
    ).sum()  # permutations of equal examples tie but for rounding
    return MMDTest(float(found[0]), float((1 + as_large) / (1 + permutations)))
