"""Sets that need no file: scikit-learn's digits, Gaussians in the plane, worlds small enough to list.

RandomState, because NumPy promises that its streams never change: these sets are the same everywhere, for ever.
"""

from typing import NamedTuple

import numpy as np

from tfgen.data import worlds
from tfgen.data.examples import Examples

__all__ = ["EMBEDDED", "MIXTURES", "Mixture", "digits", "grid", "ring", "train_or_test"]


def train_or_test(name, split: str) -> None:
    if split not in ("train", "test"):
        raise ValueError(f"split={split!r}: {name} has train and test")


def digits(split: str = "train") -> Examples:
    """scikit-learn's 1797 digits: uint8 [n, 8, 8, 1], 10 classes; 1437 to train, 360 to test."""
    from sklearn.datasets import load_digits

    train_or_test("digits", split)
    data = load_digits()
    x = np.round(data.images[..., None] * (255 / 16)).astype(np.uint8)
    order = np.random.RandomState(0).permutation(len(x))
    order = order[:1437] if split == "train" else order[1437:]
    return Examples(x[order], data.target[order].astype(np.int32), 10, "digits")


class Mixture(NamedTuple):
    """Equal Gaussians in the plane: centres [modes, 2], and the standard deviation of each."""

    centres: np.ndarray
    sd: float

    def draw(self, n: int, seed: int, name: str) -> Examples:
        random = np.random.RandomState(seed)
        labels = random.randint(len(self.centres), size=n).astype(np.int32)
        x = (self.centres[labels] + self.sd * random.randn(n, 2)).astype(np.float32)
        return Examples(x, labels, len(self.centres), name)


_ANGLES, _SIDE = 2 * np.pi * np.arange(8) / 8, np.arange(-4, 5, 2)
MIXTURES = {
    "ring": Mixture(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1), 0.01),
    "grid": Mixture(np.stack(np.meshgrid(_SIDE, _SIDE), -1).reshape(-1, 2), 0.05),
}


def ring(n: int = 100_000, seed: int = 0) -> Examples:
    """Eight Gaussians of sd 0.01 on the unit circle, float32 [n, 2]; the label is the mode (PacGAN, Lin et al. 2018,
    section 4.1)."""
    return MIXTURES["ring"].draw(n, seed, "ring")


def grid(n: int = 100_000, seed: int = 0) -> Examples:
    """25 Gaussians of sd 0.05 at {-4, -2, 0, 2, 4}^2, float32 [n, 2]; the label is the mode (the same protocol)."""
    return MIXTURES["grid"].draw(n, seed, "grid")


def _world(world: worlds.World, shape: tuple[int, ...], n: int, seed: int, name: str) -> Examples:
    return Examples((255 * world.sample(n, seed)).astype(np.uint8).reshape(n, *shape), name=name)


_DRAWS = {"train": (100_000, 0), "test": (10_000, 1)}  # how many, and the seed, of the sets that are drawn
EMBEDDED = {
    "digits": digits,
    "ring": lambda split: ring(*_DRAWS[split]),
    "grid": lambda split: grid(*_DRAWS[split]),
    "bars": lambda split: _world(worlds.bars(4), (4, 4, 1), *_DRAWS[split], "bars"),
    "ising": lambda split: _world(worlds.ising(4, 4), (4, 4, 1), *_DRAWS[split], "ising"),
}
