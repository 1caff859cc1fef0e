"""Annealed importance sampling: log Z of a model that is known up to its constant.

    a path of unnormalised densities f_0 … f_T, from one with a known Z_0 to the model's
    v_1 ~ f_0 / Z_0,  v_{t+1} ~ T_t(v_{t+1} ← v_t),  which leaves f_t invariant,  w = Π_t f_t(v_t) / f_{t-1}(v_t)
    E[w] = Z / Z_0

Neal, "Annealed importance sampling", 2001; Salakhutdinov and Murray, "On the quantitative analysis of deep belief
networks", 2008.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgen import rng
from tfgen.progress import progress

__all__ = ["AnnealingPath", "LogZ", "annealed_importance"]


class AnnealingPath(NamedTuple):
    """What a model gives to be annealed; the temperature β goes from 0 to 1."""

    log_z_start: tf.Tensor  # log Z_0
    start: Callable  # (n, seed) -> n exact samples at β = 0
    log_ratio: Callable  # (v, β, β') -> log f_β'(v) - log f_β(v), [n]
    move: Callable  # (v, β, seed) -> v after a transition that leaves f_β invariant


class LogZ(NamedTuple):
    """An estimate of log Z, its interval of three standard errors of the mean weight, and how many
    of the chains count."""

    value: float
    low: float
    high: float
    effective_chains: float


def annealed_importance(path: AnnealingPath, *, chains: int = 100, temperatures: int = 10_000, seed: int = 0) -> LogZ:
    """`chains` independent weights along evenly spaced temperatures."""
    start, moves = rng.split(rng.as_seed(seed), 2)
    betas = tf.linspace(tf.constant(0.0), 1.0, temperatures + 1)

    @tf.function
    def piece(v, log_w, first, last):
        def body(t, v, log_w):
            log_w += tf.cast(path.log_ratio(v, betas[t], betas[t + 1]), tf.float64)
            return t + 1, path.move(v, betas[t + 1], rng.fold_in(moves, t)), log_w

        return tf.while_loop(lambda t, *_: t < last, body, (first, v, log_w))[1:]

    v, log_w = path.start(chains, start), tf.zeros([chains], tf.float64)
    pieces = np.linspace(0, temperatures, min(temperatures, 50) + 1).astype("int32")
    for first, last in progress(itertools.pairwise(pieces), len(pieces) - 1, "annealing"):
        v, log_w = piece(v, log_w, tf.constant(first), tf.constant(last))
    return _log_mean(log_w.numpy(), float(path.log_z_start))


def _log_mean(log_w: np.ndarray, log_z_start: float) -> LogZ:
    top = log_w.max()
    w = np.exp(log_w - top)
    mean, error = w.mean(), w.std(ddof=1) / math.sqrt(len(w))
    low, high = (math.log(m) if m > 0 else -math.inf for m in (mean - 3 * error, mean + 3 * error))
    at = log_z_start + top
    return LogZ(at + math.log(mean), at + low, at + high, float(w.sum() ** 2 / (w**2).sum()))
