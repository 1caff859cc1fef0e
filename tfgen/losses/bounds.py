"""Objectives of a variational model, as functions of log_w = log p(x, z) - log q(z | x), [n, k] for k samples of q.

elbo    (1/k) Σ log w                                                         Kingma and Welling 2014
iwae    log (1/k) Σ w                                                         Burda, Grosse, Salakhutdinov 2016
jvi:m   Σ_j c_j · the mean of iwae over all sets of k - j of the weights      Nowozin 2018, order m (1 or 2)
        c_j = (-1)^j (k - j)^m / ((m - j)! j!),  j = 0 … m

elbo and iwae are at most log p(x) in expectation, and iwae rises with k. jvi is no bound: it takes the leading terms of
iwae's bias of order 1/k away, and may lie on either side of log p(x).
"""

import functools
import math
from collections.abc import Callable

import tensorflow as tf

from tfgen.checks import nearest, numbered

__all__ = ["OBJECTIVES", "elbo", "iwae", "jackknife", "objective"]

Objective = Callable[[tf.Tensor], tf.Tensor]


def elbo(log_w: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(log_w, -1)


def iwae(log_w: tf.Tensor) -> tf.Tensor:
    return tf.reduce_logsumexp(log_w, -1) - tf.math.log(tf.cast(tf.shape(log_w)[-1], log_w.dtype))


def jackknife(order: float = 1) -> Objective:
    """JVI of an order: it needs more samples than its order."""
    m = int(order)
    if m != order or not 1 <= m <= 2:
        raise ValueError(f"jvi:{order:g}: expected the order 1 or 2")

    def estimate(log_w: tf.Tensor) -> tf.Tensor:
        k, w = log_w.shape[-1], tf.cast(log_w, tf.float64)  # the c_j are large numbers of either sign
        if k is None or k <= m:
            raise ValueError(f"jvi:{m} needs {m + 1} samples or more, and {k} came: take samples={m + 1}, or more")
        total = 0.0
        for j in range(m + 1):
            c = (-1) ** j * (k - j) ** m / (math.factorial(m - j) * math.factorial(j))
            total += c * _leaving_out(w, j)
        return tf.cast(total, log_w.dtype)

    return estimate


def _leaving_out(log_w: tf.Tensor, j: int) -> tf.Tensor:
    """The mean of iwae over all sets of k - j of k weights, [n]; of two that are left out one by one."""
    if j == 0:
        return iwae(log_w)
    if j == 1:
        return tf.reduce_mean(_leaving_one_out(log_w), -1)
    each = lambda i: _leaving_out(tf.roll(log_w, -i, -1)[..., 1:], j - 1)
    return tf.reduce_mean(tf.map_fn(each, tf.range(log_w.shape[-1]), fn_output_signature=log_w.dtype), 0)


def _leaving_one_out(log_w: tf.Tensor) -> tf.Tensor:
    """iwae without each of the weights, [n, k]: log(Σ w - w_i) keeps its digits where w_i is not the largest."""
    k = log_w.shape[-1]
    largest = tf.one_hot(tf.argmax(log_w, -1), k, True, False, dtype=tf.bool)
    others = tf.where(largest, tf.constant(-math.inf, log_w.dtype), log_w)
    total = tf.reduce_logsumexp(log_w, -1, keepdims=True)
    without = total + tf.math.log1p(-tf.exp(others - total))
    return tf.where(largest, tf.reduce_logsumexp(others, -1, keepdims=True), without) - math.log(k - 1)


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "elbo": lambda: elbo,
    "iwae": lambda: iwae,
    "jvi": functools.lru_cache(jackknife),
}


def objective(which: str | Objective) -> Objective:
    """By name, with its order where it has one ("jvi:2"), or one's own."""
    if callable(which):
        return which
    name, number = numbered(which)
    if name not in OBJECTIVES:
        raise ValueError(f"there is no objective {name!r}: take one of {nearest(name, OBJECTIVES)}")
    if number is None:
        return OBJECTIVES[name]()
    if name != "jvi":
        raise ValueError(f"{which!r}: {name} takes no number, write {name}")
    return OBJECTIVES[name](number)
