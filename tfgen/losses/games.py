"""Adversarial games: what a critic and a generator minimise, as functions of the critic's outputs [n] on real and generated examples.

For the games of Goodfellow et al. 2014 the output is a logit, D(x) = σ(output):
    critic     -log D(x) - log(1 - D(G(z)))
    generator  minimax: log(1 - D(G(z)));  non-saturating: -log D(G(z))
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgen.words import nearest

__all__ = ["GAMES", "Game", "game"]


class Game(NamedTuple):
    critic: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (real, fake) -> loss [n]
    generator: Callable[[tf.Tensor], tf.Tensor]  # (fake) -> loss [n]


def _log_loss(real, fake):
    return tf.nn.softplus(-real) + tf.nn.softplus(fake)


GAMES = {
    "minimax": Game(_log_loss, lambda fake: -tf.nn.softplus(fake)),
    "non_saturating": Game(_log_loss, lambda fake: tf.nn.softplus(-fake)),
}


def game(name: str) -> Game:
    if name not in GAMES:
        raise ValueError(f"there is no game {name!r}: take one of {nearest(name, GAMES)}")
    return GAMES[name]
