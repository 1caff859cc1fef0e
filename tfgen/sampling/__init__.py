"""Samplers and estimators that run chains."""

from tfgen.sampling.ais import LogZ, Path, annealed_importance

__all__ = ["LogZ", "Path", "annealed_importance"]
