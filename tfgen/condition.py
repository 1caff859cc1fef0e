"""Conditions: what a model is told besides x.

A model declares `condition` as None, a number of classes (labels [n]), a shape (tensors [n, *shape]), or a dict of
these.
"""

import math

import numpy as np
import tensorflow as tf

__all__ = [
    "beside",
    "beside_shape",
    "broadcast",
    "check",
    "check_labels",
    "columns",
    "describe",
    "has_turns",
    "in_pieces",
    "in_turn",
    "parts",
    "rows",
    "shape_of",
    "signature",
    "size",
    "turns",
    "vector",
]

COLUMNS = 20  # of a picture, at most

Spec = None | int | tuple | dict


def describe(spec: Spec) -> str:
    if spec is None:
        return "no condition"
    if isinstance(spec, int):
        return f"labels in 0..{spec - 1}, shape [n]"
    if isinstance(spec, dict):
        return "a dict of " + ", ".join(f"{name}: {describe(part)}" for name, part in spec.items())
    return f"tensors of shape [n, {', '.join(map(str, spec))}]"


def shape_of(spec: int | tuple) -> tuple:
    return () if isinstance(spec, int) else tuple(spec)


def size(spec: Spec) -> int:
    """The length of `vector`."""
    if spec is None:
        return 0
    if isinstance(spec, dict):
        return sum(map(size, spec.values()))
    return spec if isinstance(spec, int) else math.prod(spec)


def parts(spec: Spec) -> tuple[tuple[int, bool], ...]:
    """What `vector` is made of: how long each part is, and whether it is a one-hot label."""
    if isinstance(spec, dict):
        return tuple(part for each in spec.values() for part in parts(each))
    return () if spec is None else ((size(spec), isinstance(spec, int)),)


def vector(spec: Spec, condition) -> tf.Tensor:
    """The condition as float32 [n, size(spec)]: labels one-hot, tensors flat, the parts of a dict side by side."""
    if isinstance(spec, dict):
        return tf.concat([vector(part, condition[name]) for name, part in spec.items()], -1)
    if isinstance(spec, int):
        return tf.one_hot(tf.cast(condition, tf.int32), spec)
    return tf.reshape(tf.cast(condition, tf.float32), [-1, size(spec)])


def has_turns(spec: Spec) -> bool:
    """Whether a condition is nothing but classes, which can be shown in turn."""
    if isinstance(spec, dict):
        return all(map(has_turns, spec.values()))
    return isinstance(spec, int)


def turns(spec: Spec) -> int | None:
    """Of a model that is told one of a few classes, how many: its pictures have a column for each."""
    return spec if isinstance(spec, int) and 1 < spec <= COLUMNS else None


def in_turn(spec: Spec, n: int, given=None):
    """n conditions to show a model with: every class in turn; else those of examples, which begin anew where they end.

    `given`: the conditions of examples, [any number, …].
    """
    if spec is None:
        return None
    if not has_turns(spec):
        if given is None:
            raise ValueError(f"this model takes {describe(spec)}: give the conditions of examples to draw with")
        return tf.nest.map_structure(lambda part: np.asarray(part)[np.arange(n) % len(part)], given)
    if isinstance(spec, dict):
        return {name: in_turn(part, n) for name, part in spec.items()}
    return np.arange(n) % spec


def rows(condition, which):
    """The conditions of some examples, by index, slice or array; None of none."""
    array = np.asarray if isinstance(which, np.ndarray) else lambda part: part  # tensors know no indices
    return tf.nest.map_structure(lambda part: None if part is None else array(part)[which], condition)


def in_pieces(function, x, told=None, piece: int = 500) -> np.ndarray:
    """`function(x, told)` of many examples, some at a time."""
    function, found = tf.function(function, reduce_retracing=True, autograph=False), []
    for at in range(0, len(tf.nest.flatten(x)[0]), piece):
        here = slice(at, at + piece)
        found.append(function(tf.nest.map_structure(tf.constant, rows(x, here)), rows(told, here)).numpy())
    return np.concatenate(found)


def beside(spec: Spec, x: tf.Tensor, condition) -> tf.Tensor:
    """Examples with what is told beside them, in the last dimension: `beside_shape` says of which shape. Any x but maps
    becomes flat."""
    if spec is None:
        return x
    flat = x if x.shape.rank in (2, 4) else tf.reshape(x, [tf.shape(x)[0], math.prod(x.shape[1:])])
    return tf.concat([flat, columns(spec, condition, flat)], -1)


