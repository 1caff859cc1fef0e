"""Wasserstein GAN: the critic estimates the earth mover's distance, within a box of weights that keeps it Lipschitz.

    max_{|w| <= c}  E_p[f_w(x)] - E_z[f_w(G(z))],      min_G  -E_z[f_w(G(z))]                       (Eq. 3, algorithm 1)

Arjovsky, Chintala, Bottou, "Wasserstein GAN", 2017, https://arxiv.org/abs/1701.07875
"""

from tfgen import losses
from tfgen.adversarial.composed import Composed

__all__ = ["WGAN"]


class WGAN(Composed):
    """Five turns of the critic for each of the generator, RMSprop, weights clipped to 0.01.

    Arguments: those of `Composed`.
    """

    def __init__(
        self,
        shape,
        *,
        game: str | losses.Game = "wasserstein",
        clip: float = 0.01,
        turns: int = 5,
        optimizer: str = "rmsprop",
        learning_rate: float = 5e-5,
        **others,
    ):
        super().__init__(
            shape, game=game, clip=clip, turns=turns, optimizer=optimizer, learning_rate=learning_rate, **others
        )
