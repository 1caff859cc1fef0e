"""Walks between two noises, and how evenly the samples move along them.

    slerp(a, b; t) = sin((1 - t) ω) / sin ω · a + sin(t ω) / sin ω · b,  ω the angle between a and b

Gaussian noise of many dimensions lies near a sphere, so a walk follows the sphere: half way along a straight line is
noise that no sample has.
A uniform number goes straight.

White, "Sampling generative networks", 2016, https://arxiv.org/abs/1609.04468
"""

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import rng
from tfgen.checks import at_least

__all__ = [
    "between",
    "decodes",
    "encoded",
    "generate",
    "has_latent",
    "is_uniform",
    "repeat",
    "roughness",
    "slerp",
    "step_sizes",
    "walk",
]


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """From a (t = 0) to b (t = 1) around the origin, row by row: [n, d]. Rows of one line through the origin go
    straight."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    norms = np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True)
    angle = np.arccos(np.clip((a * b).sum(-1, keepdims=True) / np.maximum(norms, 1e-30), -1, 1))
    straight = np.sin(angle) < 1e-6
    sine = np.where(straight, 1, np.sin(angle))
    around = np.sin((1 - t) * angle) / sine * a + np.sin(t * angle) / sine * b
    return np.where(straight, (1 - t) * a + t * b, around)


def between(a: np.ndarray, b: np.ndarray, steps: int, uniform: bool) -> np.ndarray:
    """From a to b [n, …] in equal steps, both among them: [n, steps, …]; uniform numbers go straight."""
    flat_a, flat_b = np.reshape(a, [len(a), -1]), np.reshape(b, [len(b), -1])
    points = [(1 - t) * flat_a + t * flat_b if uniform else slerp(flat_a, flat_b, t) for t in np.linspace(0, 1, steps)]
    return np.stack(points, 1).astype(np.float32).reshape(len(a), steps, *np.shape(a)[1:])


def is_uniform(model):
    """For each part of the noise, whether its numbers are uniform: such ones go straight."""
    return tf.nest.map_structure(lambda law: law.kind == "uniform", model.laws)


def has_latent(model) -> bool:
    """Whether samples are a map of numbers around zero, so that a walk means something: values that are picked one by
    one are none."""
    return decodes(model) or (
        model.values in ("unit", "signed", "real") and any(not law.picks for law in tf.nest.flatten(model.laws))
    )


def decodes(model) -> bool:
    """Whether the model decodes the `code` of its noise: samples are draws around these means."""
    return model.decodes


def encoded(model, x, condition=None):
    """z [n, latent] of examples, of a model whose `decode` takes it as it takes the code of noise; else None."""
    if not (decodes(model) and hasattr(model, "encode")):
        return None
    z = model.encode(tf.constant(x), condition)
    if not tf.is_tensor(z) or len(z.shape) != 2 or not z.dtype.is_floating:
        return None
    code = model.code(model.noise(1, rng.as_seed(0)), conditions.rows(condition, slice(1)))
    return z.numpy() if z.shape[1:] == code.shape[1:] else None


def walk(model, pairs: int = 8, steps: int = 9, seed: int = 0, condition=None, *, means: bool = False) -> np.ndarray:
    """Samples along the way between two noises, a row for each pair: [pairs, steps, *shape].

    Arguments:
        condition: one for all, or one for each pair.
        means: decode the code in place of sampling, where the model decodes.
    """
    at_least(1, pairs=pairs)
    at_least(2, steps=steps)
    if means and not decodes(model):
        raise ValueError(f"walk(means=True): {type(model).__name__} decodes no code of its noise; leave means out")
    noise = model.noise(2 * pairs, rng.as_seed(seed))
    way = tf.nest.map_structure(
        lambda part, uniform: between(part[:pairs], part[pairs:], steps, uniform), noise, is_uniform(model)
    )
    way = tf.nest.map_structure(lambda part: part.reshape(pairs * steps, *part.shape[2:]), way)
    x = generate(model, way, repeat(conditions.broadcast(model.condition, condition, pairs), steps), means=means)
    return x.reshape(pairs, steps, *x.shape[1:])


def step_sizes(x: np.ndarray) -> np.ndarray:
    """Euclidean distances between neighbours of a walk [pairs, steps, …]: [pairs, steps - 1]."""
    return np.linalg.norm(np.diff(np.reshape(x, [*np.shape(x)[:2], -1]).astype(np.float64), axis=1), axis=-1)


def roughness(x: np.ndarray) -> float:
    """The largest step over the mean step, the median over the pairs: 1 is even, the number of steps is one jump. NaN
    where nothing moves."""
    steps = step_sizes(x)
    steps = steps[steps.sum(1) > 0]
    return float(np.median(steps.max(1) / steps.mean(1))) if len(steps) else float("nan")


def generate(model, noise, condition=None, *, means: bool = False, piece: int = 500) -> np.ndarray:
    """Samples of these noises (their means, where asked for), some at a time: [n, *shape]."""
    return conditions.in_pieces(model.drawn_around if means else model.generate, noise, condition, piece)


def repeat(condition, times: int):
    return None if condition is None else tf.nest.map_structure(lambda part: tf.repeat(part, times, 0), condition)
