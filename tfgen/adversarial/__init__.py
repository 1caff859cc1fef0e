"""Adversarial models: generator, critic, game, penalties, tricks."""

import functools

import numpy as np

from tfgen.adversarial.began import BEGAN
from tfgen.adversarial.bgan import BGAN
from tfgen.adversarial.cgan import CGAN
from tfgen.adversarial.composed import Composed
from tfgen.adversarial.dcgan import DCGAN
from tfgen.adversarial.disco import Disco
from tfgen.adversarial.engine import Adversarial
from tfgen.adversarial.fgan import FGAN
from tfgen.adversarial.gan import GAN
from tfgen.adversarial.gmmn import GMMN
from tfgen.adversarial.improved_gan import ImprovedGAN
from tfgen.adversarial.infogan import InfoGAN
from tfgen.adversarial.joint_gan import JointGAN
from tfgen.adversarial.lsgan import LSGAN
from tfgen.adversarial.mmd_gan import MMDGAN
from tfgen.adversarial.post_filter import PostFilter
from tfgen.adversarial.r1_gan import R1GAN
from tfgen.adversarial.roth_gan import RothGAN
from tfgen.adversarial.segan import SEGAN
from tfgen.adversarial.wgan import WGAN
from tfgen.adversarial.wgan_gp import WGANGP
from tfgen.entry import Entry

__all__ = [
    "BEGAN",
    "BGAN",
    "CGAN",
    "DCGAN",
    "ENTRIES",
    "FGAN",
    "GAN",
    "GMMN",
    "LSGAN",
    "MMDGAN",
    "R1GAN",
    "SEGAN",
    "WGAN",
    "WGANGP",
    "Adversarial",
    "Composed",
    "Disco",
    "ImprovedGAN",
    "InfoGAN",
    "JointGAN",
    "PostFilter",
    "RothGAN",
]


def _plane():
    return np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def _sounds():
    x = np.random.default_rng(0).normal(size=(64, 64)).astype("float32") / 9
    return x, x + np.random.default_rng(1).normal(size=x.shape).astype("float32") / 20


def _spectra():
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 1)).astype("float32")
    return x, (x + np.roll(x, 1, 1) + np.roll(x, 1, 2)) / 3


def _labelled():
    return _plane(), np.random.default_rng(1).integers(0, 3, 64)


def _pictures():
    return np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")


def _on_plane(model: type, **arguments):
    return functools.partial(model, (2,), latent=3, hidden=(8,), values="real", **arguments)


