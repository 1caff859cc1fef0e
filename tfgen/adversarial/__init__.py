"""Adversarial models: generator, critic, game."""

import functools

import numpy as np

from tfgen.adversarial.engine import Adversarial
from tfgen.adversarial.gan import GAN
from tfgen.entry import Entry

__all__ = ["ENTRIES", "GAN", "Adversarial"]


def _plane():
    return np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


ENTRIES = [
    Entry(
        "gan", GAN, "Goodfellow et al. 2014", "generative adversarial nets, minimax or non-saturating",
        tiny=functools.partial(GAN, (2,), latent=3, hidden=(8,), values="real", turns=2), tiny_data=_plane, full=GAN, epochs=100,
    ),
]  # fmt: skip
