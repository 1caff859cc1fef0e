"""What of a model can leave: each deterministic method that is true of it, as a function of named tensors.

    generate(noise…)    → x              encode(x)      → z          log_prob(x)     → log_prob
    decode(z)           → x              reconstruct(x) → x          free_energy(x)  → free_energy
    classify(x)         → logits         start()        → state      advance(noise, state) → x, next_state

Whatever is told a condition takes it besides. A dict of noise, conditions or state becomes one input for each part:
noise_z, condition_label. A chain or a sequence leaves in pieces, too: `start` gives the first state, `advance` takes
the noise of one piece. `bound` draws random numbers and stays behind.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from export.contract import Signature, Tensor
from tfgen import condition as conditions
from tfgen import laws, rng
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
_RANGE = {"binary": (0.0, 1.0), "unit": (0.0, 1.0), "signed": (-1.0, 1.0), "bytes": (0.0, 255.0), "real": (None, None)}
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
    true += ["start", "advance"] if hasattr(model, "advance") else []
    if unknown := sorted(set(names or ()) - set(true)):
        raise ValueError(f"{type(model).__name__} has no signature {unknown[0]!r}: choose of {', '.join(true)}")
    return {name: _signature(model, name) for name in names or true}


def _signature(model: GenerativeModel, name: str) -> Signature:
    if name in ("start", "advance"):
        return _piece(model, name)
    argument, output = _ARGUMENT.get(name, "x"), _OUTPUT[name]
    specs, told = _specs(model, argument), model.condition
    structure = (specs,) if told is None else (specs, conditions.signature(told))
    inputs = _named(argument, specs, lambda part, spec: _tensor(model, argument, part, spec))
    inputs |= _told(model)
    shape = _shapes(model, output)
    low, high = _RANGE[model.values] if output == "x" else (None, None)
    outputs = {output: Tensor(shape, _MEANING[output] + _values(model, output), "given", low, high)}
    call = _flattened(getattr(model, name), structure, tuple(inputs), output)
    return Signature(call, inputs, outputs, picks=name == "generate")


def _piece(model: GenerativeModel, name: str) -> Signature:
    """`start` or `advance`: a piece of the noise, and a state that goes from call to call."""
    told = _told(model)
    condition = lambda t: (
        tf.nest.pack_sequence_as(conditions.signature(model.condition), [t[k] for k in told]) if told else None
    )
    first = model.start(1, None if not told else tf.nest.map_structure(_zeros, conditions.signature(model.condition)))
    parts = [f"state{suffix}" for suffix in _suffixes(first)]
    states = {
        k: Tensor((None, *t.shape[1:]), "what goes from call to call", "state", dtype=t.dtype.name)
        for k, t in zip(parts, tf.nest.flatten(first), strict=True)
    }
    named = lambda state, before="": {f"{before}{k}": t for k, t in zip(parts, tf.nest.flatten(state), strict=True)}
    if name == "start":
        many = lambda t: tf.shape(next(iter(t.values())))[0] if t else 1
        return Signature(lambda **t: named(model.start(many(t), condition(t))), told, states)
    specs = laws.signature(model.laws)
    noise = _named("noise", specs, lambda part, spec: _tensor(model, "noise", part, spec))
    noise = {k: dataclasses.replace(t, lite=(1, *(d or 1 for d in t.shape[1:]))) for k, t in noise.items()}

    def advance(**t):
        drawn = tf.nest.pack_sequence_as(specs, [t[k] for k in noise])
        x, state = model.advance(drawn, tf.nest.pack_sequence_as(first, [t[k] for k in parts]), condition(t))
        return {"x": x} | named(state, "next_")

    again = {k: f"next_{k}" for k in parts}
    meaning = f"the sample so far, done after {model.pieces} calls" if model.pieces else "the next piece of the sample"
    x = Tensor((None, *model.shape), meaning + _values(model, "x"), "given", *_RANGE[model.values])
    gives = {"x": x} | {f"next_{k}": t for k, t in states.items()}
    return Signature(advance, noise | states | told, gives, again, picks=True)


def _suffixes(state) -> list[str]:
    """Of the parts of a nest, in the order in which it is flattened."""
    if isinstance(state, dict):
        return [f"_{k}{rest}" for k in sorted(state) for rest in _suffixes(state[k])]
    if isinstance(state, (list, tuple)):
        return [f"_{i}{rest}" for i, part in enumerate(state) for rest in _suffixes(part)]
    return [""]


def _told(model: GenerativeModel) -> dict[str, Tensor]:
    """The condition's inputs."""
    spec = model.condition
    if spec is None:
        return {}
    return _named("condition", conditions.signature(spec), lambda part, s: _condition(spec, part, s))


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
        given.append(tf.nest.map_structure(_zeros, conditions.signature(model.condition)))
    return (None, *getattr(model, {"z": "encode", "logits": "classify"}[output])(*given).shape[1:])


