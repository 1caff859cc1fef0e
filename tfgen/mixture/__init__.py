"""Mixtures, learnt by exact EM."""

import functools

import numpy as np

from tfgen.entry import Entry
from tfgen.mixture.em import EM, Mixture
from tfgen.mixture.gmm import GMM
from tfgen.mixture.hmm import HMM
from tfgen.mixture.mob import MoB

__all__ = ["EM", "ENTRIES", "GMM", "HMM", "Mixture", "MoB"]


def _blobs():
    generator = np.random.default_rng(0)
    return (generator.normal(size=(64, 2)) + 4 * generator.integers(0, 2, (64, 1))).astype("float32")


def _walks():
    return np.cumsum(np.random.default_rng(0).normal(size=(64, 4, 2)), 1).astype("float32")


def _bits():
    return np.random.default_rng(0).integers(0, 2, (64, 5)).astype("float32")


ENTRIES = [
    Entry(
        "gmm",
        GMM,
        "Pearson 1894; Dempster et al. 1977",
        "mixture of Gaussians with full, tied or diagonal covariances, by EM",
        tiny=functools.partial(GMM, (2,), components=3),
        tiny_data=_blobs,
        full=GMM,
        epochs=30,
    ),
    Entry(
        "hmm",
        HMM,
        "Baum et al. 1970",
        "hidden Markov model with Gaussian or categorical emissions, by Baum-Welch",
        tiny=functools.partial(HMM, (4, 2), states=3),
        tiny_data=_walks,
        full=functools.partial(HMM, states=10),
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