def columns(spec: Spec, condition, x: tf.Tensor) -> tf.Tensor:
    """What stands beside x: a vector [n, size(spec)], or beside maps [n, height, width, channels] pictures as channels,
    in the size of the maps, and anything else as channels that are everywhere the same."""
    return vector(spec, condition) if x.shape.rank != 4 else tf.concat(_channels(spec, condition, x), -1)


def _channels(spec: Spec, condition, x: tf.Tensor) -> list[tf.Tensor]:
    if isinstance(spec, dict):
        return [channels for name, part in spec.items() for channels in _channels(part, condition[name], x)]
    if _is_picture(spec):
        maps = tf.cast(condition, x.dtype)
        return [maps if maps.shape[1:3] == x.shape[1:3] else tf.image.resize(maps, tf.shape(x)[1:3], "nearest")]
    row = tf.cast(vector(spec, condition), x.dtype)[:, None, None]
    places = [tf.shape(x)[i] if x.shape[i] is None else x.shape[i] for i in range(3)]
    return [tf.broadcast_to(row, [*places, row.shape[-1]])]


def _is_picture(spec: Spec) -> bool:
    return isinstance(spec, tuple) and len(spec) == 3


def beside_shape(spec: Spec, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of `beside` for examples of this shape."""
    if spec is None:
        return tuple(shape)
    if len(shape) != 3:
        return (math.prod(shape) + size(spec),)
    return (*shape[:2], shape[2] + _depth(spec))


def _depth(spec: Spec) -> int:
    if isinstance(spec, dict):
        return sum(map(_depth, spec.values()))
    return spec[-1] if _is_picture(spec) else size(spec)


def signature(spec: Spec):
    """TensorSpecs of a batch of any size."""
    if isinstance(spec, dict):
        return {name: signature(part) for name, part in spec.items()}
    return tf.TensorSpec([None, *shape_of(spec)], tf.int32 if isinstance(spec, int) else tf.float32, name="condition")


def broadcast(spec: Spec, condition, n: int, who: str = "sample"):
    """One condition for all of n samples, or n conditions as they are; checked."""
    if spec is None or condition is None:
        check(spec, condition, who)
        return None
    if isinstance(spec, dict):
        check(spec, condition, who, values=False)
        return {name: broadcast(part, condition[name], n, who) for name, part in spec.items()}
    condition = np.asarray(condition)
    if condition.shape == shape_of(spec):
        condition = np.broadcast_to(condition, (n, *condition.shape))
    check(spec, condition, who)
    if len(condition) != n:
        raise ValueError(f"{n} samples were asked for with {len(condition)} conditions: give one, or {n}")
    return tf.convert_to_tensor(condition, tf.int32 if isinstance(spec, int) else tf.float32)


def check_labels(spec: Spec, condition) -> None:
    """In a graph: labels of a batch outside the classes end the step."""
    if isinstance(spec, dict):
        for name, part in spec.items():
            check_labels(part, condition[name])
    elif isinstance(spec, int):
        message = f"[tfgen] a batch holds a label outside the classes; this model takes {describe(spec)}"
        tf.debugging.assert_less(condition, tf.cast(spec, condition.dtype), message)
        tf.debugging.assert_non_negative(condition, message)


def check(spec: Spec, condition, who: str, values: bool = True) -> None:
    """One clear line where a condition is missing, unasked for, of another shape or outside its classes."""
    if spec is None:
        if condition is not None:
            raise ValueError(
                f"{who} came with a condition, and this model takes none: leave it out, or build the model with "
                "condition=…"
            )
        return
    if condition is None:
        raise ValueError(f"{who} came without a condition; this model takes {describe(spec)}: give (x, condition)")
    if isinstance(spec, dict):
        if not isinstance(condition, dict) or set(condition) != set(spec):
            got = f"a dict of {', '.join(condition)}" if isinstance(condition, dict) else type(condition).__name__
            raise ValueError(f"{who} came with {got} as its condition; this model takes {describe(spec)}")
        for name, part in spec.items():
            check(part, condition[name], f"{who} ({name})", values)
        return
    if not values:
        return
    shape = tuple(condition.shape)
    if len(shape) != 1 + len(shape_of(spec)) or any(
        d not in (None, e) for d, e in zip(shape[1:], shape_of(spec), strict=True)
    ):
        raise ValueError(f"{who} came with a condition of shape {shape}; this model takes {describe(spec)}")
    if isinstance(spec, int) and (
        isinstance(condition, np.ndarray) or (tf.is_tensor(condition) and not tf.is_symbolic_tensor(condition))
    ):
        labels = np.asarray(condition)
        if labels.size and not (np.all(labels == labels.astype(int)) and labels.min() >= 0 and labels.max() < spec):
            raise ValueError(
                f"{who} came with labels from {labels.min()} to {labels.max()}; this model takes {describe(spec)}"
            )
