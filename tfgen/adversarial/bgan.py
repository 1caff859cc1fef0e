"""b-GAN: the critic estimates the density ratio r = p / q, the generator descends the f-divergence that the estimate
gives.

    critic      min_r  E_q[f'(r) r - f(r)] - E_p[f'(r)]              a Bregman divergence between r and p / q
    generator   min_G  E_q[f(r)]

With T = f'(r) the critic's loss is f-GAN's. The generators differ: f-GAN's descends f(r) - r f'(r), the derivative of
the divergence along q, b-GAN's f(r) with r held fixed, which pulls towards r = 1 from either side: away, too, from
where data are missed (r > 1).

Uehara, Sato, Suzuki, Nakayama, Matsuo, "Generative adversarial nets from a density ratio estimation perspective", 2016,
https://arxiv.org/abs/1610.02920
"""

from tfgen.adversarial.composed import Composed

__all__ = ["BGAN"]


class BGAN(Composed):
    """The ratio is the softplus of the critic's output; the game is bregman_pearson, bregman_kl or bregman_logistic;
    with a number behind, as in bregman_pearson:0.2, it is relative: p / (0.2 p + 0.8 q).

    Arguments: those of `Composed`.
    """

    games = ("bregman_pearson", "bregman_kl", "bregman_logistic")

    def __init__(self, shape, *, game: str = "bregman_pearson", **others):
        super().__init__(shape, game=game, **others)
