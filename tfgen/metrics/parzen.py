"""Parzen windows: a density from samples, for models that have none.

"Generative Adversarial Nets", Goodfellow et al., 2014, section 5, https://arxiv.org/abs/1406.2661, after Breuleux et
al., 2011:

    p(x) = 1/n Σ_i N(x; sample_i, σ² I),        σ the best of a grid on validation data

Its variance is large and in many dimensions it says little of a model (Theis et al., 2016): it is here for comparison
with the early papers.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from tfgen.metrics.features import pieces, rows_of

__all__ = ["SIGMAS", "Parzen", "parzen"]

SIGMAS = (*(round(0.1 + i / 100, 2) for i in range(20)), 0.4, 0.6, 1.0)  # the authors' twenty, and a few for wider data


class Parzen(NamedTuple):
    """log_prob: the mean of log p(x) over the test data, in nats. error: its standard error over them. sigma: of the
    windows."""

    log_prob: float
    error: float
    sigma: float


def parzen(samples: np.ndarray, validation: np.ndarray, test: np.ndarray, sigmas: Sequence[float] = SIGMAS) -> Parzen:
    """The likelihood of test data [m, …] under windows at samples [n, …]; sigma by validation data [v, …]. Examples of
    any shape."""
    sigmas = np.atleast_1d(np.asarray(sigmas, np.float64))
    if not sigmas.size or not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise ValueError(f"sigmas={sigmas}: expected one or more numbers above 0")
    flat = {"samples": samples, "validation": validation, "test": test}
    samples, validation, test = rows_of(**{name: np.reshape(x, (len(x), -1)) for name, x in flat.items()})
    best = sigmas[_log_density(samples, validation, sigmas).mean(1).argmax()]
    each = _log_density(samples, test, np.array([best]))[0]
    return Parzen(float(each.mean()), float(each.std(ddof=1) / math.sqrt(len(each))), float(best))


def _log_density(samples: np.ndarray, x: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """log p(x) for every sigma, [sigmas, len(x)]."""
    found, (n, d) = np.empty((len(sigmas), len(x))), samples.shape
    for rows, distances in pieces(x, samples):
        for i, sigma in enumerate(sigmas):
            found[i, rows] = (
                logsumexp(distances / (-2 * sigma**2), axis=1) - d / 2 * math.log(2 * math.pi * sigma**2) - math.log(n)
            )
    return found
