"""Likelihoods: exact where a model has `log_prob`, by importance sampling where it has `bound`, by annealing where it
has an energy."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import door, losses, rng
from tfgen.checks import at_least
from tfgen.progress import progress
from tfgen.sampling import LogZ, annealed_importance, reverse_annealed_importance

__all__ = [
    "BitsPerDim",
    "Likelihood",
    "annealed_log_likelihood",
    "bits_per_dim",
    "enumerated_log_likelihood",
    "estimates",
    "likelihood",
    "pseudo_likelihood",
]


class Likelihood(NamedTuple):
    """What some examples cost on average: fewer nats are better, here as in every figure of the house.

    nats: the mean of -log p(x), exact or a bound from above in expectation.
    error: the standard error of that mean over the examples.
    how: "exact", "importance, k=5000", "annealed", "enumerated" or "pseudo"; of a bound, "a bound, annealed".
    each: [n], -log p(x) of every example.
    """

    nats: float
    error: float
    how: str
    each: np.ndarray

    @classmethod
    def of(cls, log_probs: np.ndarray, how: str) -> "Likelihood":
        each = -log_probs
        error = float(each.std(ddof=1) / math.sqrt(len(each))) if len(each) > 1 else math.nan
        return cls(float(each.mean()), error, how, each)


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
    at_least(1, k=k)
    x = np.asarray(x)
    door.check_data(model, x, condition, batch)
    exact = hasattr(model, "log_prob")
    if not exact and not hasattr(model, "bound"):
        raise ValueError(
            f"{type(model).__name__} has neither log_prob nor bound: it can sample, and cannot say how likely x is"
        )

    def score(x, condition, seed, size):
        given = {} if condition is None else {"condition": condition}
        return model.log_prob(x, **given) if exact else model.bound(x, k=size, seed=seed, **given) + math.log(size)

    samples = 1 if exact else k
    scored = _scored(model, score, x, condition, samples, seed, batch, memory)
    each = [tf.reduce_logsumexp(tf.stack(pieces), 0).numpy() - math.log(samples) for pieces in scored]
    return Likelihood.of(np.concatenate(each), "exact" if exact else f"importance, k={k}")


def _scored(model, score, x, condition, k: int, seed: int, batch: int, memory: int) -> Iterator[list[tf.Tensor]]:
    """`score(x, condition, seed, size)` of each batch, its k samples in pieces of at most `memory` bytes."""
    piece = int(np.clip(memory // (4 * _widest(model) * batch * 4), 1, k))  # four such tensors at once
    sizes = [piece] * (k // piece) + ([k % piece] if k % piece else [])
    score = tf.function(score, reduce_retracing=True, autograph=False)
    starts = range(0, len(x), batch)
    for i, at in enumerate(progress(starts, len(starts), "log-likelihood")):
        seeds, told = rng.fold_in(rng.as_seed(seed), i), conditions.rows(condition, slice(at, at + batch))
        part = tf.constant(x[at : at + batch], tf.float32)
        yield [score(part, told, rng.fold_in(seeds, j), size) for j, size in enumerate(sizes)]


def _widest(model) -> int:
    """The most numbers that one layer gives of an example."""
    sizes = [math.prod(d or 1 for d in model.shape), *(v.shape[-1] for v in model.trainable_variables if v.shape)]
    for layer in model._flatten_layers():
        with contextlib.suppress(AttributeError):  # layers outside of a net know no shapes
            sizes.append(math.prod(d or 1 for d in layer.output.shape[1:]))
    return max(sizes)


def estimates(
    model,
    x,
    condition=None,
    *,
    objectives: Sequence[str],
    k: int = 32,
    seed: int = 0,
    batch: int = 100,
    memory: int = 2**28,
) -> dict[str, Likelihood]:
    """-log p(x) as objectives of `tfgen.losses.OBJECTIVES` estimate it by the same k samples, drawn as `likelihood`
    draws them: "elbo", "iwae", "jvi:2"."""
    at_least(1, k=k)
    x, functions = np.asarray(x), {name: losses.objective(name) for name in objectives}
    door.check_data(model, x, condition, batch)
    if not hasattr(model, "log_w"):
        raise ValueError(f"{type(model).__name__} has no posterior, and no objective of one")

    @tf.function(reduce_retracing=True, autograph=False)
    def estimate(log_w):
        log_w = tf.ensure_shape(log_w, [None, k])
        return {name: function(log_w) for name, function in functions.items()}

    score = lambda x, condition, seed, size: model.log_w(x, condition, size, seed)
    scored = _scored(model, score, x, condition, k, seed, batch, memory)
    parts = [estimate(tf.concat(pieces, -1)) for pieces in scored]
    return {name: Likelihood.of(np.concatenate([part[name] for part in parts]), f"{name}, k={k}") for name in functions}


def annealed_log_likelihood(
    model, x, *, chains: int = 100, temperatures: int = 10_000, seed: int = 0, start=None, reverse=False, k: int = 1
) -> tuple[Likelihood, LogZ]:
    """log p(x) = -F(x) - log Z with log Z by annealed importance sampling, from the rates of `start` (data) where
    given; of a model that bounds F alone, a bound of log p(x) from below with k samples.

    Arguments:
        reverse: anneals back from the model's own samples, so that log Z is more likely too large than too small.
    """
    if not hasattr(model, "annealing_path"):
        raise ValueError(
            f"{type(model).__name__} has no path to anneal along: annealed_log_likelihood needs free_energy and "
            "annealing_path"
        )
    anneal = reverse_annealed_importance if reverse else annealed_importance
    log_z = anneal(model.annealing_path(start), chains=chains, temperatures=temperatures, seed=seed)
    return _from_free_energy(model, x, log_z.value, "annealed", k, seed), log_z


def enumerated_log_likelihood(model, x, *, k: int = 1, seed: int = 0) -> Likelihood:
    """log p(x) by a sum over every state of a small model: log p(x) = -F(x) - log Z, or over the states behind x."""
    if hasattr(model, "exact_log_prob"):
        return Likelihood.of(_of_all(model.exact_log_prob, x), "enumerated")
    if not hasattr(model, "log_z"):
        raise ValueError(
            f"{type(model).__name__} has no log_z to be summed: enumerated_log_likelihood needs free_energy and log_z"
        )
    return _from_free_energy(model, x, float(model.log_z()), "enumerated", k, seed)


def pseudo_likelihood(model, x, *, units: int | None = None, seed: int = 0) -> Likelihood:
    """Σ_i log p(x_i | the others) of binary x, for which a free energy is enough: log σ(F(x with x_i turned) - F(x)).

    Arguments:
        units: of each example, drawn at random, from which the sum over all is estimated; by default all of them.
    """
    if model.values != "binary" or not hasattr(model, "free_energy"):
        raise ValueError(
            f"{type(model).__name__} takes {model.values} values: the pseudo-likelihood is of binary ones, and needs a "
            "free energy"
        )
    x = np.asarray(x, "float32")
    d, dice = math.prod(model.shape), np.random.default_rng(seed)
    count = min(units or d, d)
    free_energy = tf.function(model.free_energy, reduce_retracing=True, autograph=False)
    each = []
    for rows in np.split(x, range(100, len(x), 100)):
        flat, total = rows.reshape(len(rows), d), 0.0
        F, turns = free_energy(tf.constant(rows)), dice.permuted(np.tile(np.arange(d), (len(rows), 1)), axis=1)
        for i in range(count):
            turned, at = flat.copy(), (np.arange(len(rows)), turns[:, i])
            turned[at] = 1 - turned[at]
            total += tf.math.log_sigmoid(free_energy(tf.constant(turned.reshape(rows.shape))) - F).numpy()
        each.append(total * d / count)
    return Likelihood.of(np.concatenate(each), f"pseudo, {count} of {d} units of each example")


def _from_free_energy(model, x, log_z: float, how: str, k: int, seed: int) -> Likelihood:
    if hasattr(model, "free_energy"):
        return Likelihood.of(-_of_all(model.free_energy, x) - log_z, how)
    bound = lambda x: model.free_energy_bound(x, k=k, seed=seed)
    return Likelihood.of(-_of_all(bound, x) - log_z, f"a bound, {how}")


def _of_all(function, x) -> np.ndarray:
    return conditions.in_pieces(lambda x, _: function(x), np.asarray(x, "float32"))
