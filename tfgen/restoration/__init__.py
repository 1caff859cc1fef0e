"""Models that give an original back from its degraded form: x is the original, the condition is what is given."""

import functools

import numpy as np

from tfgen.entry import Entry
from tfgen.restoration.edge_sr import EdgeSR
from tfgen.restoration.upscaler import Upscaler

__all__ = ["ENTRIES", "EdgeSR", "Upscaler"]


def _pictures(scale: int = 2):
    x = np.random.default_rng(0).uniform(size=(64, 8, 8, 3)).astype("float32")
    return x, x.reshape(64, 8 // scale, scale, 8 // scale, scale, 3).mean((2, 4))


ENTRIES = [
    Entry(
        "edge_sr",
        EdgeSR,
        "ours, 2026; after Du et al. 2021",
        "super-resolution for phones: six convolutions",
        tiny=functools.partial(EdgeSR, (8, 8, 3), scale=2, width=4, depth=1),
        tiny_data=_pictures,
        full=EdgeSR,
        batch=16,
        epochs=100,
    ),
]
