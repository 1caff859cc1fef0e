"""Units of energy models, each an exponential family: what stands in a layer that is sent the input η.

    p(v | η) = base(v) exp(η·v - A(η)),     E[v] = A'(η)

bernoulli      x is 0 or 1, v = x                         A(η) = Σ softplus(η_i)
gaussian:0.3   x is real, v = x / .3, of variance 1       A(η) = Σ η_i² / 2 + log(.3 √(2π)),  base = exp(-v² / 2)
softmax:5      x is 0 … 4, v has one of 5 for each x      A(η) = Σ log Σ_k exp(η_ik)

All is drawn from uniform numbers. The densities are those of x.

Welling, Rosen-Zvi, Hinton, "Exponential family harmoniums with an application to information retrieval", 2004.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgen import rng
from tfgen.checks import nearest, numbered

__all__ = ["UNITS", "Units", "units", "with_label"]


class Units(NamedTuple):
    """A kind of units.

    values: what x holds, as models declare it.
    size: numbers of v for each of x.
    read, write: x [n, d] -> v [n, d · size], and back; a mean of v becomes one of x.
    log_base: v -> [n].
    log_partition: η -> A(η) [n].
    mean: η -> E[v].
    natural: (mean of v, smoothing) -> the η of this mean; smoothing keeps it off certainty.
    start: the mean of v before data were seen.
    draws: d -> uniforms that a draw of d numbers of x takes.
    pick: (uniforms, η) -> v.
    """

    values: str
    size: int
    read: Callable
    write: Callable
    log_base: Callable
    log_partition: Callable
    mean: Callable
    natural: Callable
    start: float
    draws: Callable
    pick: Callable


def _bernoulli() -> Units:
    same = lambda x: x
    return Units(
        values="binary",
        size=1,
        read=same,
        write=same,
        log_base=lambda v: tf.zeros(tf.shape(v)[:1], v.dtype),
        log_partition=lambda eta: tf.reduce_sum(tf.nn.softplus(eta), -1),
        mean=tf.sigmoid,
        natural=lambda mean, smoothing=0.0: tf.math.log((mean + smoothing) / (1 + smoothing - mean)),
        start=0.5,
        draws=lambda d: d,
        pick=lambda u, eta: rng.bernoulli(u, logits=eta),
    )


def _gaussian(deviation: float = 1.0) -> Units:
    if deviation <= 0:
        raise ValueError(f"gaussian:{deviation:g}: expected a deviation above 0")
    constant = math.log(deviation) + 0.5 * math.log(2 * math.pi)
    return Units(
        values="real",
        size=1,
        read=lambda x: x / deviation,
        write=lambda v: v * deviation,
        log_base=lambda v: -0.5 * tf.reduce_sum(v**2, -1),
        log_partition=lambda eta: tf.reduce_sum(0.5 * eta**2 + constant, -1),
        mean=lambda eta: eta,
        natural=lambda mean, smoothing=0.0: mean,
        start=0.0,
        draws=lambda d: d,
        pick=lambda u, eta: eta + tf.math.ndtri(tf.clip_by_value(u, 1e-7, 1 - 1e-7)),
    )


def _softmax(count: float = 2) -> Units:
    if count != int(count) or count < 2:
        raise ValueError(f"softmax:{count:g}: expected a whole number, 2 or more")
    k = int(count)
    groups = lambda v: tf.reshape(v, [tf.shape(v)[0], v.shape[-1] // k, k])
    flat = lambda v: tf.reshape(v, [tf.shape(v)[0], v.shape[1] * k])

    def read(x):
        message = f"[tfgen] x holds {k} or more, and softmax:{k} units take whole numbers from 0 to {k - 1}"
        tf.debugging.assert_less(x, tf.cast(k, x.dtype), message)
        return flat(tf.one_hot(tf.cast(x, tf.int32), k))

    def pick(u, eta):
        below = tf.cumsum(tf.nn.softmax(groups(eta)), -1)[..., :-1]
        return flat(tf.one_hot(tf.reduce_sum(tf.cast(u[..., None] >= below, tf.int32), -1), k))

    return Units(
        values="bytes",
        size=k,
        read=read,
        write=lambda v: tf.linalg.matvec(groups(v), tf.range(k, dtype=v.dtype)),
        log_base=lambda v: tf.zeros(tf.shape(v)[:1], v.dtype),
        log_partition=lambda eta: tf.reduce_sum(tf.reduce_logsumexp(groups(eta), -1), -1),
        mean=lambda eta: flat(tf.nn.softmax(groups(eta))),
        natural=lambda mean, smoothing=0.0: tf.math.log(mean + smoothing),
        start=1 / k,
        draws=lambda d: d,
        pick=pick,
    )


UNITS: dict[str, Callable[..., Units]] = {"bernoulli": _bernoulli, "gaussian": _gaussian, "softmax": _softmax}


def units(which: str) -> Units:
    """By name, with its number where it has one ("gaussian:0.3", "softmax:5")."""
    name, number = numbered(which)
    if name not in UNITS:
        raise ValueError(f"there are no units {name!r}: take one of {nearest(name, UNITS)}")
    if name == "bernoulli" and number is not None:
        raise ValueError(f"{which!r}: {name} takes no number, write {name}")
    return UNITS[name]() if number is None else UNITS[name](number)


def with_label(first: Units, wide: int, classes: int) -> Units:
    """A layer whose first `wide` numbers of v are of one kind, and the rest a label among `classes`. `read` and `write`
    are of the first alone."""
    label = _softmax(classes)
    cut = lambda v: (v[..., :wide], v[..., wide:])
    add = lambda name: lambda v: getattr(first, name)(cut(v)[0]) + getattr(label, name)(cut(v)[1])
    beside = lambda a, b: tf.concat([a, b], -1)

    def natural(mean, smoothing=0.0):
        return beside(first.natural(cut(mean)[0], smoothing), label.natural(cut(mean)[1], smoothing))

    return first._replace(
        write=lambda v: first.write(cut(v)[0]),
        log_base=add("log_base"),
        log_partition=add("log_partition"),
        mean=lambda eta: beside(first.mean(cut(eta)[0]), label.mean(cut(eta)[1])),
        natural=natural,
        draws=lambda d: first.draws(d) + 1,
        pick=lambda u, eta: beside(first.pick(u[..., :-1], cut(eta)[0]), label.pick(u[..., -1:], cut(eta)[1])),
    )
