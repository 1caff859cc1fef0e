"""Sequences made one place after the other, in one loop."""

from collections.abc import Callable

import tensorflow as tf

__all__ = ["unroll"]


def unroll(step: Callable, noise: tf.Tensor, state) -> tuple[tf.Tensor, object]:
    """x [n, time, …] and the last state of `step(noise_t [n, …], state) -> x_t [n, …], state`, for noise [n, time, …].
    Time may be of any length; the state is any structure of tensors whose shapes stay."""
    length = tf.shape(noise)[1]
    made = tf.TensorArray(tf.float32, length)

    def body(t, state, made):
        x, state = step(noise[:, t], state)
        return t + 1, state, made.write(t, x)

    _, state, made = tf.while_loop(lambda t, *_: t < length, body, (0, state, made), maximum_iterations=length)
    x = made.stack()
    return tf.transpose(x, [1, 0, *range(2, x.shape.rank)]), state
