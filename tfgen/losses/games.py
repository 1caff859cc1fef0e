"""Adversarial games: what a critic and a generator minimise, as functions of the critic's outputs [n] on real and
generated examples.

minimax              D(x) = σ(v):  -log D(x) - log(1 - D(G(z)));  log(1 - D(G(z)))         Goodfellow et al. 2014
non_saturating       the same critic;  -log D(G(z))                                         Goodfellow et al. 2014
least_squares        ((v(x) - 1)² + v(G(z))²) / 2;  (v(G(z)) - 1)² / 2                      Mao et al. 2017
wasserstein          v(G(z)) - v(x);  -v(G(z)), for a critic that is kept Lipschitz         Arjovsky et al. 2017
hinge                max(0, 1 - v(x)) + max(0, 1 + v(G(z)));  -v(G(z))                      Lim and Ye 2017
an f-divergence      f*(T(G(z))) - T(x);  -f*(T(G(z))), or after "practical_" -T(G(z))      Nowozin et al. 2016
bregman_…            f'(r) r - f(r) on generated, -f'(r) on real examples, r = softplus(v) the density
                     ratio p / q;  E_q[f(r)], the f-divergence itself                       Uehara et al. 2016
bregman_…:α          the same with the relative ratio p / (αp + (1 - α)q), which is at most 1 / α
"""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from tfgen.checks import nearest, numbered, share
from tfgen.losses.divergences import DIVERGENCES, divergence

__all__ = ["GAMES", "Game", "each", "game", "smoothed"]

Loss = Callable[[tf.Tensor], tf.Tensor]


@keras.saving.register_keras_serializable("tfgen")
@dataclasses.dataclass(frozen=True)
class Game:
    """Losses by the critic's outputs v, one for each: it pays real(v) for a real example and fake(v) for a generated
    one, the generator pays generator(v).

    `labels`: real and fake are the prices of the labels 1 and 0, so that a label may be in between. A game of the house
    is saved by its `name`; one's own where its functions are registered with
    `keras.saving.register_keras_serializable`.
    """

    real: Loss
    fake: Loss
    generator: Loss
    labels: bool = False
    name: str = ""

    def get_config(self) -> dict:
        if self.name:
            return {"name": self.name}
        functions = {name: getattr(self, name) for name in ("real", "fake", "generator")}
        return {name: keras.saving.serialize_keras_object(f) for name, f in functions.items()} | {"labels": self.labels}

    @classmethod
    def from_config(cls, config: dict) -> "Game":
        return (
            game(config["name"])
            if "name" in config
            else cls(**{name: keras.saving.deserialize_keras_object(part) for name, part in config.items()})
        )


def _log_game(generator: Loss) -> Game:
    return Game(lambda v: tf.nn.softplus(-v), tf.nn.softplus, generator, labels=True)


def _f_game(name: str, practical: bool) -> Game:
    d = divergence(name)
    generator = (lambda v: -d.activation(v)) if practical else (lambda v: -d.composed(v))
    return Game(lambda v: -d.activation(v), d.composed, generator)


def _bregman(f: Loss, slope: Loss, alpha: float = 0.0) -> Game:
    """Of the relative ratio p / (αp + (1 - α)q): real examples are of the mixture, too."""
    if not 0 <= alpha < 1:
        raise ValueError(f"bregman_…:{alpha:g}: expected a share from 0 to below 1")
    mixed = lambda r: slope(r) * r - f(r)
    real = lambda v: (alpha * mixed(_ratio(v)) if alpha else 0.0) - slope(_ratio(v))
    return Game(real, lambda v: (1 - alpha) * mixed(_ratio(v)), lambda v: (1 - alpha) * f(_ratio(v)))


def _ratio(v):
    """Kept off zero, where logarithms end."""
    return tf.nn.softplus(v) + 1e-6


_BREGMAN = {
    "bregman_pearson": (lambda r: (r - 1) ** 2 / 2, lambda r: r - 1),
    "bregman_kl": (lambda r: r * tf.math.log(r) - r + 1, tf.math.log),
    "bregman_logistic": (
        lambda r: r * tf.math.log(r) - (1 + r) * tf.math.log((1 + r) / 2),
        lambda r: tf.math.log(2 * r / (1 + r)),
    ),
}

GAMES: dict[str, Game] = {
    "minimax": _log_game(lambda v: -tf.nn.softplus(v)),
    "non_saturating": _log_game(lambda v: tf.nn.softplus(-v)),
    "least_squares": Game(lambda v: (v - 1) ** 2 / 2, lambda v: v**2 / 2, lambda v: (v - 1) ** 2 / 2, labels=True),
    "wasserstein": Game(lambda v: -v, lambda v: v, lambda v: -v),
    "hinge": Game(lambda v: tf.nn.relu(1 - v), lambda v: tf.nn.relu(1 + v), lambda v: -v),
    **{name: _bregman(*functions) for name, functions in _BREGMAN.items()},
    **{name: _f_game(name, False) for name in DIVERGENCES},
}


def game(which: str | Game) -> Game:
    """By name, or a game of one's own. "practical_" before an f-divergence: the generator ascends T. Numbers stand
    behind a colon ("alpha:2", "bregman_pearson:0.2")."""
    if isinstance(which, Game):
        return which
    return dataclasses.replace(_named(which), name=which)


def _named(which: str) -> Game:
    if which in GAMES:
        return GAMES[which]
    bare = which.removeprefix("practical_")
    if bare.partition(":")[0] in DIVERGENCES:
        return _f_game(bare, bare != which)
    name, number = numbered(bare)
    if name in _BREGMAN and bare == which:
        return _bregman(*_BREGMAN[name], number)
    if name in GAMES and name not in _BREGMAN:
        raise ValueError(f"{which!r}: {name} takes no number and no practical_, write {name}")
    raise ValueError(f"there is no game {which!r}: take one of {nearest(name, GAMES)}")


def smoothed(which: str | Game, smoothing: float) -> Game:
    """One-sided label smoothing (Salimans et al. 2016): real examples pay for the label 1 - smoothing."""
    found = game(which)
    share(smoothing=smoothing)
    if not smoothing:
        return found
    if not found.labels:
        usable = ", ".join(name for name, g in GAMES.items() if g.labels)
        raise ValueError(
            f"smoothing={smoothing} moves the label of real examples, and the game {which!r} has none: leave it out, "
            f"or play one of {usable}"
        )
    softer = lambda v: (1 - smoothing) * found.real(v) + smoothing * found.fake(v)
    return dataclasses.replace(found, real=softer, name="")


def each(v: tf.Tensor) -> tf.Tensor:
    """[n]: of outputs [n, …] on patches their mean."""
    return tf.reduce_mean(v, list(range(1, v.shape.rank))) if v.shape.rank > 1 else v
