"""What comes in at the door: data that do not fit get one clear line before anything moves."""

import math
import re
import types
import typing

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen.values import VALUES

__all__ = [
    "check_argument",
    "check_data",
    "check_net",
    "check_noise",
    "check_shapes",
    "check_values",
    "check_x",
    "is_noise",
    "our_line",
]

_REMEDY = {
    "binary": "only 0 and 1: tfgen.data.load(…, values='binary') binarises",
    "unit": "numbers from 0 to 1: divide bytes by 255",
    "signed": "numbers from -1 to 1: x / 127.5 - 1 of bytes",
    "bytes": "whole numbers from 0 to {top}",
}


def our_line(error: Exception) -> ValueError | None:
    """The line that we put behind "[tfgen] " where an error must pass through a graph; None of an error that is not
    ours."""
    _, mark, line = str(error).partition("[tfgen] ")
    return ValueError(re.split(r"\n|\] \[", line)[0]) if mark else None


def check_shapes(model, x, condition, who: str = "x") -> None:
    """What can be told from shapes alone: used while a step is traced."""
    check_shape(model, x, who)
    conditions.check(model.condition, condition, who)


def check_shape(model, x, who: str = "x") -> None:
    if not tf.nest.is_nested(x):
        got, expected = tuple(x.shape)[1:], model.shape
        if len(got) != len(expected) or any(
            g is not None and e is not None and g != e for g, e in zip(got, expected, strict=True)
        ):
            raise ValueError(
                f"{who} holds examples of shape {got}, and {type(model).__name__} was built for {expected}: "
                f"reshape the data, or build {type(model).__name__}({got})"
            )


def check_x(model, x) -> None:
    """Examples that a method of the model was given."""
    if isinstance(x, (np.ndarray, tf.Tensor)):
        check_shape(model, x)
        check_values(model, x)


def check_data(model, x, condition, batch: int | None, *, least: int = 1, who: str = "x") -> None:
    """Arrays in full, a tf.data.Dataset by its first batch, anything else when its first batch is traced.

    `least`: how many examples a batch needs, over all replicas (1 where nothing is trained).
    """
    count = None
    if isinstance(x, tf.data.Dataset):
        x = next(iter(x.take(1)), None)
        if x is None:
            raise ValueError(f"{who} is an empty dataset: give it at least one batch")
        x, condition, _ = (*x, None, None)[:3] if isinstance(x, tuple) else (x, None, None)
        batch = count = len(tf.nest.flatten(x)[0])
    elif isinstance(x, np.ndarray) or tf.is_tensor(x):
        count, batch = len(x), batch or 32
        if not count:
            raise ValueError(f"{who} holds no examples (its shape is {tuple(x.shape)}): give at least one")
    elif isinstance(x, (list, tuple)):
        raise ValueError(f"{who} is a {type(x).__name__} of {len(x)}: give an array, np.asarray({who})")
    if count is None or tf.nest.is_nested(x):
        return
    check_shapes(model, x, condition, who)
    last = count % batch
    if batch < least:
        raise ValueError(
            f"a batch of {batch} came, and a step needs {least} examples (turns, packing, replicas): take batches of "
            f"{least} or more"
        )
    if 0 < last < least:
        raise ValueError(
            f"{count} examples in batches of {batch} leave a batch of {last}, and a step needs {least} (turns, "
            "packing, replicas): "
            "take another batch size, or drop the remainder"
        )
    check_values(model, x, who)


def check_values(model, x, who: str = "x") -> None:
    """The numbers themselves, where there are any yet: tensors of a graph pass."""
    if tf.is_symbolic_tensor(x) or tf.nest.is_nested(x):
        return
    values = np.asarray(x)
    low, high = VALUES[model.values]
    if model.values == "bytes":  # or a smaller alphabet
        high = getattr(getattr(model, "likelihood", None), "top", None) or high
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(
            f"{who} holds {int(np.isnan(values).sum())} NaN among its {values.size} numbers: drop or fill them"
        )
    bad = (values < low) | (values > high) if model.values != "binary" else (values != 0) & (values != 1)
    if model.values == "bytes" and values.dtype.kind == "f":
        bad |= values % 1 != 0
    if bad.any():
        raise ValueError(
            f"{who} holds {values[bad].flat[0]:.6g} (it ranges from {values.min():.6g} to {values.max():.6g}), "
            f"and {type(model).__name__} takes {model.values} values, {_REMEDY[model.values].format(top=high)}"
            f"{getattr(model, 'otherwise', '')}"
        )


def check_argument(name: str, value, annotation) -> None:
    """Numbers that are no such argument of a constructor: one where several are expected, a broken one where a whole
    one is, none at all."""
    kinds = (
        set(typing.get_args(annotation))
        if typing.get_origin(annotation) in (typing.Union, types.UnionType)
        else {annotation}
    )
    if name == "shape" or not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if any(typing.get_origin(kind) is tuple for kind in kinds) and not kinds & {int, float}:
        raise ValueError(f"{name}={value}: expected a tuple, such as {name}=({value},)")
    if int in kinds and float not in kinds and value != int(value if math.isfinite(value) else 0):
        raise ValueError(f"{name}={value}: expected a whole number")
    if math.isnan(value):
        raise ValueError(f"{name}={value}: expected a number")


def check_net(net, who: str, takes: str) -> None:
    """A net of one's own whose shapes Keras does not know yet."""
    if not isinstance(net, keras.Model) or not isinstance(getattr(net, "inputs", None), list) or not net.inputs:
        kind = "was never built" if isinstance(net, keras.Sequential) else f"is a {type(net).__name__}"
        raise ValueError(
            f"{who} {kind}, and its shapes are not known: begin it with keras.Input({takes}), or wrap it: "
            f"inputs = keras.Input({takes}); keras.Model(inputs, net(inputs))"
        )


def is_noise(model, noise) -> bool:
    """Whether it has the structure and the shapes of what `model.noise(n, seed)` gives."""
    expected = model.noise_signature()
    try:
        tf.nest.assert_same_structure(noise, expected)
        return all(
            len(got.shape) == len(want.shape)
            and all(g is None or w is None or g == w for g, w in zip(got.shape, want.shape, strict=True))
            for got, want in zip(tf.nest.flatten(noise), tf.nest.flatten(expected), strict=True)
        )
    except (TypeError, ValueError):
        return False


def check_noise(model, noise) -> None:
    """`model(noise)` takes what `model.noise(n, seed)` gives; people try data first."""
    if not is_noise(model, noise):
        expected = model.noise_signature()
        got, want = (tf.nest.map_structure(lambda t: tuple(t.shape), n) for n in (noise, expected))
        of_data = [f"{name}(x)" for name in ("reconstruct", "encode", "log_prob") if hasattr(model, name)]
        raise ValueError(
            f"{type(model).__name__} turns noise of shape {want} into samples, and {got} came: give it "
            f"model.noise(n, seed){'; of data there are ' + ', '.join(of_data) if of_data else ''}"
        )
