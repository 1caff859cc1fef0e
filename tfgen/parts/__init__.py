"""Parts of which systems are made. A part never knows the system that uses it."""

from tfgen.parts.average import Average
from tfgen.parts.critic import Critic, features
from tfgen.parts.history import History
from tfgen.parts.likelihoods import LIKELIHOODS, Likelihood, likelihood
from tfgen.parts.pool import Pool
from tfgen.parts.posteriors import Diagonal, Flowed, Weighted
from tfgen.parts.stages import Stages

__all__ = [
    "LIKELIHOODS",
    "Average",
    "Critic",
    "Diagonal",
    "Flowed",
    "History",
    "Likelihood",
    "Pool",
    "Stages",
    "Weighted",
    "features",
    "likelihood",
]
