"""Deep generative models in Keras 3: train, judge and ship them.

Names are imported when they are first used, and `python -m tfgen --help` does not wait for TensorFlow. From Python all
systems are imported at once, because `keras.saving.load_model` knows only classes that are.
"""

import importlib
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_ASKED = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv[:-1] else [""]
# those commands import TensorFlow when they need it
_FROM_PYTHON = _ASKED[0] not in ("tfgen", "tfgen.__main__") and _ASKED[0].split(".")[0] not in ("export", "apps")
if _FROM_PYTHON:
    from tfgen._quiet import import_tensorflow

    import_tensorflow()

__version__ = "0.1.0"

_HOME = {
    "GenerativeModel": "tfgen.model",
    "Player": "tfgen.model",
    "CATALOG": "tfgen.catalog",
    "Entry": "tfgen.catalog",
    "load": "tfgen.catalog",
    "GMM": "tfgen.mixture",
    "MoB": "tfgen.mixture",
    "HMM": "tfgen.mixture",
    "Boltzmann": "tfgen.energy",
    "RBM": "tfgen.energy",
    "ClassRBM": "tfgen.energy",
    "DBM": "tfgen.energy",
    "DBN": "tfgen.energy",
    "SBN": "tfgen.energy",
    "DeepEnergy": "tfgen.energy",
    "Helmholtz": "tfgen.energy",
    "GAN": "tfgen.adversarial",
    "BEGAN": "tfgen.adversarial",
    "BGAN": "tfgen.adversarial",
    "CGAN": "tfgen.adversarial",
    "DCGAN": "tfgen.adversarial",
    "Disco": "tfgen.adversarial",
    "FGAN": "tfgen.adversarial",
    "GMMN": "tfgen.adversarial",
    "ImprovedGAN": "tfgen.adversarial",
    "InfoGAN": "tfgen.adversarial",
    "JointGAN": "tfgen.adversarial",
    "LSGAN": "tfgen.adversarial",
    "MMDGAN": "tfgen.adversarial",
    "PostFilter": "tfgen.adversarial",
    "R1GAN": "tfgen.adversarial",
    "RothGAN": "tfgen.adversarial",
    "SEGAN": "tfgen.adversarial",
    "WGAN": "tfgen.adversarial",
    "WGANGP": "tfgen.adversarial",
    "VAE": "tfgen.variational",
    "ADGM": "tfgen.variational",
    "AVB": "tfgen.variational",
    "HVAE": "tfgen.variational",
    "HVI": "tfgen.variational",
    "HouseholderVAE": "tfgen.variational",
    "IAFVAE": "tfgen.variational",
    "IWAE": "tfgen.variational",
    "JVI": "tfgen.variational",
    "MLVAE": "tfgen.variational",
    "NICE": "tfgen.variational",
    "NICEPosterior": "tfgen.variational",
    "PlanarVAE": "tfgen.variational",
    "RadialVAE": "tfgen.variational",
    "SemiADGM": "tfgen.variational",
    "MADE": "tfgen.autoregressive",
    "FVSBN": "tfgen.autoregressive",
    "NeuralAR": "tfgen.autoregressive",
    "NADE": "tfgen.autoregressive",
    "EoNADE": "tfgen.autoregressive",
    "PixelCNN": "tfgen.autoregressive",
    "GatedPixelCNN": "tfgen.autoregressive",
    "Multiscale": "tfgen.autoregressive",
    "RIDE": "tfgen.autoregressive",
    "DiagonalBiLSTM": "tfgen.autoregressive",
    "RowLSTM": "tfgen.autoregressive",
    "EdgeSE": "tfgen.restoration",
    "EdgeSR": "tfgen.restoration",
    "SRResNet": "tfgen.restoration",
    "SRGAN": "tfgen.restoration",
    "AMAP": "tfgen.restoration",
}
_MODULES = ("analysis", "callbacks", "catalog", "data", "distribute", "metrics", "rng", "sampling")

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"tfgen.{name}")
    raise AttributeError(f"tfgen has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)


if _FROM_PYTHON:
    importlib.import_module("tfgen.catalog")
