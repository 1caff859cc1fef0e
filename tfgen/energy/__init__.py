"""Energy-based models and belief nets."""

import functools

import numpy as np

from tfgen.energy.belief_net import BeliefNet
from tfgen.energy.boltzmann import Boltzmann
from tfgen.energy.class_rbm import ClassRBM
from tfgen.energy.dbm import DBM
from tfgen.energy.dbn import DBN
from tfgen.energy.deep_energy import DeepEnergy
from tfgen.energy.helmholtz import Helmholtz
from tfgen.energy.rbm import RBM
from tfgen.energy.sbn import SBN
from tfgen.energy.staged import Staged
from tfgen.entry import Entry

__all__ = [
    "DBM",
    "DBN",
    "ENTRIES",
    "RBM",
    "SBN",
    "BeliefNet",
    "Boltzmann",
    "ClassRBM",
    "DeepEnergy",
    "Helmholtz",
    "Staged",
]


def _bits(d: int):
    return np.random.default_rng(0).integers(0, 2, (64, d)).astype("float32")


def _told(d: int):
    return _bits(d), np.random.default_rng(1).integers(0, 3, 64)


def _tiny_class_rbm():
    """Its weights are those of a machine that has learnt: from the start a label is not heard for some epochs."""
    model = ClassRBM((5,), condition=3, hidden=4, sweeps=10)
    model.W.assign(np.random.default_rng(2).normal(size=model.W.shape))
    return model


def _points():
    return np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


ENTRIES = [
    Entry(
        "boltzmann",
        Boltzmann,
        "Ackley et al. 1985",
        "Boltzmann machine, a link between any two units",
        tiny=functools.partial(Boltzmann, (4,), hidden=2, chains=16, k=2, sweeps=10),
        tiny_data=functools.partial(_bits, 4),
        full=functools.partial(Boltzmann, hidden=10),
    ),
    Entry(
        "rbm",
        RBM,
        "Smolensky 1986; Hinton 2002; Tieleman 2008",
        "restricted Boltzmann machine, by (persistent) contrastive divergence; binary, Gaussian or softmax units",
        tiny=functools.partial(RBM, (5,), hidden=4, sweeps=50),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(RBM, hidden=500, chains=100),
    ),
    Entry(
        "class_rbm",
        ClassRBM,
        "Larochelle and Bengio 2008",
        "RBM of examples and labels, p(x, y)",
        tiny=_tiny_class_rbm,
        tiny_data=functools.partial(_told, 5),
        full=functools.partial(ClassRBM, condition=10, hidden=500, chains=100),
    ),
    Entry(
        "dbm",
        DBM,
        "Salakhutdinov and Hinton 2009",
        "deep Boltzmann machine, mean field and persistent chains",
        tiny=functools.partial(DBM, (5,), hidden=(4, 3), pretrain=0, rounds=3, chains=16, k=2, sweeps=10),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(DBM, hidden=(500, 1000)),
        epochs=60,
    ),
    Entry(
        "dbn",
        DBN,
        "Hinton et al. 2006",
        "deep belief net, RBMs one above the other, then up-down",
        tiny=functools.partial(DBN, (5,), hidden=(4, 3), pretrain=1, chains=16, sweeps=10),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(DBN, hidden=(500, 500)),
        epochs=40,
    ),
    Entry(
        "sbn",
        SBN,
        "Neal 1992",
        "sigmoid belief net, by samples of its posterior",
        tiny=functools.partial(SBN, (5,), hidden=(3, 2), temperatures=5),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(SBN, hidden=(10,)),
    ),
    Entry(
        "helmholtz",
        Helmholtz,
        "Dayan et al. 1995; Hinton et al. 1995; Bornschein and Bengio 2015",
        "Helmholtz machine, a sigmoid belief net by (reweighted) wake-sleep",
        tiny=functools.partial(Helmholtz, (5,), hidden=(3, 2)),
        tiny_data=functools.partial(_bits, 5),
        full=functools.partial(Helmholtz, hidden=(200,)),
        epochs=50,
    ),
    Entry(
        "deep_energy",
        DeepEnergy,
        "Du and Mordatch 2019",
        "energy of a deep net, by Langevin chains from a buffer",
        tiny=functools.partial(
            DeepEnergy, (2,), values="real", net="mlp", hidden=(6,), chains=32, steps=3, step=0.1, noise=None, sweeps=10
        ),
        tiny_data=_points,
        full=DeepEnergy,
        epochs=30,
    ),
]
