"""Energy-based models and belief nets."""

import functools

import numpy as np

from tfgen.energy.helmholtz import Helmholtz
from tfgen.energy.rbm import RBM
from tfgen.entry import Entry

__all__ = ["ENTRIES", "RBM", "Helmholtz"]


def _bits(d: int):
    return np.random.default_rng(0).integers(0, 2, (64, d)).astype("float32")


ENTRIES = [
    Entry(
        "rbm",
        RBM,
        "Smolensky 1986; Hinton 2002; Tieleman 2008",
        "restricted Boltzmann machine, by (persistent) contrastive divergence",
        tiny=functools.partial(RBM, (5,), hidden=4, sweeps=50),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(RBM, hidden=500, chains=100),
    ),
    Entry(
        "helmholtz",
        Helmholtz,
        "Dayan et al. 1995; Hinton et al. 1995",
        "Helmholtz machine, a sigmoid belief net by wake-sleep",
        tiny=functools.partial(Helmholtz, (5,), hidden=(3, 2)),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(Helmholtz, hidden=(200,)),
        epochs=50,
    ),
]
