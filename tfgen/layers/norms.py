"""Normalising layers by name."""

import keras

from tfgen.checks import numbered, one_of
from tfgen.layers.batch_norm import BatchNormalization
from tfgen.layers.kernels import Spectral, WeightNormalized
from tfgen.layers.virtual import VirtualBatchNormalization

__all__ = ["KERNELS", "NORMS", "norms", "wrapped"]

KERNELS = {"spectral": Spectral, "weight": WeightNormalized}  # a critic's: its layers have no other norm between them
NORMS = ("none", "batch", "layer", *KERNELS, "virtual")


def norms(kind: str) -> list[keras.layers.Layer]:
    """What stands between a linear layer and its activation: nothing, or one layer. "virtual:64" has a reference batch
    of 64."""
    name, count = numbered(kind)
    one_of(f"norm={kind!r}", name, NORMS)
    if count is not None and name != "virtual":
        raise ValueError(f"norm={kind!r}: {name} takes no number, write {name}")
    if name == "virtual":
        if count is None or count < 2 or count != int(count):
            raise ValueError(f"norm={kind!r}: say how many the reference batch holds, such as virtual:64")
        return [VirtualBatchNormalization(int(count))]
    if name == "batch":  # one that leaves the moments of all replicas together
        return [BatchNormalization()]
    return (
        [keras.layers.GroupNormalization(1, epsilon=1e-5)] if name == "layer" else []
    )  # over all of an example, with a scale for each channel


def wrapped(layer: keras.layers.Layer, kind: str) -> keras.layers.Layer:
    """The layer itself, or with its kernel normalised."""
    return KERNELS[kind](layer, dtype=layer.dtype_policy) if kind in KERNELS else layer
