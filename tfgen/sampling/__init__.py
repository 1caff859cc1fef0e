"""Samplers and estimators that run chains."""

from tfgen.sampling.ais import AnnealingPath, LogZ, annealed_importance, reverse_annealed_importance
from tfgen.sampling.decoding import SAMPLE, Choice, naive, unroll
from tfgen.sampling.enumeration import binary_states, log_sum
from tfgen.sampling.gibbs import fantasies, gibbs
from tfgen.sampling.langevin import langevin

__all__ = [
    "SAMPLE",
    "AnnealingPath",
    "Choice",
    "LogZ",
    "annealed_importance",
    "binary_states",
    "fantasies",
    "gibbs",
    "langevin",
    "log_sum",
    "naive",
    "reverse_annealed_importance",
    "unroll",
]
