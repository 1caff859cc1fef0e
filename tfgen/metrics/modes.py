"""How many modes of a planar mixture a model found.

"PacGAN: The power of two samples in generative adversarial networks", Lin, Khetan, Fanti and Oh, 2018, section 4.1,
https://arxiv.org/abs/1712.04086
"""

from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr

from tfgen.metrics.features import pieces, rows_of

__all__ = ["Modes", "modes"]


class Modes(NamedTuple):
    """What samples show of a mixture of equal modes.

    found: how many modes have a high-quality sample: one within 3 standard deviations.
    share: of samples that are of high quality.
    reverse_kl: KL(samples || uniform) in nats over the modes, each sample counted at its nearest mode, near or far.
    per_mode: those counts, int [modes].
    """

    found: int
    share: float
    reverse_kl: float
    per_mode: np.ndarray


def modes(samples: np.ndarray, centres: np.ndarray, sd: float) -> Modes:
    """Of samples [n, d] at the modes centres [modes, d], each a Gaussian of this standard deviation."""
    samples, centres = rows_of(samples=samples, centres=centres)
    nearest, high = np.empty(len(samples), int), np.empty(len(samples), bool)
    for rows, distances in pieces(samples, centres):
        nearest[rows], high[rows] = distances.argmin(1), distances.min(1) <= (3 * sd) ** 2
    counts = np.bincount(nearest, minlength=len(centres))
    reverse = rel_entr(counts / len(samples), 1 / len(centres)).sum()
    return Modes(len(np.unique(nearest[high])), float(high.mean()), float(reverse), counts)
