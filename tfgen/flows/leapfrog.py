"""Leapfrog: a particle that moves in a potential for some small steps, reversible and without a change of volume.

    v ← v + (ε/2) ∇log p(z);   z ← z + ε v / m;   v ← v + (ε/2) ∇log p(z)

Turning v round and stepping again leads back. The map of (z, v) is made of shears, so its determinant is one.
"""

from collections.abc import Callable

import tensorflow as tf

__all__ = ["leapfrog"]


def leapfrog(
    z: tf.Tensor, v: tf.Tensor, slope: Callable, *, step: tf.Tensor, mass: tf.Tensor, steps: int = 1
) -> tuple[tf.Tensor, tf.Tensor]:
    """z and v [..., d] after so many steps; `slope(z)` is ∇log p, step and mass are numbers for each dimension."""
    push = slope(z)
    for _ in range(steps):
        v = v + step / 2 * push
        z = z + step * v / mass
        push = slope(z)
        v = v + step / 2 * push
    return z, v
