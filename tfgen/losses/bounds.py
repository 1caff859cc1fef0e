"""Objectives of a variational model, as functions of log_w = log p(x, z) - log q(z | x), [n, k] for k samples of q.

elbo   (1/k) Σ log w                    Kingma and Welling 2014
iwae   log (1/k) Σ w                    Burda, Grosse, Salakhutdinov 2016

Either is at most log p(x) in expectation; iwae rises with k.
"""

from collections.abc import Callable

import tensorflow as tf

from tfgen.checks import nearest

__all__ = ["OBJECTIVES", "elbo", "iwae", "objective"]

Objective = Callable[[tf.Tensor], tf.Tensor]


def elbo(log_w: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(log_w, -1)


def iwae(log_w: tf.Tensor) -> tf.Tensor:
    return tf.reduce_logsumexp(log_w, -1) - tf.math.log(tf.cast(tf.shape(log_w)[-1], log_w.dtype))


OBJECTIVES: dict[str, Objective] = {"elbo": elbo, "iwae": iwae}


def objective(which: str | Objective) -> Objective:
    """By name, or one's own."""
    if callable(which):
        return which
    if which not in OBJECTIVES:
        raise ValueError(f"there is no objective {which!r}: take one of {nearest(which, OBJECTIVES)}")
    return OBJECTIVES[which]
