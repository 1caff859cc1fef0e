"""f-GAN: any f-divergence, through the bound that a critic makes of it.

    min_θ max_ω  E_p[g_f(V_ω(x))] - E_qθ[f*(g_f(V_ω(x)))]                                                        (Eq. 6)

Nowozin, Cseke, Tomioka, "f-GAN: training generative neural samplers using variational divergence minimization", 2016,
https://arxiv.org/abs/1606.00709
"""

from tfgen.adversarial.composed import Composed
from tfgen.losses import DIVERGENCES

__all__ = ["FGAN"]


class FGAN(Composed):
    """The game is the name of a divergence: total_variation, kl, reverse_kl, pearson, neyman, squared_hellinger,
    jeffrey, jensen_shannon, weighted_jensen_shannon:0.3, gan or alpha:0.5. "practical_" before it lets the generator
    ascend E[g_f(V)] (section 3.2).

    Arguments: those of `Composed`.
    """

    games = tuple(DIVERGENCES)

    def __init__(self, shape, *, game: str = "kl", **others):
        super().__init__(shape, game=game, **others)
