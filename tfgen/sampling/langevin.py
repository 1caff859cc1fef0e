"""Langevin dynamics: downhill along the energy, with noise.

    x' = x - ε/2 ∇E(x) + √(T ε) z,  z ~ N(0, 1);  T = 1 samples exp(-E) as ε → 0

Welling and Teh, "Bayesian learning via stochastic gradient Langevin dynamics", 2011. Energy models of images take T far
below 1: Du and Mordatch, "Implicit generation and modeling with energy-based models", 2019.
"""

import math
from collections.abc import Callable

import tensorflow as tf

__all__ = ["langevin"]


def langevin(
    energy: Callable,
    x: tf.Tensor,
    noise: tf.Tensor,
    *,
    step: float,
    deviation: float | None = None,
    clip: float | None = None,
    low: float = -math.inf,
    high: float = math.inf,
) -> tf.Tensor:
    """One move of x [n, …] along energy(x) -> [n], with the given standard normal noise.

    Arguments:
        step: ε.
        deviation: of the noise; by default √ε, which is T = 1.
        clip: gradients stay within ±clip.
        low, high: x stays within.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(energy(x))
    slope = tape.gradient(total, x)
    slope = slope if clip is None else tf.clip_by_value(slope, -clip, clip)
    x = x - 0.5 * step * slope + (math.sqrt(step) if deviation is None else deviation) * noise
    return x if math.isinf(low) and math.isinf(high) else tf.clip_by_value(x, low, high)
