"""What of a model can leave: each deterministic method that is true of it, as a function of named tensors.

    generate(noise…)    → x              encode(x)      → z          log_prob(x)     → log_prob
    decode(z)           → x              reconstruct(x) → x          free_energy(x)  → free_energy
    classify(x)         → logits

A dict of noise or conditions becomes one input for each part: noise_z, condition_label. `bound` draws random numbers
and stays behind.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import rng
from tfgen.model import GenerativeModel

__all__ = ["Signature", "examples", "signatures", "write"]

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


class Signature(NamedTuple):
    """A method: `call` takes tensors in the order of `inputs` and gives {output: tensor}."""

    call: Callable
    inputs: dict[str, tf.TensorSpec]  # by name, any number of examples
    output: str


def signatures(model: GenerativeModel) -> dict[str, Signature]:
    """All that are true of the model."""
    if None in model.shape:
        raise ValueError(
            f"{type(model).__name__} takes examples of any length {model.shape}: build it with a length to export it"
        )
    x = tf.TensorSpec([None, *model.shape], tf.float32)
    arguments = {"noise": model.noise_signature(), "x": x}
    told = None if model.condition is None else conditions.signature(model.condition)
    if hasattr(model, "decode"):
        z = model.encode(_zeros(x), None if told is None else _zeros(told))
        arguments["z"] = tf.TensorSpec([None, *z.shape[1:]], tf.float32)
    found = {}
    for name, output in _OUTPUT.items():
        if hasattr(model, name):
            argument = _ARGUMENT.get(name, "x")
            structure = (arguments[argument],) if told is None else (arguments[argument], told)
            names = _flat(argument, arguments[argument]) | ({} if told is None else _flat("condition", told))
            found[name] = Signature(_flattened(getattr(model, name), structure, output), names, output)
    return found


def _zeros(spec):
    """One example."""
    return tf.nest.map_structure(lambda s: tf.zeros([1, *s.shape[1:]], s.dtype), spec)


def _flat(name: str, spec) -> dict[str, tf.TensorSpec]:
    return {f"{name}_{part}": spec[part] for part in sorted(spec)} if isinstance(spec, dict) else {name: spec}


def _flattened(method: Callable, structure: tuple, output: str) -> Callable:
    return lambda *tensors: {output: tf.identity(method(*tf.nest.pack_sequence_as(structure, tensors)))}


def write(found: dict[str, Signature], folder: str, batch: int | None = None) -> None:
    """A SavedModel with the weights that the signatures use. The module holds raw variables: a Keras model would reach
    TF-Lite without its weights."""
    module, served = tf.Module(), {}
    for name, signature in found.items():
        specs = [
            tf.TensorSpec([batch, *spec.shape[1:]], spec.dtype, name=part) for part, spec in signature.inputs.items()
        ]
        served[name] = tf.function(signature.call).get_concrete_function(*specs)
    module.weights = list({id(v): v for function in served.values() for v in function.graph.variables}.values())
    tf.saved_model.save(module, folder, signatures=served)


def examples(
    model: GenerativeModel, found: dict[str, Signature], n: int, seed: int = 1
) -> dict[str, tuple[dict, np.ndarray]]:
    """For each signature n inputs, and Keras's numbers for them: the data are samples of the model."""
    told = None if model.condition is None else _conditions(model.condition, n)
    noise = model.noise(n, rng.as_seed(seed))
    values = {"noise": noise, "x": model.sample(n, told, seed=seed + 1)}
    if "decode" in found:
        values["z"] = model.encode(values["x"], told)
    result = {}
    for name, signature in found.items():
        argument = _ARGUMENT.get(name, "x")
        tensors = [*tf.nest.flatten(values[argument]), *([] if told is None else tf.nest.flatten(told))]
        inputs = dict(zip(signature.inputs, [t.numpy() for t in tensors], strict=True))
        result[name] = inputs, signature.call(*tensors)[signature.output].numpy()
    return result


def _conditions(spec, n: int):
    """Every class in turn; ones for tensors."""
    if isinstance(spec, dict):
        return {name: _conditions(part, n) for name, part in spec.items()}
    return tf.range(n) % spec if isinstance(spec, int) else tf.ones([n, *spec])
