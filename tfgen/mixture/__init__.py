"""Mixtures, learnt by exact EM."""

import functools

import numpy as np

from tfgen.entry import Entry
from tfgen.mixture.em import EM
from tfgen.mixture.gmm import GMM
from tfgen.mixture.mob import MoB

__all__ = ["EM", "ENTRIES", "GMM", "MoB"]


def _blobs():
    generator = np.random.default_rng(0)
    return (generator.normal(size=(64, 2)) + 4 * generator.integers(0, 2, (64, 1))).astype("float32")


def _bits():
    return np.random.default_rng(0).integers(0, 2, (64, 5)).astype("float32")


ENTRIES = [
    Entry(
        "gmm",
        GMM,
        "Pearson 1894; Dempster et al. 1977",
        "mixture of Gaussians with full covariances, by EM",
        tiny=functools.partial(GMM, (2,), components=3),
        tiny_data=_blobs,
        full=GMM,
        epochs=30,
    ),
    Entry(
        "mob",
        MoB,
        "Lazarsfeld and Henry 1968; Bishop 2006",
        "mixture of Bernoullis, by EM",
        tiny=functools.partial(MoB, (5,), components=3),
        tiny_data=_bits,
        full=functools.partial(MoB, components=500),
        epochs=30,
    ),
]
