"""How new an example is: what a variational auto-encoder that knows normal ones pays for it.

bound           -log p(x | z) + KL(q(z | x) ‖ p(z)) at z = E q(z | x): minus a bound of log p(x), but for the draw of z
reconstruction  its first half alone
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen.checks import one_of

__all__ = ["SCORES", "Measured", "auroc", "pieces", "score"]

SCORES = ("bound", "reconstruction")


class Measured(NamedTuple):
    """The area under the ROC curve: how often a novelty scores above a normal example. error: its standard error."""

    auroc: float
    error: float


def pieces(model, x: tf.Tensor) -> dict[str, tf.Tensor]:
    """Both scores of each example, [n], without a random number: what phones get."""
    mean = model.encode(x)
    reconstruction = -model.log_px(x, mean[:, None])[:, 0]
    return {"bound": reconstruction + tf.reduce_sum(model.kl_of_dimensions(x), -1), "reconstruction": reconstruction}


def score(model, x: np.ndarray, by: str = "bound") -> np.ndarray:
    """[n], larger for what is newer."""
    one_of(f"by={by!r}", by, SCORES)
    return conditions.in_pieces(lambda x, _: pieces(model, x)[by], x)


def auroc(scores: np.ndarray, novel: np.ndarray) -> Measured:
    """By ranks, ties counted half; the error as of Hanley and McNeil 1982."""
    novel = np.asarray(novel, bool)
    n, m = int(novel.sum()), int((~novel).sum())
    if not n or not m:
        raise ValueError(f"{n} novelties and {m} normal examples: AUROC needs some of each")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    a = (ranks[novel].sum() - n * (n + 1) / 2) / (n * m)
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + (n - 1) * (q1 - a * a) + (m - 1) * (q2 - a * a)) / (n * m)
    return Measured(float(a), float(np.sqrt(max(variance, 0.0))))
