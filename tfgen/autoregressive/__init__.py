"""Autoregressive models: one dimension after another, each given those before it."""

import functools

import numpy as np

from tfgen.autoregressive.made import MADE
from tfgen.entry import Entry

__all__ = ["ENTRIES", "MADE"]


def _labelled_bits():
    generator = np.random.default_rng(0)
    return generator.integers(0, 2, (64, 5)).astype("float32"), generator.integers(0, 3, 64)


ENTRIES = [
    Entry(
        "made",
        MADE,
        "Germain et al. 2015",
        "masked auto-encoder, any depth, order and number of masks, with or without classes",
        tiny=functools.partial(MADE, (5,), hidden=(16, 16), masks=2, condition=3),
        tiny_data=_labelled_bits,
        full=MADE,
    ),
]
