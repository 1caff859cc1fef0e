"""Likelihoods p(x | parameters) of independent numbers, shared by every variational and autoregressive model.

bernoulli             x is 0 or 1, a logit for each
gaussian              real x, a mean and a raw deviation for each; or "gaussian:0.1", of one deviation that stays
gaussian_global       real x, a mean for each, and one deviation that is learnt
categorical:256       whole numbers below 256, a logit for each value
gaussian_mixture:10   real x, a mixture of 10 Gaussians                                       Uria et al. 2013
logistic_mixture:5    whole numbers from 0 to 255, a mixture of 5 logistics cut into bins    Salimans et al. 2017

A net gives `size` parameters for each number of x: [..., d, size], or flat [..., d · size]; the last `shared` of these
are one weight for all numbers, and no net gives them. All is float32.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgen import laws, rng
from tfgen.checks import nearest, numbered

__all__ = ["LIKELIHOODS", "Likelihood", "likelihood"]


class Likelihood(NamedTuple):
    """What a model needs of one: how many parameters, what x holds, its density, mean and draws.

    size: parameters of each number of x.
    values: what x holds, as models declare it.
    each: (x [..., d], parameters [..., d, size]) -> log p of each number [..., d].
    mean: (parameters) -> [..., d].
    drawn_from: d -> the law of the noise that `pick` takes.
    pick: (noise, parameters) -> x [..., d].
    top: the largest of whole numbers.
    shared: how many of the parameters, the last ones, are the same for all numbers and examples.
    """

    size: int
    values: str
    each: Callable
    mean: Callable
    drawn_from: Callable[[int], laws.Law]
    pick: Callable
    top: int = 255
    shared: int = 0

    def split(self, parameters: tf.Tensor) -> tf.Tensor:
        """What a net gives, [..., d · size], as float32 [..., d, size]."""
        parameters = tf.cast(parameters, tf.float32)
        before = tf.unstack(tf.shape(parameters)[:-1])
        return tf.reshape(parameters, [*before, parameters.shape[-1] // self.size, self.size])

    def log_prob(self, x: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """log p(x) of events [..., d]."""
        return tf.reduce_sum(self.each(x, parameters), -1)


def _bernoulli() -> Likelihood:
    logits = lambda parameters: parameters[..., 0]
    return Likelihood(
        size=1,
        values="binary",
        each=lambda x, p: x * logits(p) - tf.nn.softplus(logits(p)),
        mean=lambda p: tf.sigmoid(logits(p)),
        drawn_from=laws.uniform,
        pick=lambda u, p: rng.bernoulli(u, logits=logits(p)),
    )


def _gaussian(deviation: float | None = None, shared: bool = False) -> Likelihood:
    if deviation is not None and deviation <= 0:
        raise ValueError(f"gaussian:{deviation:g}: expected a deviation above 0")
    sd = lambda p: tf.nn.softplus(p[..., 1]) + 1e-3 if deviation is None else tf.fill(tf.shape(p)[:-1], deviation)

    def each(x, p):
        return -0.5 * ((x - p[..., 0]) / sd(p)) ** 2 - tf.math.log(sd(p)) - 0.5 * math.log(2 * math.pi)

    return Likelihood(
        size=2 if deviation is None else 1,
        values="real",
        each=each,
        mean=lambda p: p[..., 0],
        drawn_from=laws.normal,
        pick=lambda z, p: p[..., 0] + sd(p) * z,
        shared=int(shared),
    )


def _categorical(count: float = 256) -> Likelihood:
    k = _whole("categorical", count, 2)

    def each(x, p):
        shape = tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(p)[:-1])
        message = f"[tfgen] x holds {k} or more, and categorical:{k} takes whole numbers from 0 to {k - 1}"
        tf.debugging.assert_less(x, tf.cast(k, x.dtype), message)
        labels, logits = tf.broadcast_to(x, shape), tf.broadcast_to(p, tf.concat([shape, [k]], 0))
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), logits)

    def pick(u, p):
        flat = rng.categorical(tf.reshape(u, [-1]), logits=tf.reshape(p, [-1, k]))
        return tf.cast(tf.reshape(flat, tf.shape(u)), tf.float32)

    return Likelihood(
        size=k,
        values="bytes",
        each=each,
        mean=lambda p: tf.linalg.matvec(tf.nn.softmax(p), tf.range(k, dtype=tf.float32)),
        drawn_from=laws.uniform,
        pick=pick,
        top=k - 1,
    )


def _gaussian_mixture(count: float = 10) -> Likelihood:
    """Parameters: logits of the mixture, means, log deviations."""
    k = _whole("gaussian_mixture", count, 1)
    parts = lambda p: tf.split(p, 3, -1)
    scale = lambda raw: tf.exp(tf.maximum(raw, -7.0))

    def each(x, p):
        logits, means, raw = parts(p)
        log_p = -0.5 * ((x[..., None] - means) / scale(raw)) ** 2 - tf.maximum(raw, -7.0) - math.log(2 * math.pi) / 2
        return tf.reduce_logsumexp(tf.nn.log_softmax(logits) + log_p, -1)

    def mean(p):
        logits, means, _ = parts(p)
        return tf.reduce_sum(tf.nn.softmax(logits) * means, -1)

    def pick(u, p):
        logits, means, raw = parts(p)
        take, length = _picked(u[..., 0], logits), tf.sqrt(-2 * tf.math.log(tf.maximum(u[..., 1], 1e-12)))
        return take(means) + take(scale(raw)) * length * tf.cos(2 * math.pi * u[..., 2])  # Box and Muller

    return Likelihood(3 * k, "real", each, mean, lambda d: laws.uniform(d, 3), pick)


def _picked(u, logits) -> Callable:
    """Takes the part of one component [..., k] → [...], the component picked by a uniform number."""
    k = logits.shape[-1]
    flat = rng.categorical(tf.reshape(u, [-1]), logits=tf.reshape(logits, [-1, k]))
    chosen = tf.one_hot(tf.reshape(flat, tf.shape(u)), k)
    return lambda part: tf.reduce_sum(chosen * part, -1)


def _logistic_mixture(count: float = 5) -> Likelihood:
    """Each logistic of a mean and a scale in units of half the range; the ends of the range take the tails."""
    k, half = _whole("logistic_mixture", count, 1), 127.5
    parts = lambda p: tf.split(p, 3, -1)  # logits of the mixture, means, raw log scales

    def scale(raw):
        return tf.exp(tf.maximum(raw, -7.0))

    def each(x, p):
        logits, means, raw = parts(p)
        centred, width = x[..., None] / half - 1 - means, 0.5 / half
        above, below = (centred + width) / scale(raw), (centred - width) / scale(raw)
        # log(σ(b) - σ(a)) = log σ(b) + log σ(-a) + log(1 - exp(a - b)), which keeps its digits in the tails
        between = tf.math.log_sigmoid(above) + tf.math.log_sigmoid(-below)
        between += tf.math.log(-tf.math.expm1(-2 * width / scale(raw)))
        last = tf.where(x[..., None] > 254.5, tf.math.log_sigmoid(-below), between)
        log_p = tf.where(x[..., None] < 0.5, tf.math.log_sigmoid(above), last)
        return tf.reduce_logsumexp(tf.nn.log_softmax(logits) + log_p, -1)

    def mean(p):
        logits, means, _ = parts(p)
        mixed = tf.reduce_sum(tf.nn.softmax(logits) * tf.clip_by_value(means, -1.0, 1.0), -1)
        return half * (mixed + 1)

    def pick(u, p):
        logits, means, raw = parts(p)
        take = _picked(u[..., 0], logits)
        x = half * (take(means) + take(scale(raw)) * rng.logistic(u[..., 1]) + 1)
        return tf.clip_by_value(tf.round(x), 0.0, 255.0)

    return Likelihood(3 * k, "bytes", each, mean, lambda d: laws.uniform(d, 2), pick)


def _whole(name: str, count: float, least: int) -> int:
    if count != int(count) or count < least:
        raise ValueError(f"{name}:{count:g}: expected a whole number, {least} or more")
    return int(count)


LIKELIHOODS: dict[str, Callable[..., Likelihood]] = {
    "bernoulli": _bernoulli,
    "gaussian": _gaussian,
    "gaussian_global": lambda: _gaussian(shared=True),
    "categorical": _categorical,
    "gaussian_mixture": _gaussian_mixture,
    "logistic_mixture": _logistic_mixture,
}


def likelihood(which: str | Likelihood) -> Likelihood:
    """By name, with its number where it has one ("categorical:16"), or one of one's own."""
    if isinstance(which, Likelihood):
        return which
    name, number = numbered(which)
    if name not in LIKELIHOODS:
        raise ValueError(f"there is no likelihood {name!r}: take one of {nearest(name, LIKELIHOODS)}")
    if number is None:
        return LIKELIHOODS[name]()
    if name in ("bernoulli", "gaussian_global"):
        raise ValueError(f"{which!r}: {name} takes no number, write {name}")
    return LIKELIHOODS[name](number)
