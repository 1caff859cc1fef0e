"""Least squares GAN: examples far from the border get a gradient, too.

    min_D  E_p[(D(x) - 1)²] / 2 + E_z[D(G(z))²] / 2,      min_G  E_z[(D(G(z)) - 1)²] / 2                         (Eq. 9)

Mao et al., "Least squares generative adversarial networks", 2017, https://arxiv.org/abs/1611.04076
"""

from tfgen import losses
from tfgen.adversarial.composed import Composed

__all__ = ["LSGAN"]


class LSGAN(Composed):
    """The 0-1 coding of the paper's labels.

    Arguments: those of `Composed`.
    """

    def __init__(self, shape, *, game: str | losses.Game = "least_squares", **others):
        super().__init__(shape, game=game, **others)
