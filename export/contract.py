"""What leaves the house: functions of named tensors, each of which says what it is.

A shape that begins with None takes any number of examples: the SavedModel keeps that, a TF-Lite file takes one at a
time. What else is None stays free in both (a picture of any size), unless `lite` says which shape the phone gets.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

__all__ = ["Signature", "Tensor", "calls_of", "write"]

LAWS = {
    "normal": "independent standard normal numbers",
    "uniform": "independent uniform numbers",
    "class": "the number of a class",
    "data": "data",
    "code": "a code, as `encode` gives it",
    "state": "zeros at first, then what the last call gave",
    "started": "what `start` gives at first, then what the last call gave",
    "given": "as its meaning says",
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output.

    Arguments:
        shape: with None where any size is taken.
        meaning: in a few words, for those who never saw this project.
        law: how an input comes to be, for a program: a key of `LAWS`.
        low, high: the ends of its range, where it has some: low <= value <= high, of uniform noise below high.
        dtype: its name.
        lite: the shape in TF-Lite files.
    """

    shape: tuple[int | None, ...]
    meaning: str = ""
    law: str = "given"
    low: float | None = None
    high: float | None = None
    dtype: str = "float32"
    lite: tuple[int | None, ...] | None = None

    @property
    def on_phone(self) -> tuple[int | None, ...]:
        return self.lite or ((1, *self.shape[1:]) if self.shape and self.shape[0] is None else tuple(self.shape))

    def describe(self) -> dict:
        """For a card."""
        low, high = (0.0, 1.0) if self.law == "uniform" and self.low is None else (self.low, self.high)
        law = LAWS[self.law] + (f" from {low:g} to below {high:g}" if self.law == "uniform" else "")
        return {
            "shape": list(self.on_phone),
            "dtype": self.dtype,
            "meaning": self.meaning,
            "law": self.law,
            "in_words": law,
            "range": None if low is None else [low, high],
        }


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function.

    Arguments:
        call: named tensors to a dict of named tensors, without random numbers.
        inputs, outputs: what it takes and gives; the shapes of outputs are found.
        state: input → the output that is its next value: what is carried from call to call.
        reference: what it is compared with, by default `call` itself as Keras runs it.
        picks: symbols are picked by thresholds, so that rounding may turn some over.
    """

    call: Callable[..., dict[str, tf.Tensor]]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    state: dict[str, str] = dataclasses.field(default_factory=dict)
    reference: Callable[..., dict[str, tf.Tensor]] | None = None
    picks: bool = False

    @property
    def takes_batches(self) -> bool:
        """Any number of examples at once."""
        return (
            bool(self.inputs) and not self.state and all(t.shape and t.shape[0] is None for t in self.inputs.values())
        )

    def specs(self, on_phone: bool) -> dict[str, tf.TensorSpec]:
        return {
            name: tf.TensorSpec(t.on_phone if on_phone else t.shape, t.dtype, name=name)
            for name, t in self.inputs.items()
        }


def write(signatures: dict[str, Signature], folder: str, on_phone: bool = False) -> None:
    """A SavedModel with the weights that the signatures use. The module holds raw variables: a Keras model would reach
    TF-Lite without its weights."""
    module, served = tf.Module(), {}
    for name, signature in signatures.items():
        identities = lambda call: lambda **tensors: {k: tf.identity(v) for k, v in call(**tensors).items()}
        function = tf.function(identities(signature.call), autograph=False)
        function = function.get_concrete_function(**signature.specs(on_phone))
        given = set(function.structured_outputs)
        if given != set(signature.outputs):
            raise ValueError(
                f"{name} gives {sorted(given)}, and its outputs are said to be {sorted(signature.outputs)}"
            )
        served[name] = function
    module.weights = list({id(v): v for function in served.values() for v in function.graph.variables}.values())
    tf.saved_model.save(module, folder, signatures=served)


def calls_of(signature: Signature, given: list[dict]) -> list[tuple[dict, dict]]:
    """Each call's whole inputs, and what the reference gives for them. State that a call does not give is what the last
    one left, at first zeros."""
    reference = signature.reference or signature.call
    run = lambda inputs: {
        k: np.asarray(v) for k, v in reference(**{k: tf.constant(v) for k, v in inputs.items()}).items()
    }
    carried = {k: np.zeros(signature.inputs[k].on_phone, signature.inputs[k].dtype) for k in signature.state}
    if signature.takes_batches:
        given = [_checked(signature, inputs) for inputs in given]
    if signature.takes_batches and len({tuple(v.shape for v in inputs.values()) for inputs in given}) == 1:
        outputs = run({k: np.concatenate([inputs[k] for inputs in given]) for k in signature.inputs})
        return [(inputs, {k: v[i : i + 1] for k, v in outputs.items()}) for i, inputs in enumerate(given)]
    calls = []
    for inputs in given:
        inputs = _checked(signature, {**carried, **inputs})
        calls.append((inputs, run(inputs)))
        carried = {k: calls[-1][1][after] for k, after in signature.state.items()}
    return calls


def _checked(signature: Signature, inputs: dict) -> dict[str, np.ndarray]:
    """One call as the phone makes it."""
    if set(inputs) != set(signature.inputs):
        raise ValueError(f"an example holds {sorted(inputs)}, and the inputs are {sorted(signature.inputs)}")
    arrays = {k: np.asarray(inputs[k], t.dtype) for k, t in signature.inputs.items()}
    for name, t in signature.inputs.items():
        found = arrays[name].shape
        if len(found) != len(t.on_phone) or any(d not in (None, e) for d, e in zip(t.on_phone, found, strict=True)):
            raise ValueError(f"an example's {name} has the shape {found}, and {t.on_phone} is expected")
    return arrays
