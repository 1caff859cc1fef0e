"""What of a model can leave: each deterministic method that is true of it, as a function of named tensors.

    generate(noise…)    → x              encode(x)      → z          log_prob(x)     → log_prob
    decode(z)           → x              reconstruct(x) → x          free_energy(x)  → free_energy
    classify(x)         → logits         start()        → state      advance(noise, state) → x, next_state

Whatever is told a condition takes it besides. A dict of noise, conditions or state becomes one input for each part:
noise_z, condition_label. A chain or a sequence leaves in pieces, too: `start` gives the first state, `advance` takes
the noise of one piece. `bound` draws random numbers and stays behind.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from export import pieces, tensors
from export.contract import Signature, Tensor
from tfgen import condition as conditions
from tfgen import rng
from tfgen.model import GenerativeModel

__all__ = ["examples", "signatures"]

_OUTPUT = {
    "generate": "x",
    "encode": "z",
    "decode": "x",
    "reconstruct": "x",
    "log_prob": "log_prob",
    "free_energy": "free_energy",
    "classify": "logits",
}
_ARGUMENT = {"generate": "noise", "decode": "z"}
_MEANING = {
    "x": "an example",
    "z": "its code",
    "log_prob": "log p(x), in nats",
    "free_energy": "-log p(x) in nats, up to a constant",
    "logits": "of the classes",
}


def signatures(model: GenerativeModel, names: list[str] | None = None) -> dict[str, Signature]:
    """All that are true of the model, or those that are asked for."""
    endless = None in model.shape
    if endless and not hasattr(model, "advance"):
        raise ValueError(
            f"{type(model).__name__} takes examples of any length {model.shape}: build it with a length to export it"
        )
    true = [name for name in _OUTPUT if hasattr(model, name) and not endless]
    true += pieces.PIECES if hasattr(model, "advance") else []
    if unknown := sorted(set(names or ()) - set(true)):
        raise ValueError(f"{type(model).__name__} has no signature {unknown[0]!r}: choose of {', '.join(true)}")
    return {name: _signature(model, name) for name in names or true}


def _signature(model: GenerativeModel, name: str) -> Signature:
    if name in pieces.PIECES:
        return pieces.signature(model, name)
    argument, output = _ARGUMENT.get(name, "x"), _OUTPUT[name]
    specs, told = _specs(model, argument), model.condition
    structure = (specs,) if told is None else (specs, conditions.signature(told))
    inputs = tensors.named(argument, specs, lambda part, spec: tensors.described(model, argument, part, spec))
    inputs |= tensors.told(model)
    shape = _shapes(model, output)
    low, high = tensors.span(model) if output == "x" else (None, None)
    outputs = {output: Tensor(shape, _MEANING[output] + tensors.values(model, output), "given", low, high)}
    call = _flattened(getattr(model, name), structure, tuple(inputs), output)
    return Signature(call, inputs, outputs, picks=name == "generate")


def _specs(model: GenerativeModel, argument: str):
    """TensorSpecs of what a method takes besides a condition."""
    if argument == "noise":
        return model.noise_signature()
    return tf.TensorSpec(_shapes(model, argument), tf.float32)


def _shapes(model: GenerativeModel, output: str) -> tuple[int | None, ...]:
    """Of an example, of what is one number for each, or of what one example makes."""
    if output == "x":
        return (None, *model.shape)
    if output in ("log_prob", "free_energy"):
        return (None,)
    given = [tf.zeros([1, *model.shape])]
    if model.condition is not None:
        given.append(tf.nest.map_structure(tensors.zeros, conditions.signature(model.condition)))
    return (None, *getattr(model, {"z": "encode", "logits": "classify"}[output])(*given).shape[1:])


def _flattened(method: Callable, structure: tuple, names: tuple[str, ...], output: str) -> Callable:
    return lambda **given: {
        output: method(*tf.nest.pack_sequence_as(structure, [tf.convert_to_tensor(given[name]) for name in names]))
    }


def examples(
    model: GenerativeModel, found: dict[str, Signature], n: int, x=None, condition=None, seed: int = 1
) -> dict[str, list[dict[str, np.ndarray]]]:
    """For each signature n calls of one example each, of the data, or of samples where there are none."""
    if condition is None and model.condition is not None:
        condition = _conditions(model.condition, n)
    if condition is not None:
        condition = tf.nest.map_structure(lambda t: tf.convert_to_tensor(t)[:n], condition)
    values = {"noise": model.noise(n, rng.as_seed(seed))} if "generate" in found else {}
    if set(found) - {"generate", *pieces.PIECES}:
        values["x"] = model.sample(n, condition, seed=seed + 1) if x is None else tf.constant(x[:n], tf.float32)
    if "decode" in found:
        values["z"] = model.encode(values["x"], condition)
    told = [] if condition is None else [np.asarray(t) for t in tf.nest.flatten(condition)]
    result = {}
    for name, signature in found.items():
        if name in pieces.PIECES:
            result[name] = pieces.calls(model, signature, name, n, condition, seed)
            continue
        arrays = [*(np.asarray(t) for t in tf.nest.flatten(values[_ARGUMENT.get(name, "x")])), *told]
        calls = [[array[i : i + 1] for array in arrays] for i in range(n)]
        result[name] = [dict(zip(signature.inputs, call, strict=True)) for call in calls]
    return result


def _conditions(spec, n: int):
    """Every class in turn; numbers in 0..1 for tensors."""
    if isinstance(spec, dict):
        return {name: _conditions(part, n) for name, part in spec.items()}
    if isinstance(spec, int):
        return tf.range(n) % spec
    return np.random.default_rng(7).random((n, *spec), "float32")
