"""f-divergences between a density p of the data and q of what is generated, and how a critic bounds each from below.

    D_f(p, q) = E_q[f(p / q)]  >=  E_p[T(x)] - E_q[f*(T(x))],    f*(t) = sup_u u t - f(u)                     (Eq. 1, 4)

with equality at T = f'(p / q). A critic's output v becomes T = g(v), so that T stays where f* is finite.

Nowozin, Cseke, Tomioka, "f-GAN", 2016, https://arxiv.org/abs/1606.00709, tables 1, 2 and 6.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgen.checks import nearest, numbered

__all__ = ["DIVERGENCES", "FDivergence", "divergence"]

Function = Callable[[tf.Tensor], tf.Tensor]

_LOG2 = math.log(2)


class FDivergence(NamedTuple):
    """One of them.

    f: of the ratio u = p / q > 0.
    conjugate: f*.
    activation: g, from the critic's output to T.
    composed: f*(g(v)), written out: the two one after the other lose their digits far from zero.
    threshold: f'(1); T above it says "real".
    """

    f: Function
    conjugate: Function
    activation: Function
    composed: Function
    threshold: float


@tf.custom_gradient
def _omega(z):
    """W(e^z) of Lambert's W, the w > 0 with w + log w = z, by Newton's rule from a start that is near."""
    start = tf.exp(tf.minimum(z, 1.0))
    w = tf.where(
        z > 1, z - tf.math.log(tf.maximum(z, 1.0)) * tf.maximum(z, 1.0) / (1 + tf.maximum(z, 1.0)), start / (1 + start)
    )
    for _ in range(5):
        w = w * (1 + z - tf.math.log(tf.maximum(w, 1e-37))) / (1 + w)
    return w, lambda upstream: upstream * w / (1 + w)


@tf.custom_gradient
def _jeffrey_conjugate(t):
    w = _omega(1 - t)
    return w + 1 / w + t - 2, lambda upstream: upstream / w


def _weighted_jensen_shannon(pi: float = 0.3) -> FDivergence:
    if not 0 < pi < 1:
        raise ValueError(f"weighted_jensen_shannon:{pi}: expected a weight between 0 and 1")

    def composed(v):  # beyond 20 the exponential is the whole sum
        low = tf.minimum(v, 20.0)
        return (1 - pi) * (
            math.log(1 - pi)
            + tf.where(v > 20, v + math.log(pi), -tf.math.log(-tf.math.expm1(-tf.nn.softplus(-low) / pi)))
        )

    return FDivergence(
        lambda u: pi * u * tf.math.log(u) - (1 - pi + pi * u) * tf.math.log(1 - pi + pi * u),
        lambda t: (1 - pi) * (math.log(1 - pi) - tf.math.log1p(-pi * tf.exp(t / pi))),
        lambda v: -pi * math.log(pi) - tf.nn.softplus(-v),
        composed,
        0.0,
    )


def _alpha(alpha: float = 0.5) -> FDivergence:
    if alpha in (0, 1):
        raise ValueError(f"alpha:{alpha:g}: at 0 it is reverse_kl, at 1 it is kl: take one of these, or another number")
    power = alpha / (alpha - 1)
    above = lambda s: (tf.maximum(s, 1e-12) ** power - 1) / alpha
    f = lambda u: (u**alpha - 1 - alpha * (u - 1)) / (alpha * (alpha - 1))
    conjugate = lambda t: above(1 + t * (alpha - 1))
    if alpha > 1:
        return FDivergence(f, conjugate, lambda v: v, conjugate, 0.0)
    activation = lambda v: 1 / (1 - alpha) - tf.nn.softplus(-v)
    return FDivergence(f, conjugate, activation, lambda v: above((1 - alpha) * tf.nn.softplus(-v)), 0.0)


def _pearson_conjugate(t):
    return t**2 / 4 + t


DIVERGENCES: dict[str, FDivergence | Callable[[float], FDivergence]] = {
    "total_variation": FDivergence(
        lambda u: tf.abs(u - 1) / 2, lambda t: t, lambda v: tf.tanh(v) / 2, lambda v: tf.tanh(v) / 2, 0.0
    ),
    "kl": FDivergence(lambda u: u * tf.math.log(u), lambda t: tf.exp(t - 1), lambda v: v, lambda v: tf.exp(v - 1), 1.0),
    "reverse_kl": FDivergence(
        lambda u: -tf.math.log(u), lambda t: -1 - tf.math.log(-t), lambda v: -tf.exp(-v), lambda v: v - 1, -1.0
    ),
    "pearson": FDivergence(lambda u: (u - 1) ** 2, _pearson_conjugate, lambda v: v, _pearson_conjugate, 0.0),
    "neyman": FDivergence(
        lambda u: (1 - u) ** 2 / u,
        lambda t: 2 - 2 * tf.sqrt(1 - t),
        lambda v: 1 - tf.exp(-v),
        lambda v: 2 - 2 * tf.exp(-v / 2),
        0.0,
    ),
    "squared_hellinger": FDivergence(
        lambda u: (tf.sqrt(u) - 1) ** 2, lambda t: t / (1 - t), lambda v: 1 - tf.exp(-v), tf.math.expm1, 0.0
    ),
    "jeffrey": FDivergence(
        lambda u: (u - 1) * tf.math.log(u), _jeffrey_conjugate, lambda v: v, _jeffrey_conjugate, 0.0
    ),
    "jensen_shannon": FDivergence(
        lambda u: u * tf.math.log(u) - (u + 1) * tf.math.log((u + 1) / 2),
        lambda t: -tf.math.log(2 - tf.exp(t)),
        lambda v: _LOG2 - tf.nn.softplus(-v),
        lambda v: tf.nn.softplus(v) - _LOG2,
        0.0,
    ),
    "weighted_jensen_shannon": _weighted_jensen_shannon,  # with a weight: weighted_jensen_shannon:0.3
    "gan": FDivergence(
        lambda u: u * tf.math.log(u) - (u + 1) * tf.math.log(u + 1),
        lambda t: -tf.math.log(-tf.math.expm1(t)),
        lambda v: -tf.nn.softplus(-v),
        tf.nn.softplus,
        -_LOG2,
    ),
    "alpha": _alpha,  # with its number: alpha:0.5
}


def divergence(text: str) -> FDivergence:
    """By name; alpha and weighted_jensen_shannon may bring a number, as in "alpha:2"."""
    name, number = numbered(text)
    if name not in DIVERGENCES:
        raise ValueError(f"there is no f-divergence {name!r}: take one of {nearest(name, DIVERGENCES)}")
    found = DIVERGENCES[name]
    if not isinstance(found, FDivergence):
        return found() if number is None else found(number)
    if number is not None:
        raise ValueError(f"{text!r}: {name} takes no number, write {name}")
    return found
