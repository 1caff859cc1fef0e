"""Sequences made one place after the other, in one loop; and how a symbol is chosen.

temperature T   p_T(v) ∝ p(v)^(1/T): 1 is the model's own, 0 always the most likely value
top_k           only the k most likely values
"""

import dataclasses
import math
import numbers
from collections.abc import Callable

import tensorflow as tf

from tfgen import rng

__all__ = ["SAMPLE", "Choice", "naive", "unroll"]


@dataclasses.dataclass(frozen=True)
class Choice:
    """Of a value by its likelihood (`tfgen.parts.likelihood`) and a uniform number."""

    temperature: float = 1.0
    top_k: int | None = None

    def __post_init__(self):
        if not isinstance(self.temperature, numbers.Real) or not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature={self.temperature!r}: expected a number, 0 (the most likely value) or more")
        if self.top_k is not None and (not isinstance(self.top_k, numbers.Integral) or self.top_k < 1):
            raise ValueError(f"top_k={self.top_k!r}: expected a whole number, 1 or more")

    def check(self, likelihood) -> None:
        if likelihood.values not in ("binary", "bytes") and self != SAMPLE:
            raise ValueError(
                "temperature and top_k choose among symbols, and this model gives real numbers: leave them out"
            )

    def pick(self, likelihood, noise: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """x [n, d] by noise [n, d] or [n, d, 2] and parameters [n, d, size]."""
        if self == SAMPLE:
            return likelihood.pick(noise, parameters)
        count = 2 if likelihood.values == "binary" else likelihood.top + 1
        values = tf.range(count, dtype=tf.float32)[:, None, None] + tf.zeros(tf.shape(parameters)[:2])
        log_p = tf.transpose(likelihood.each(values, parameters), [1, 2, 0])
        if self.temperature == 0:
            return tf.cast(tf.argmax(log_p, -1), tf.float32)
        if self.top_k is not None and self.top_k < count:
            best = tf.math.top_k(log_p, self.top_k).indices  # of equal ones the smaller values, as argmax does
            log_p = tf.where(tf.reduce_any(tf.one_hot(best, count, True, False), -2), log_p, -math.inf)
        u = noise if noise.shape.rank == 2 else noise[..., -1]
        logits = tf.reshape(log_p / self.temperature, [-1, count])
        return tf.reshape(tf.cast(rng.categorical(tf.reshape(u, [-1]), logits=logits), tf.float32), tf.shape(u))


SAMPLE = Choice()


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


def naive(model, noise: tf.Tensor, condition=None, choice: Choice = SAMPLE) -> tf.Tensor:
    """What `model.generate(noise, condition)` gives, the slow way: a pass of the whole net for each number of x."""
    x = tf.zeros([tf.shape(noise)[0], model.places, model.channels])
    numbers = model.places * model.channels

    def body(i, x):
        t, c = i // model.channels, i % model.channels
        parameters = model.ordered_parameters(model.outward(x), condition)  # [n, places, channels, size]
        here = tf.gather(tf.gather(parameters, t, axis=1), c, axis=1)[:, None]
        drawn = choice.pick(model.likelihood, tf.gather(tf.gather(noise, t, axis=1), [c], axis=1), here)
        at = (tf.range(model.places)[:, None] == t) & (tf.range(model.channels) == c)
        return i + 1, tf.where(at, drawn[..., None], x)

    return model.outward(tf.while_loop(lambda i, x: i < numbers, body, (0, x), maximum_iterations=numbers)[1])
