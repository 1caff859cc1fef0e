"""Markov chains that persist: their state is a weight, saved with the others, and each replica has rows of its own.

Tieleman, "Training restricted Boltzmann machines using approximations to the likelihood gradient", 2008.
"""

import keras
import tensorflow as tf

__all__ = ["coins", "persistent"]


def persistent(owner: keras.layers.Layer, chains: int, shape: tuple[int, ...], *, start, name: str) -> keras.Variable:
    """[chains, *shape] of all replicas: `distribute.own_rows` and `keep_rows` read and write those of one."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if chains % replicas:
        raise ValueError(f"{chains} chains cannot be shared by {replicas} replicas: take a multiple of {replicas}")
    options = {"trainable": False, "aggregation": "sum", "dtype": "float32"}
    return owner.add_weight(shape=(chains, *shape), initializer=start, name=name, **options)


def coins(shape, dtype=None):
    """Zeros and ones."""
    return keras.ops.cast(keras.random.uniform(shape) < 0.5, dtype or "float32")