ENTRIES = [
    Entry(
        "gan",
        GAN,
        "Goodfellow et al. 2014",
        "generative adversarial nets, minimax or non-saturating",
        tiny=_on_plane(GAN, turns=2),
        tiny_data=_plane,
        full=GAN,
        epochs=100,
    ),
    Entry(
        "fgan",
        FGAN,
        "Nowozin et al. 2016",
        "f-GAN, eleven f-divergences by their variational bound",
        tiny=_on_plane(FGAN),
        tiny_data=_plane,
        full=FGAN,
        epochs=100,
    ),
    Entry(
        "bgan",
        BGAN,
        "Uehara et al. 2016",
        "b-GAN, density ratio estimation by Bregman divergences",
        tiny=_on_plane(BGAN),
        tiny_data=_plane,
        full=BGAN,
        epochs=100,
    ),
    Entry(
        "lsgan",
        LSGAN,
        "Mao et al. 2017",
        "least squares GAN",
        tiny=_on_plane(LSGAN),
        tiny_data=_plane,
        full=LSGAN,
        epochs=100,
    ),
    Entry(
        "wgan",
        WGAN,
        "Arjovsky et al. 2017",
        "Wasserstein GAN with clipped weights",
        tiny=_on_plane(WGAN),
        tiny_data=_plane,
        full=WGAN,
        batch=320,
        epochs=400,
        idle=("critic/output/bias",),
    ),
    Entry(
        "wgan_gp",
        WGANGP,
        "Gulrajani et al. 2017",
        "Wasserstein GAN with a gradient penalty",
        tiny=_on_plane(WGANGP, turns=2),
        tiny_data=_plane,
        full=WGANGP,
        batch=320,
        epochs=400,
        idle=("critic/output/bias",),
    ),
    Entry(
        "roth_gan",
        RothGAN,
        "Roth et al. 2017",
        "GAN with the noise-induced gradient regulariser",
        tiny=_on_plane(RothGAN),
        tiny_data=_plane,
        full=RothGAN,
        epochs=100,
    ),
    Entry(
        "r1_gan",
        R1GAN,
        "Mescheder et al. 2018",
        "GAN with the R1 penalty and an averaged generator",
        tiny=_on_plane(R1GAN),
        tiny_data=_plane,
        full=R1GAN,
        epochs=100,
    ),
    Entry(
        "gmmn",
        GMMN,
        "Li et al. 2015",
        "generative moment matching network, MMD without a critic, on the data or on codes",
        tiny=functools.partial(
            GMMN, (2,), latent=3, hidden=(8,), values="real", code=2, code_hidden=(8,), code_epochs=1
        ),
        tiny_data=_plane,
        full=GMMN,
        batch=1000,
        epochs=200,
    ),
    Entry(
        "mmd_gan",
        MMDGAN,
        "Li et al. 2017",
        "MMD-GAN, moment matching under a kernel that is learnt",
        tiny=functools.partial(MMDGAN, (2,), latent=3, code=3, hidden=(8,), values="real", turns=2),
        tiny_data=_plane,
        full=MMDGAN,
        batch=320,
        epochs=400,
    ),
    Entry(
        "disco",
        Disco,
        "Bouchacourt et al. 2016",
        "DISCO nets, the energy distance as a proper score",
        tiny=functools.partial(Disco, (2,), latent=3, hidden=(8,), condition=3),
        tiny_data=_labelled,
        full=Disco,
        epochs=100,
    ),
    Entry(
        "dcgan",
        DCGAN,
        "Radford et al. 2016",
        "deep convolutional GAN",
        tiny=functools.partial(DCGAN, (8, 8, 1), latent=3, width=4, packing=2, average=0.9),
        tiny_data=_pictures,
        full=DCGAN,
        epochs=100,
    ),
    Entry(
        "began",
        BEGAN,
        "Berthelot et al. 2017",
        "boundary equilibrium GAN, an auto-encoder as the critic",
        tiny=functools.partial(BEGAN, (8, 8, 1), latent=3, width=4),
        tiny_data=_pictures,
        full=BEGAN,
        batch=16,
        epochs=100,
    ),
    Entry(
        "improved_gan",
        ImprovedGAN,
        "Salimans et al. 2016",
        "minibatch discrimination, historical averaging, smooth labels, virtual batch norm",
        tiny=_on_plane(ImprovedGAN, generator_norm="virtual:4", minibatch=2),
        tiny_data=_plane,
        full=ImprovedGAN,
        epochs=100,
    ),
    Entry(
        "cgan",
        CGAN,
        "Mirza and Osindero 2014",
        "conditional GAN",
        tiny=_on_plane(CGAN, condition=3),
        tiny_data=_labelled,
        full=functools.partial(CGAN, condition=10),
        epochs=100,
    ),
    Entry(
        "joint_gan",
        JointGAN,
        "Salimans et al. 2016",
        "semi-supervised GAN for p(x, y), classes and samples from few labels",
        tiny=functools.partial(
            JointGAN, (2,), condition=3, latent=3, hidden=(8,), critic_hidden=(8,), values="real", candidates=4
        ),
        tiny_data=_labelled,
        full=functools.partial(JointGAN, condition=11),
        batch=200,
        epochs=50,
    ),
    Entry(
        "infogan",
        InfoGAN,
        "Chen et al. 2016",
        "GAN with categorical and continuous codes that can be read off",
        tiny=functools.partial(InfoGAN, (2,), latent=3, categories=(3,), codes=1, hidden=(8,)),
        tiny_data=_plane,
        full=InfoGAN,
        epochs=100,
    ),
    Entry(
        "segan",
        SEGAN,
        "Pascual et al. 2017",
        "speech enhanced on the wave, least squares and L1",
        tiny=functools.partial(SEGAN, (64,), width=2, kernel=5, steps=2, reference=2),
        tiny_data=_sounds,
        full=SEGAN,
        batch=100,
        epochs=86,
    ),
    Entry(
        "post_filter",
        PostFilter,
        "Kaneko et al. 2017",
        "texture for spectra that were smoothed",
        tiny=functools.partial(PostFilter, (8, 8, 1), width=4, kernel=3),
        tiny_data=_spectra,
        full=PostFilter,
        batch=64,
        epochs=50,
    ),
]
