"""Strategies by name, and the little that Keras 3 lacks to train under them.

Build the model inside `with strategy("mirrored").scope():`; everything else stays as on one device.
"""

import json
import os
from collections.abc import Callable

import tensorflow as tf

__all__ = ["assign", "clip", "is_chief", "keep_rows", "make_function", "own_rows", "strategy"]

NAMES = ("none", "mirrored", "multiworker")


def strategy(name: str = "none", devices: list[str] | None = None) -> tf.distribute.Strategy:
    """`none` (one device), `mirrored` (every GPU of this machine, or `devices`), `multiworker` (the machines that
    TF_CONFIG names).

    `multiworker` must be asked for before TensorFlow computes anything.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(devices)
    if name == "multiworker":
        _check_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise ValueError(f"there is no strategy {name!r}: choose one of {', '.join(NAMES)}")


def _check_cluster() -> None:
    text = os.environ.get("TF_CONFIG")
    if not text:
        return
    try:
        config = json.loads(text)
        task = config["task"]
        if task["type"] == "worker":
            _ = config["cluster"]["worker"][task["index"]]
    except (json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
        expected = '{"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}'
        raise ValueError(
            f"TF_CONFIG is {text!r} ({type(error).__name__}: {error}); expected JSON like {expected}"
        ) from None


def is_chief(current: tf.distribute.Strategy | None = None) -> bool:
    """Whether this process writes: always, but for the workers beside the first one of a multiworker strategy."""
    resolver = getattr(current, "cluster_resolver", None)
    return (
        resolver is None
        or resolver.task_type in (None, "chief")
        or (resolver.task_type == "worker" and resolver.task_id == 0)
    )


def assign(variable, value: tf.Tensor) -> None:
    """To a Keras variable, within a step: replicas, whose values are the same, assign together."""
    context = tf.distribute.get_replica_context()
    if context is None or not tf.distribute.has_strategy():
        variable.assign(value)
    else:
        context.merge_call(
            lambda current, new: current.extended.update(variable.value, lambda v, one: v.assign(one), args=(new,)),
            args=(value,),
        )


def clip(variables, bound: float) -> None:
    """Each into [-bound, bound], within a step."""
    for v in variables:
        assign(v, tf.clip_by_value(v, -bound, bound))


def own_rows(variable) -> tf.Tensor:
    """Those of this replica: chains and pools are one weight with the rows of all replicas, one block each."""
    replica, count = _replica()
    rows = variable.shape[0] // count
    return variable.value[replica * rows : (replica + 1) * rows]


def keep_rows(variable, rows: tf.Tensor) -> None:
    """Writes this replica's block: the weight is summed over replicas (aggregation="sum"), zeros elsewhere."""
    replica, count = _replica()
    before = replica * (variable.shape[0] // count)
    after = variable.shape[0] - before - variable.shape[0] // count
    variable.assign(tf.pad(rows, [[before, after], *[[0, 0]] * (rows.shape.rank - 1)]))


def _replica() -> tuple:
    context = tf.distribute.get_replica_context()
    return (context.replica_id_in_sync_group, context.num_replicas_in_sync) if context else (0, 1)


def make_function(model, step: Callable) -> Callable | None:
    """Keras's train or test function for a model built under a strategy (None for any other): runs
    `steps_per_execution` steps.

    Stock Keras reduces the logs of a step over axis 0, which scalars do not have on several workers, and cannot take
    several steps at a time on any strategy. Here the logs are read from the metrics, which add up over replicas by
    themselves.
    """
    current = model._distribute_strategy
    if current is None:
        return None

    @tf.autograph.experimental.do_not_convert  # which would wrap our one-line errors
    def many(iterator):
        def body(done, _):
            data = iterator.get_next_as_optional()

            def play():
                current.run(step, args=(data.get_value(),))
                return done + 1, True

            return tf.cond(data.has_value(), play, lambda: (done, False))

        return tf.while_loop(lambda done, more: more & (done < model.steps_per_execution), body, (0, True))[0]

    many = many if model.run_eagerly else tf.function(many, reduce_retracing=True)

    def function(iterator):
        if many(iterator) == 0:
            raise StopIteration
        return model.get_metrics_result()

    return function
