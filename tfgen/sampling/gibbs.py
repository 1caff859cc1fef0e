"""Gibbs sampling: each unit, or block of units, in turn from its conditional distribution given all others.

Geman and Geman, "Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images", 1984.
"""

from collections.abc import Callable

import tensorflow as tf

from tfgen import laws, rng

__all__ = ["fantasies", "gibbs"]


def gibbs(sweep: Callable, state, sweeps, seed: tf.Tensor):
    """The state, any structure of tensors, after so many sweeps; `sweep(state, seed) -> state`."""
    body = lambda i, state: (i + 1, sweep(state, rng.fold_in(seed, i)))
    return tf.while_loop(lambda i, _: i < sweeps, body, (0, state))[1]


def fantasies(model, n: int, after: tuple[int, ...], condition=None, *, seed: int | None = None) -> tf.Tensor:
    """What n chains of a model that samples piece by piece hold after so many of its pieces each: [n, len(after),
    *shape]. A model that was trained well goes on to make examples, whatever the length of the chain."""
    if not getattr(model, "pieces", None):
        raise ValueError(f"{type(model).__name__} samples without a chain: there are no fantasies along one")
    if not after or list(after) != sorted(set(after)) or after[0] < 1:
        raise ValueError(f"after={after}: expected numbers of pieces that rise, from 1")
    seed = rng.as_seed(seed)

    @tf.function(reduce_retracing=True, autograph=False)
    def piece(i, state):
        return model.advance(laws.draw(model.laws, n, rng.fold_in(seed, i)), state, condition)

    state, kept = model.start(n, condition), []
    for i in range(max(after)):
        x, state = piece(tf.constant(i), state)
        if i + 1 in after:
            kept.append(x)
    return tf.stack(kept, 1)
