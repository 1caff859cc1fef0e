"""Penalties on a critic: what keeps it from growing too steep. v is its output on an example, before any sigmoid.

gradient_penalty   λ (|∇v(x̂)| - 1)², x̂ between a real and a generated example                    Gulrajani et al. 2017
r1, r2             (γ/2) |∇v(x)|² on real, on generated examples                                   Mescheder et al. 2018
roth               (γ/2) ((1 - σ(v(x)))² |∇v(x)|² + σ(v(G(z)))² |∇v(G(z))|²)                    Roth et al. 2017, Eq. 21
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from tfgen import rng
from tfgen.checks import nearest, numbered
from tfgen.losses.games import each

__all__ = ["PENALTIES", "Penalty", "Play", "penalty"]


class Play(NamedTuple):
    """What a penalty may look at: the critic, real and generated examples [n, …], its outputs on them, the tape that
    saw these, and the features that the critic saw in either."""

    critic: Callable[[tf.Tensor], tf.Tensor]
    real: tf.Tensor
    fake: tf.Tensor
    real_output: tf.Tensor
    fake_output: tf.Tensor
    tape: tf.GradientTape
    real_features: tf.Tensor | None = None
    fake_features: tf.Tensor | None = None

    def slope(self, output: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
        """|∇v|² [n]; of outputs on patches, that of their mean."""
        with self.tape:
            output = each(output)
        return _squared(self.tape.gradient(output, at))


@keras.saving.register_keras_serializable("tfgen")
@dataclasses.dataclass(frozen=True)
class Penalty:
    """`weight` times `term(play)` [n] is added to the critic's loss. `slopes` says that the term asks the tape for
    slopes at real or at generated examples."""

    name: str
    weight: float
    term: Callable[[Play], tf.Tensor]
    slopes: bool = False

    def get_config(self) -> dict:
        if self.name in PENALTIES and self.term is PENALTIES[self.name].term:
            return {"named": f"{self.name}:{self.weight}"}
        return {**vars(self), "term": keras.saving.serialize_keras_object(self.term)}

    @classmethod
    def from_config(cls, config: dict) -> "Penalty":
        if "named" in config:
            return penalty(config["named"])
        return cls(**{**config, "term": keras.saving.deserialize_keras_object(config["term"])})


def _squared(gradient: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(gradient, tf.float32) ** 2, range(1, gradient.shape.rank))


def _gradient_penalty(play: Play) -> tf.Tensor:
    u = rng.uniform([tf.shape(play.real)[0], *[1] * (play.real.shape.rank - 1)], rng.new_seed())
    between = u * play.real + (1 - u) * play.fake
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(between)
        output = each(play.critic(between))
    return (tf.sqrt(_squared(tape.gradient(output, between)) + 1e-12) - 1) ** 2


def _roth(play: Play) -> tf.Tensor:
    real = each((1 - tf.sigmoid(play.real_output)) ** 2) * play.slope(play.real_output, play.real)
    return (real + each(tf.sigmoid(play.fake_output) ** 2) * play.slope(play.fake_output, play.fake)) / 2


PENALTIES: dict[str, Penalty] = {
    p.name: p
    for p in (
        Penalty("gradient_penalty", 10.0, _gradient_penalty),
        Penalty("r1", 10.0, lambda play: play.slope(play.real_output, play.real) / 2, slopes=True),
        Penalty("r2", 10.0, lambda play: play.slope(play.fake_output, play.fake) / 2, slopes=True),
        Penalty("roth", 2.0, _roth, slopes=True),
    )
}


def penalty(which: str | Penalty) -> Penalty:
    """By name, with the paper's weight, or "r1:0.1" with one's own; or a penalty of one's own."""
    if isinstance(which, Penalty):
        return which
    name, weight = numbered(which)
    if name not in PENALTIES:
        raise ValueError(f"there is no penalty {name!r}: take one of {nearest(name, PENALTIES)}")
    if weight is None:
        return PENALTIES[name]
    if weight <= 0:
        raise ValueError(f"{which!r}: expected a weight above 0")
    return dataclasses.replace(PENALTIES[name], weight=weight)