def _zeros(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros([1, *spec.shape[1:]], spec.dtype)


def _named(name: str, spec, make: Callable) -> dict[str, Tensor]:
    return {f"{name}_{p}": make(p, spec[p]) for p in sorted(spec)} if isinstance(spec, dict) else {name: make("", spec)}


def _tensor(model: GenerativeModel, argument: str, part: str, spec: tf.TensorSpec) -> Tensor:
    if argument == "noise":
        law, low, high = _law(model, part)
        return Tensor(tuple(spec.shape), "what a sample is drawn from", law, low, high)
    if argument == "z":
        return Tensor(tuple(spec.shape), "a code", "code")
    return Tensor(tuple(spec.shape), "an example" + _values(model, "x"), "data", *_RANGE[model.values])


def _values(model: GenerativeModel, output: str) -> str:
    return f", {model.values} values" if output == "x" else ""


def _law(model: GenerativeModel, part: str) -> tuple[str, float | None, float | None]:
    """As the model declares it."""
    law = model.laws[part] if part else model.laws
    return ("uniform", law.low, law.high) if law.kind == "uniform" else ("normal", None, None)


def _condition(told, part: str, spec: tf.TensorSpec) -> Tensor:
    kind = told[part] if part else told
    if isinstance(kind, int):
        return Tensor(tuple(spec.shape), f"one of {kind} classes", "class", 0, kind - 1, "int32")
    return Tensor(tuple(spec.shape), "what the model is told", "given")


def _flattened(method: Callable, structure: tuple, names: tuple[str, ...], output: str) -> Callable:
    return lambda **tensors: {
        output: method(*tf.nest.pack_sequence_as(structure, [tf.convert_to_tensor(tensors[name]) for name in names]))
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
    if set(found) - {"generate", "start", "advance"}:
        values["x"] = model.sample(n, condition, seed=seed + 1) if x is None else tf.constant(x[:n], tf.float32)
    if "decode" in found:
        values["z"] = model.encode(values["x"], condition)
    told = [] if condition is None else [np.asarray(t) for t in tf.nest.flatten(condition)]
    result = {}
    for name in {"start", "advance"} & set(found):
        result[name] = _pieces(model, found[name], name, n, condition, seed)
    for name, signature in found.items():
        if name in result:
            continue
        arrays = [*(np.asarray(t) for t in tf.nest.flatten(values[_ARGUMENT.get(name, "x")])), *told]
        calls = [[array[i : i + 1] for array in arrays] for i in range(n)]
        result[name] = [dict(zip(signature.inputs, call, strict=True)) for call in calls]
    return result


def _pieces(model: GenerativeModel, signature: Signature, name: str, n: int, condition, seed: int) -> list[dict]:
    """n calls of one chain, which goes on where the last call left it."""
    one = None if condition is None else tf.nest.map_structure(lambda t: np.asarray(t)[:1], condition)
    told = dict(zip(_told(model), tf.nest.flatten(one), strict=True)) if one is not None else {}
    if name == "start":
        return [told]
    state = zip(signature.state, tf.nest.flatten(model.start(1, one)), strict=True)
    drawn = [laws.draw(model.laws, 1, rng.fold_in(rng.as_seed(seed), i), length=1) for i in range(n)]
    parts = [k for k in signature.inputs if k.startswith("noise")]
    calls = [dict(zip(parts, map(np.asarray, tf.nest.flatten(d)), strict=True)) | told for d in drawn]
    return [calls[0] | {k: np.asarray(t) for k, t in state}, *calls[1:]]


def _conditions(spec, n: int):
    """Every class in turn; numbers in 0..1 for tensors."""
    if isinstance(spec, dict):
        return {name: _conditions(part, n) for name, part in spec.items()}
    if isinstance(spec, int):
        return tf.range(n) % spec
    return np.random.default_rng(7).random((n, *spec), "float32")
