"""Annealed importance sampling: log Z of a model that is known up to its constant.

    a path of unnormalised densities f_0 … f_T, from one with a known Z_0 to the model's
    v_1 ~ f_0 / Z_0,  v_{t+1} ~ T_t(v_{t+1} ← v_t),  which leaves f_t invariant,  w = Π_t f_t(v_t) / f_{t-1}(v_t)
    E[w] = Z / Z_0
    and back, from samples of the model:  v_T ~ f_T / Z,  v_{t-1} ~ T_{t-1}(v_{t-1} ← v_t),
    E[Π_t f_{t-1}(v_t) / f_t(v_t)] = Z_0 / Z

The mean of log w lies below log Z, that of the way back above: together they say how far to trust either.

Neal, "Annealed importance sampling", 2001; Salakhutdinov and Murray, "On the quantitative analysis of deep belief
networks", 2008; Burda, Grosse, Salakhutdinov, "Accurate and conservative estimates of MRF log-likelihood using reverse
annealing", 2015.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgen import rng
from tfgen.checks import at_least
from tfgen.progress import progress

__all__ = ["AnnealingPath", "LogZ", "annealed_importance", "reverse_annealed_importance"]


class AnnealingPath(NamedTuple):
    """What a model gives to be annealed; the temperature β goes from 0 to 1."""

    log_z_start: tf.Tensor  # log Z_0
    start: Callable  # (n, seed) -> n exact samples at β = 0
    log_ratio: Callable  # (v, β, β') -> log f_β'(v) - log f_β(v), [n]
    move: Callable  # (v, β, seed) -> v after a transition that leaves f_β invariant
    end: Callable | None = None  # (n, seed) -> samples of the model by its own chain: exact as far as that mixes


class LogZ(NamedTuple):
    """An estimate of log Z.

    value: the log of the mean weight.
    low, high: three standard errors of that mean to either side.
    effective_chains: how many of the chains count, (Σ w)² / Σ w².
    bound: the mean of the log weights: at most log Z in expectation, at least log Z on the way back.
    """

    value: float
    low: float
    high: float
    effective_chains: float
    bound: float


def annealed_importance(path: AnnealingPath, *, chains: int = 100, temperatures: int = 10_000, seed: int = 0) -> LogZ:
    """`chains` independent weights along evenly spaced temperatures, from β = 0 to 1: log Z from below, in
    expectation."""
    _check(chains, temperatures)
    start, moves = rng.split(rng.as_seed(seed), 2)
    log_w = _anneal(path, path.start(chains, start), tf.linspace(0.0, 1.0, temperatures + 1), moves, "annealing")
    return _log_mean(log_w, float(path.log_z_start))


def reverse_annealed_importance(
    path: AnnealingPath,
    *,
    samples: tf.Tensor | None = None,
    chains: int = 100,
    temperatures: int = 10_000,
    seed: int = 0,
) -> LogZ:
    """The way back, from β = 1 to 0: log Z from above, in expectation, if the samples are the model's.

    Arguments:
        samples: states of the path drawn from the model; by default `chains` of them by the model's own long chain.
    """
    _check(chains, temperatures)
    start, moves = rng.split(rng.as_seed(seed), 2)
    v = path.end(chains, start) if samples is None else tf.convert_to_tensor(samples, tf.float32)
    log_w = _anneal(path, v, tf.linspace(1.0, 0.0, temperatures + 1), moves, "annealing back")
    inverse = _log_mean(log_w, 0.0)
    at = float(path.log_z_start)
    return LogZ(at - inverse.value, at - inverse.high, at - inverse.low, inverse.effective_chains, at - inverse.bound)


def _check(chains: int, temperatures: int) -> None:
    at_least(2, chains=chains)
    at_least(1, temperatures=temperatures)


def _anneal(path: AnnealingPath, v: tf.Tensor, betas: tf.Tensor, moves: tf.Tensor, what: str) -> np.ndarray:
    """The log of each chain's weight."""

    @tf.function(autograph=False)
    def piece(v, log_w, first, last):
        def body(t, v, log_w):
            log_w += tf.cast(path.log_ratio(v, betas[t], betas[t + 1]), tf.float64)
            return t + 1, path.move(v, betas[t + 1], rng.fold_in(moves, t)), log_w

        return tf.while_loop(lambda t, *_: t < last, body, (first, v, log_w))[1:]

    temperatures, log_w = len(betas) - 1, tf.zeros([tf.shape(tf.nest.flatten(v)[0])[0]], tf.float64)
    pieces = np.linspace(0, temperatures, min(temperatures, 50) + 1).astype("int32")
    for first, last in progress(itertools.pairwise(pieces), len(pieces) - 1, what):
        v, log_w = piece(v, log_w, tf.constant(first), tf.constant(last))
    return log_w.numpy()


def _log_mean(log_w: np.ndarray, log_z_start: float) -> LogZ:
    top = log_w.max()
    w = np.exp(log_w - top)
    mean, error = w.mean(), w.std(ddof=1) / math.sqrt(len(w))
    low, high = (math.log(m) if m > 0 else -math.inf for m in (mean - 3 * error, mean + 3 * error))
    at = log_z_start + top
    effective = float(w.sum() ** 2 / (w**2).sum())
    return LogZ(at + math.log(mean), at + low, at + high, effective, log_z_start + float(log_w.mean()))
