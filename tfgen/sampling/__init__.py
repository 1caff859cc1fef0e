"""Samplers and estimators that run chains."""

from tfgen.sampling.ais import AnnealingPath, LogZ, annealed_importance
from tfgen.sampling.decoding import unroll

__all__ = ["AnnealingPath", "LogZ", "annealed_importance", "unroll"]
