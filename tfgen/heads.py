"""From the tensors that a net returns to distributions, in float32 whatever the precision policy.

Each takes parameters [..., d] and gives a distribution over events [d].
"""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

__all__ = ["bernoulli", "normal", "standard_normal"]


def bernoulli(logits: tf.Tensor) -> tfd.Distribution:
    return tfd.Independent(tfd.Bernoulli(logits=tf.cast(logits, tf.float32), dtype=tf.float32), 1)


def normal(parameters: tf.Tensor, floor: float = 1e-3) -> tfd.Distribution:
    """A diagonal normal from [..., 2d]: d means, then d numbers whose softplus, plus a floor, are
    standard deviations."""
    mean, raw = tf.split(tf.cast(parameters, tf.float32), 2, -1)
    return tfd.MultivariateNormalDiag(mean, tf.nn.softplus(raw) + floor)


def standard_normal(d: int) -> tfd.Distribution:
    return tfd.MultivariateNormalDiag(tf.zeros(d), tf.ones(d))
