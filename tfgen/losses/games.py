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

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgen.losses.divergences import DIVERGENCES, divergence, to_number
from tfgen.words import nearest

__all__ = ["GAMES", "Game", "game", "smoothed"]


class Game(NamedTuple):
    """critic: (real, fake) -> loss [n]. generator: (fake) -> loss [n].
    on_real: (real, share of the label that is smoothed away) -> the part of the critic's loss on real examples, in
        games with labels."""

    critic: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]
    on_real: Callable[[tf.Tensor, float], tf.Tensor] | None = None


def _log_game(generator) -> Game:
    real = lambda v, share: tf.nn.softplus(-v) + share * v
    return Game(lambda real, fake: tf.nn.softplus(-real) + tf.nn.softplus(fake), generator, real)


def _f_game(name: str, practical: bool) -> Game:
    d = divergence(name)
    generator = (lambda fake: -d.activation(fake)) if practical else (lambda fake: -d.composed(fake))
    return Game(lambda real, fake: d.composed(fake) - d.activation(real), generator)


def _bregman(f, slope, share: float = 0.0) -> Game:
    if not 0 <= share < 1:
        raise ValueError(f"bregman_…:{share:g}: expected a share from 0 to below 1")

    def critic(real, fake):
        real, fake = _ratio(real), _ratio(fake)
        compared = (1 - share) * (slope(fake) * fake - f(fake))
        return compared + (share * (slope(real) * real - f(real)) if share else 0.0) - slope(real)

    return Game(critic, lambda fake: (1 - share) * f(_ratio(fake)))


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
    "minimax": _log_game(lambda fake: -tf.nn.softplus(fake)),
    "non_saturating": _log_game(lambda fake: tf.nn.softplus(-fake)),
    "least_squares": Game(
        lambda real, fake: ((real - 1) ** 2 + fake**2) / 2,
        lambda fake: (fake - 1) ** 2 / 2,
        lambda v, share: (v - 1 + share) ** 2 / 2,
    ),
    "wasserstein": Game(lambda real, fake: fake - real, lambda fake: -fake),
    "hinge": Game(lambda real, fake: tf.nn.relu(1 - real) + tf.nn.relu(1 + fake), lambda fake: -fake),
    **{name: _bregman(*functions) for name, functions in _BREGMAN.items()},
    **{name: _f_game(name, False) for name in DIVERGENCES},
}


def game(text: str) -> Game:
    """By name. "practical_" before an f-divergence: the generator ascends T. Numbers stand behind a colon ("alpha:2",
    "bregman_pearson:0.2")."""
    if text in GAMES:
        return GAMES[text]
    bare = text.removeprefix("practical_")
    name, _, number = bare.partition(":")
    if name in DIVERGENCES:
        return _f_game(bare, bare != text)
    if name in _BREGMAN and bare == text:
        return _bregman(*_BREGMAN[name], to_number(text, number))
    if name in GAMES and name not in _BREGMAN:
        raise ValueError(f"{text!r}: {name} takes no number and no practical_, write {name}")
    raise ValueError(f"there is no game {text!r}: take one of {nearest(name, GAMES)}")


def smoothed(name: str, share: float) -> Game:
    """One-sided label smoothing (Salimans et al. 2016): the label of real examples is 1 - share."""
    found = game(name)
    if not 0 <= share < 1:
        raise ValueError(f"smoothing={share}: expected a share from 0 to below 1")
    if not share:
        return found
    if not found.on_real:
        usable = ", ".join(other for other, g in GAMES.items() if g.on_real)
        raise ValueError(
            f"smoothing={share} moves the label of real examples, and the game {name!r} has none: leave it out, or "
            f"play one of {usable}"
        )
    return found._replace(
        critic=lambda real, fake: found.critic(real, fake) + found.on_real(real, share) - found.on_real(real, 0.0)
    )
