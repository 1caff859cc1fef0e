"""Generative adversarial nets.

    min_G max_D  E_x[log D(x)] + E_z[log(1 - D(G(z)))]                                                            (Eq. 1)
    in practice the generator maximises log D(G(z)) instead, whose gradient does not vanish early                 (section 3)

Goodfellow et al., "Generative adversarial nets", 2014, https://arxiv.org/abs/1406.2661
"""

import functools
import math

import keras

from tfgen.adversarial.engine import Adversarial
from tfgen.layers import Dropout, Maxout
from tfgen.nets import mlp
from tfgen.words import at_least, nearest

__all__ = ["GAN"]


class GAN(Adversarial):
    """Two fully connected nets against each other: a generator of rectifiers, a critic of maxout units that is trained with dropout.

    Arguments:
        shape: of one example.
        latent: dimensions of the noise.
        hidden: units of the generator's hidden layers; the critic has them the other way round.
        dropout: of the critic's hidden units in training.
        values: "unit", "signed" or "real": what x holds, and so the generator's last activation.
        game: "non_saturating" or "minimax".
        turns: of the critic for each of the generator.
    """

    def __init__(
        self, shape, *, latent: int = 100, hidden: tuple[int, ...] = (256, 256), values: str = "unit",
        dropout: float = 0.5, game: str = "non_saturating", turns: int = 1, learning_rate: float = 2e-4,
    ):  # fmt: skip
        at_least(1, latent=latent, hidden=hidden, turns=turns)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout}: expected a number from 0 to below 1")
        last = {"unit": "sigmoid", "signed": "tanh", "real": None}
        if values not in last:
            raise ValueError(f"GAN generates no {values!r} values: take one of {nearest(values, last)}")
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        generator = mlp(latent, hidden, math.prod(shape), last=last[values], name="generator")
        generator.add(keras.layers.Reshape(shape, dtype="float32"))
        critic = keras.Sequential(
            [
                keras.Input(shape),
                keras.layers.Flatten(),
                *[layer for units in reversed(hidden) for layer in (Maxout(units), Dropout(dropout))],
                keras.layers.Dense(1, dtype="float32"),
            ],
            name="critic",
        )
        optimizer = functools.partial(keras.optimizers.Adam, learning_rate, beta_1=0.5)
        super().__init__(shape, generator, critic, values=values, game=game, turns=turns, optimizer=optimizer)
