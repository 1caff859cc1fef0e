"""Samplers and estimators that run chains."""

from tfgen.sampling.ais import LogZ, Path, annealed_importance
from tfgen.sampling.decoding import unroll

__all__ = ["LogZ", "Path", "annealed_importance", "unroll"]
