"""Chains and sequences in pieces: `start` gives the first state; `advance` takes the noise of a piece and the state,
and gives what there is to see or hear and the state to go on from."""

import dataclasses

import numpy as np
import tensorflow as tf

from export import tensors
from export.contract import Signature, Tensor
from tfgen import condition as conditions
from tfgen import laws, rng
from tfgen.model import GenerativeModel

__all__ = ["PIECES", "calls", "signature"]

PIECES = ("start", "advance")


def signature(model: GenerativeModel, name: str) -> Signature:
    """`start` or `advance`: a piece of the noise, and a state that goes from call to call."""
    told = tensors.told(model)
    condition = lambda t: (
        tf.nest.pack_sequence_as(conditions.signature(model.condition), [t[k] for k in told]) if told else None
    )
    first = model.start(
        1, None if not told else tf.nest.map_structure(tensors.zeros, conditions.signature(model.condition))
    )
    parts = [f"state{suffix}" for suffix in _suffixes(first)]
    states = {
        k: Tensor((None, *t.shape[1:]), "what goes from call to call", "started", dtype=t.dtype.name)
        for k, t in zip(parts, tf.nest.flatten(first), strict=True)
    }
    named = lambda state, before="": {f"{before}{k}": t for k, t in zip(parts, tf.nest.flatten(state), strict=True)}
    if name == "start":
        many = lambda t: tf.shape(next(iter(t.values())))[0] if t else 1
        return Signature(lambda **t: named(model.start(many(t), condition(t))), told, states)
    specs = laws.signature(model.laws)
    noise = tensors.named("noise", specs, lambda part, spec: tensors.described(model, "noise", part, spec))
    noise = {k: dataclasses.replace(t, lite=(1, *(d or 1 for d in t.shape[1:]))) for k, t in noise.items()}

    def advance(**t):
        drawn = tf.nest.pack_sequence_as(specs, [t[k] for k in noise])
        x, state = model.advance(drawn, tf.nest.pack_sequence_as(first, [t[k] for k in parts]), condition(t))
        return {"x": x} | named(state, "next_")

    again = {k: f"next_{k}" for k in parts}
    meaning = f"the sample so far, done after {model.pieces} calls" if model.pieces else "the next piece of the sample"
    x = Tensor((None, *model.shape), meaning + tensors.values(model, "x"), "given", *tensors.span(model))
    gives = {"x": x} | {f"next_{k}": t for k, t in states.items()}
    return Signature(advance, noise | states | told, gives, again, picks=True)


def _suffixes(state) -> list[str]:
    """Of the parts of a nest, in the order in which it is flattened."""
    if isinstance(state, dict):
        return [f"_{k}{rest}" for k in sorted(state) for rest in _suffixes(state[k])]
    if isinstance(state, (list, tuple)):
        return [f"_{i}{rest}" for i, part in enumerate(state) for rest in _suffixes(part)]
    return [""]


def calls(model: GenerativeModel, signature: Signature, name: str, n: int, condition, seed: int) -> list[dict]:
    """n calls of one chain, which goes on where the last call left it."""
    one = None if condition is None else tf.nest.map_structure(lambda t: np.asarray(t)[:1], condition)
    told = dict(zip(tensors.told(model), tf.nest.flatten(one), strict=True)) if one is not None else {}
    if name == "start":
        return [told]
    state = zip(signature.state, tf.nest.flatten(model.start(1, one)), strict=True)
    drawn = [laws.draw(model.laws, 1, rng.fold_in(rng.as_seed(seed), i), length=1) for i in range(n)]
    parts = [k for k in signature.inputs if k.startswith("noise")]
    calls = [dict(zip(parts, map(np.asarray, tf.nest.flatten(d)), strict=True)) | told for d in drawn]
    return [calls[0] | {k: np.asarray(t) for k, t in state}, *calls[1:]]
