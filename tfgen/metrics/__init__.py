"""How good a model is. Nats per example everywhere; functions take tensors or numpy arrays."""

from tfgen.metrics.likelihood import BitsPerDim, Likelihood, annealed_log_likelihood, bits_per_dim, enumerated_log_likelihood, likelihood
from tfgen.metrics.reconstruction import ReconstructionError, reconstruction_error

__all__ = [
    "BitsPerDim",
    "Likelihood",
    "ReconstructionError",
    "annealed_log_likelihood",
    "bits_per_dim",
    "enumerated_log_likelihood",
    "likelihood",
    "reconstruction_error",
]
