"""Variational models: a bound on the likelihood, and a posterior that is learnt with it."""

import functools

import numpy as np

from tfgen.entry import Entry
from tfgen.variational.vae import VAE

__all__ = ["ENTRIES", "VAE"]


def _bits():
    return np.random.default_rng(0).integers(0, 2, (64, 5)).astype("float32")


ENTRIES = [
    Entry(
        "vae",
        VAE,
        "Kingma and Welling 2014",
        "variational auto-encoder, Bernoulli or Gaussian",
        tiny=functools.partial(VAE, (5,), latent=2, hidden=(8,)),
        tiny_data=_bits,
        full=VAE,
        epochs=200,
    ),
]
