"""Variational models: a bound on the likelihood, and a posterior that is learnt with it; and a flow without a bound."""

import functools

import numpy as np

from tfgen.entry import Entry
from tfgen.variational.adgm import ADGM
from tfgen.variational.avb import AVB
from tfgen.variational.engine import Variational
from tfgen.variational.householder import HouseholderVAE
from tfgen.variational.hvae import HVAE
from tfgen.variational.hvi import HVI
from tfgen.variational.iaf import IAFVAE
from tfgen.variational.iwae import IWAE
from tfgen.variational.jvi import JVI
from tfgen.variational.ml_vae import MLVAE
from tfgen.variational.nice import NICE
from tfgen.variational.nice_posterior import NICEPosterior
from tfgen.variational.planar import PlanarVAE
from tfgen.variational.radial import RadialVAE
from tfgen.variational.semi_adgm import SemiADGM
from tfgen.variational.vae import VAE

__all__ = [
    "ADGM",
    "AVB",
    "ENTRIES",
    "HVAE",
    "HVI",
    "IAFVAE",
    "IWAE",
    "JVI",
    "MLVAE",
    "NICE",
    "VAE",
    "HouseholderVAE",
    "NICEPosterior",
    "PlanarVAE",
    "RadialVAE",
    "SemiADGM",
    "Variational",
]


def _bits():
    return np.random.default_rng(0).integers(0, 2, (64, 5)).astype("float32")


def _labelled_bits():
    return _bits(), np.random.default_rng(1).integers(0, 3, 64)


def _plane():
    return np.random.default_rng(0).normal(size=(64, 3)).astype("float32"), np.random.default_rng(1).integers(0, 3, 64)


def _row(name, model, paper, summary, told=False, full=None, epochs=200, **tiny):
    """One whose tiny model has five bits, two latent dimensions and, where it is told, three classes."""
    tiny = {"latent": 2, "hidden": (8,), **({"condition": 3} if told else {}), **tiny}
    make = functools.partial(model, (5,), **tiny)
    return Entry(name, model, paper, summary, make, _labelled_bits if told else _bits, full or model, epochs=epochs)


ENTRIES = [
    _row("vae", VAE, "Kingma and Welling 2014", "variational auto-encoder, any likelihood, prior and posterior"),
    _row("iwae", IWAE, "Burda et al. 2016", "importance weighted auto-encoder, a bound of several samples", samples=3),
    _row("jvi", JVI, "Nowozin 2018", "jackknife variational inference, orders 1 and 2", samples=3, objective="jvi:2"),
    _row("planar", PlanarVAE, "Rezende and Mohamed 2015", "posterior of planar flows", told=True, posterior="planar:2"),
    _row("radial", RadialVAE, "Rezende and Mohamed 2015", "posterior of radial flows", posterior="radial:2"),
    _row(
        "householder",
        HouseholderVAE,
        "Tomczak and Welling 2016",
        "posterior of Householder flows, a full covariance",
        posterior="householder:2",
    ),
    _row(
        "iaf",
        IAFVAE,
        "Kingma et al. 2016",
        "posterior of inverse autoregressive flows",
        told=True,
        posterior="iaf:2",
        flow_hidden=(6,),
    ),
    _row(
        "nice_posterior",
        NICEPosterior,
        "Dinh et al. 2015; Rezende and Mohamed 2015",
        "posterior of coupling flows",
        posterior="coupling:2",
        flow_hidden=(6,),
    ),
    _row(
        "hvi",
        HVI,
        "Salimans et al. 2015",
        "Hamiltonian variational inference, a posterior of leapfrog steps",
        leaps=2,
        reverse_hidden=(6,),
    ),
    _row("adgm", ADGM, "Maaløe et al. 2016", "auxiliary deep generative model, with or without a class", auxiliary=2),
    _row(
        "semi_adgm",
        SemiADGM,
        "Maaløe et al. 2016",
        "auxiliary deep generative model that learns classes from few labels",
        told=True,
        full=functools.partial(SemiADGM, condition=11),
        auxiliary=2,
    ),
    _row(
        "hvae",
        HVAE,
        "Burda et al. 2016",
        "two layers of latent variables",
        told=True,
        between=3,
        upper_hidden=(4,),
        samples=2,
    ),
    _row(
        "avb",
        AVB,
        "Mescheder et al. 2017",
        "adversarial variational Bayes with adaptive contrast",
        basis=2,
        noise=2,
        basis_hidden=(4,),
        critic_hidden=(6,),
    ),
    Entry(
        "ml_vae",
        MLVAE,
        "Bouchacourt et al. 2018",
        "multi-level auto-encoder: a style for each example, a content for each group",
        tiny=functools.partial(MLVAE, (5,), condition=3, content=2, style=2, hidden=(8,)),
        tiny_data=_labelled_bits,
        full=functools.partial(MLVAE, condition=10),
        epochs=200,
    ),
    Entry(
        "nice",
        NICE,
        "Dinh et al. 2015",
        "additive couplings, an exact density of real numbers",
        tiny=functools.partial(NICE, (3,), condition=3, couplings=2, hidden=(6,)),
        tiny_data=_plane,
        full=NICE,
        epochs=50,
    ),
]
