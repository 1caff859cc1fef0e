"""Samplers and estimators that run chains."""

from tfgen.sampling.ais import AnnealingPath, LogZ, annealed_importance
from tfgen.sampling.decoding import SAMPLE, Choice, naive, unroll

__all__ = ["SAMPLE", "AnnealingPath", "Choice", "LogZ", "annealed_importance", "naive", "unroll"]
