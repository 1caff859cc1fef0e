"""Likelihoods: exact where a model has `log_prob`, by importance sampling where it has `bound`, by annealing where it
has an energy."""

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfgen import door, rng
from tfgen.progress import progress
from tfgen.sampling import LogZ, annealed_importance

__all__ = [
    "BitsPerDim",
    "Likelihood",
    "annealed_log_likelihood",
    "bits_per_dim",
    "enumerated_log_likelihood",
    "likelihood",
]


class Likelihood(NamedTuple):
    """What some examples cost on average: fewer nats are better, here as in every figure of the house.

    nats: the mean of -log p(x), exact or a bound from above in expectation.
    error: the standard error of that mean over the examples.
    how: "exact", "importance, k=5000" or "annealed".
    each: [n], -log p(x) of every example.
    """

    nats: float
    error: float
    how: str
    each: np.ndarray


def bits_per_dim(log_prob, dims: int, constant: float = 0.0):
    """-(log_prob - constant) / (dims · log 2).

    `constant` is what a density gains over the probability of the bytes that were dequantised: dims · log 256 where x
    is bytes over 256.
    """
    return -(log_prob - constant) / (dims * math.log(2.0))


@keras.saving.register_keras_serializable("tfgen")
class BitsPerDim(keras.metrics.Mean):
    """The mean of `bits_per_dim` over everything it was updated with."""

    def __init__(self, dims: int, constant: float = 0.0, name: str = "bits_per_dim", **kwargs):
        super().__init__(name=name, **kwargs)
        self.dims, self.constant = dims, constant

    def update_state(self, log_prob, sample_weight=None):
        return super().update_state(bits_per_dim(log_prob, self.dims, self.constant), sample_weight)

    def get_config(self):
        return {**super().get_config(), "dims": self.dims, "constant": self.constant}


def likelihood(
    model, x, condition=None, *, k: int = 5000, seed: int = 0, batch: int = 100, memory: int = 2**28
) -> Likelihood:
    """The best that the model can say of log p(x): `log_prob`, or else `bound` with k samples, in pieces of at most
    `memory` bytes."""
    x = np.asarray(x)
    door.check_data(model, x, condition, batch)
    exact = hasattr(model, "log_prob")
    if not exact and not hasattr(model, "bound"):
        raise ValueError(
            f"{type(model).__name__} has neither log_prob nor bound: it can sample, and cannot say how likely x is"
        )
    widest = max([math.prod(d or 1 for d in model.shape), *(v.shape[-1] for v in model.trainable_variables if v.shape)])
    piece = (
        1 if exact else int(np.clip(memory // (4 * widest * batch * 4), 1, k))
    )  # about four tensors of the widest layer live at once
    sizes = [piece] * (k // piece) + ([k % piece] if k % piece else [])

    @tf.function(reduce_retracing=True)
    def score(x, condition, seed, size):
        given = {} if condition is None else {"condition": condition}
        return model.log_prob(x, **given) if exact else model.bound(x, k=size, seed=seed, **given)

    def of(rows, count):
        seeds = rng.fold_in(rng.as_seed(seed), count)
        part = tf.constant(x[rows], tf.float32)
        told = (
            None
            if condition is None
            else tf.nest.map_structure(lambda c: tf.convert_to_tensor(np.asarray(c)[rows]), condition)
        )
        if exact:
            return score(part, told, seeds, 1).numpy()
        parts = [score(part, told, rng.fold_in(seeds, i), size) + math.log(size) for i, size in enumerate(sizes)]
        return (tf.reduce_logsumexp(tf.stack(parts), 0) - math.log(k)).numpy()

    starts = range(0, len(x), batch)
    each = np.concatenate(
        [of(slice(s, s + batch), i) for i, s in enumerate(progress(starts, len(starts), "log-likelihood"))]
    )
    how = "exact" if exact else f"importance, k={k}"
    return _summary(each, how)


def annealed_log_likelihood(
    model, x, *, chains: int = 100, temperatures: int = 10_000, seed: int = 0, start=None
) -> tuple[Likelihood, LogZ]:
    """log p(x) = -F(x) - log Z with log Z by annealed importance sampling, from the rates of `start` (data) where
    given."""
    if not hasattr(model, "annealing_path"):
        raise ValueError(
            f"{type(model).__name__} has no path to anneal along: annealed_log_likelihood needs free_energy and "
            "annealing_path"
        )
    log_z = annealed_importance(model.annealing_path(start), chains=chains, temperatures=temperatures, seed=seed)
    return _from_free_energy(model, x, log_z.value, "annealed"), log_z


def enumerated_log_likelihood(model, x) -> Likelihood:
    """log p(x) = -F(x) - log Z with log Z summed over every state of a small model."""
    if not hasattr(model, "log_z"):
        raise ValueError(
            f"{type(model).__name__} has no log_z to be summed: enumerated_log_likelihood needs free_energy and log_z"
        )
    return _from_free_energy(model, x, float(model.log_z()), "enumerated")


def _from_free_energy(model, x, log_z: float, how: str) -> Likelihood:
    each = (
        -np.concatenate(
            [
                model.free_energy(tf.constant(np.asarray(x)[i : i + 1000], tf.float32)).numpy()
                for i in range(0, len(x), 1000)
            ]
        )
        - log_z
    )
    return _summary(each, how)


def _summary(log_probs: np.ndarray, how: str) -> Likelihood:
    each = -log_probs
    error = float(each.std(ddof=1) / math.sqrt(len(each))) if len(each) > 1 else math.nan
    return Likelihood(float(each.mean()), error, how, each)
