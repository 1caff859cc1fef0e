"""Inputs and outputs of models of the house: what they mean, their ranges, the laws that their models declare."""

import math
from collections.abc import Callable

import tensorflow as tf

from export.contract import Tensor
from tfgen import condition as conditions
from tfgen.model import GenerativeModel
from tfgen.values import VALUES

__all__ = ["described", "named", "span", "told", "values", "zeros"]


def span(model: GenerativeModel) -> tuple[float | None, float | None]:
    """The least and the largest value that examples may hold; None where there is no end."""
    return tuple(end if math.isfinite(end) else None for end in VALUES[model.values])


def named(name: str, spec, make: Callable) -> dict[str, Tensor]:
    return {f"{name}_{p}": make(p, spec[p]) for p in sorted(spec)} if isinstance(spec, dict) else {name: make("", spec)}


def described(model: GenerativeModel, argument: str, part: str, spec: tf.TensorSpec) -> Tensor:
    if argument == "noise":
        law, low, high = _law(model, part)
        return Tensor(tuple(spec.shape), "what a sample is drawn from", law, low, high)
    if argument == "z":
        return Tensor(tuple(spec.shape), "a code", "code")
    return Tensor(tuple(spec.shape), "an example" + values(model, "x"), "data", *span(model))


def values(model: GenerativeModel, output: str) -> str:
    return f", {model.values} values" if output == "x" else ""


def _law(model: GenerativeModel, part: str) -> tuple[str, float | None, float | None]:
    """As the model declares it."""
    law = model.laws[part] if part else model.laws
    return ("uniform", law.low, law.high) if law.kind == "uniform" else ("normal", None, None)


def told(model: GenerativeModel) -> dict[str, Tensor]:
    """The condition's inputs."""
    spec = model.condition
    if spec is None:
        return {}
    return named("condition", conditions.signature(spec), lambda part, s: _condition(spec, part, s))


def _condition(told, part: str, spec: tf.TensorSpec) -> Tensor:
    kind = told[part] if part else told
    if isinstance(kind, int):
        return Tensor(tuple(spec.shape), f"one of {kind} classes", "class", 0, kind - 1, "int32")
    return Tensor(tuple(spec.shape), "what the model is told", "given")


def zeros(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros([1, *spec.shape[1:]], spec.dtype)
