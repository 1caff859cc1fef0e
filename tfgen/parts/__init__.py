"""Parts of which systems are made. A part never knows the system that uses it."""

from tfgen.parts.average import Average
from tfgen.parts.chains import coins, persistent
from tfgen.parts.channels import Channels, MixtureOfScales
from tfgen.parts.critic import Critic, features
from tfgen.parts.history import History
from tfgen.parts.likelihoods import LIKELIHOODS, Likelihood, likelihood
from tfgen.parts.pool import Pool
from tfgen.parts.posteriors import Diagonal, Flowed, Full, Weighted, drawn, posterior
from tfgen.parts.priors import PRIORS, prior
from tfgen.parts.stages import Stages

__all__ = [
    "LIKELIHOODS",
    "PRIORS",
    "Average",
    "Channels",
    "Critic",
    "Diagonal",
    "Flowed",
    "Full",
    "History",
    "Likelihood",
    "MixtureOfScales",
    "Pool",
    "Stages",
    "Weighted",
    "coins",
    "drawn",
    "features",
    "likelihood",
    "persistent",
    "posterior",
    "prior",
]
