"""Sums over every state of some binary units: exact where they are few."""

from collections.abc import Callable

import tensorflow as tf

from tfgen.progress import progress

__all__ = ["binary_states", "log_sum"]

MOST, BLOCK = 24, 4096


def binary_states(units: int, first: int = 0, last: int | None = None) -> tf.Tensor:
    """The states from `first` to before `last` of all 2^units, float64 [states, units]; unit 0 changes fastest."""
    index = tf.range(first, 2**units if last is None else last, dtype=tf.int64)
    bits = tf.bitwise.right_shift(index[:, None], tf.range(units, dtype=tf.int64))
    return tf.cast(tf.bitwise.bitwise_and(bits, 1), tf.float64)


def log_sum(units: int, log_f: Callable, refused: str) -> tf.Tensor:
    """log Σ_s f(s) over all states s, in the precision of `log_f`, which takes [states, units] and gives [..., states].

    `refused` is said of more than 2^24 states, "{}" in it their number.
    """
    if units > MOST:
        raise ValueError(refused.format(f"2^{units}"))
    total, starts = None, range(0, 2**units, BLOCK)
    for first in progress(starts, len(starts), "log Z"):
        part = tf.reduce_logsumexp(log_f(binary_states(units, first, min(first + BLOCK, 2**units))), -1)
        total = part if total is None else tf.reduce_logsumexp(tf.stack([total, part]), 0)
    return total
