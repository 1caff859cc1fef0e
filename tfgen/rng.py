"""Randomness: every draw is a function of a seed; what a training step draws is a function of (model, step, replica,
call).

Draws use Philox, which is as fast under XLA as outside it. One seed gives other numbers under XLA than outside:
`noise` is therefore drawn outside, and what turns it into a sample (the inverse transforms below) is deterministic.
"""

import contextlib
import secrets
import threading

import tensorflow as tf

__all__ = [
    "as_seed",
    "bernoulli",
    "categorical",
    "fold_in",
    "logistic",
    "new_seed",
    "normal",
    "split",
    "step",
    "stream",
    "uniform",
]


def as_seed(seed: int | tf.Tensor | None) -> tf.Tensor:
    """An int64 seed of shape [2]: of an int, of a seed (itself), or of None (from the operating system)."""
    if seed is None:
        seed = secrets.randbits(63)
    if isinstance(seed, int):
        return tf.constant([seed, 0], tf.int64)
    return seed


fold_in = tf.random.experimental.stateless_fold_in


def split(seed: tf.Tensor, n: int) -> list[tf.Tensor]:
    return [fold_in(seed, i) for i in range(n)]


def uniform(shape, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, alg="philox")


def normal(shape, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_normal(shape, seed, alg="philox")


def bernoulli(uniforms: tf.Tensor, *, logits: tf.Tensor) -> tf.Tensor:
    """0.0 or 1.0, one for each uniform, with probability sigmoid(logits) of a one."""
    return tf.cast(uniforms < tf.sigmoid(logits), tf.float32)


def categorical(uniforms: tf.Tensor, *, logits: tf.Tensor) -> tf.Tensor:
    """One index for each of the uniforms [n], by the inverse of the cumulative distribution of logits [n, k] or [k]."""
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)[..., :-1]
    return tf.reduce_sum(tf.cast(uniforms[:, None] >= cumulative, tf.int32), -1)


def logistic(uniforms: tf.Tensor) -> tf.Tensor:
    """Standard logistic variables: the logit of uniforms, kept off 0 and 1."""
    u = tf.clip_by_value(uniforms, 1e-6, 1 - 1e-6)
    return tf.math.log(u) - tf.math.log1p(-u)


class _Stream(threading.local):  # each replica of a mirrored step runs in a thread of its own
    seed = None
    calls = 0
    step = None


_stream = _Stream()


@contextlib.contextmanager
def stream(seed: tf.Tensor, step: tf.Tensor | None = None):
    """Inside, `new_seed()` counts up from this seed. A step opens one; layers and models draw from it."""
    outer = _stream.seed, _stream.calls, _stream.step
    _stream.seed, _stream.calls, _stream.step = seed, 0, step
    try:
        yield
    finally:
        _stream.seed, _stream.calls, _stream.step = outer


def step() -> tf.Tensor:
    """How many steps were trained, the one that runs among them, by the model that was fitted: a model inside another
    has no count of its own. 0 outside a step."""
    return tf.constant(0, tf.int64) if _stream.step is None else _stream.step


def new_seed() -> tf.Tensor:
    """The next seed of the step that runs: another one at every call, step and replica. Outside a step, a fresh one."""
    if _stream.seed is None:
        if tf.inside_function():
            raise ValueError(
                "new_seed() in a tf.function outside a training step would be frozen: open `with "
                "tfgen.rng.stream(seed):` first"
            )
        return as_seed(None)
    _stream.calls += 1
    replica = tf.distribute.get_replica_context()
    return fold_in(fold_in(_stream.seed, _stream.calls), replica.replica_id_in_sync_group if replica else 0)
