"""b-GAN: the critic estimates the density ratio r = p / q, the generator descends the f-divergence that the estimate gives.

    critic      min_r  E_q[f'(r) r - f(r)] - E_p[f'(r)]              a Bregman divergence between r and p / q
    generator   min_G  E_q[f(r)]

Uehara, Sato, Suzuki, Nakayama, Matsuo, "Generative adversarial nets from a density ratio estimation perspective", 2016, https://arxiv.org/abs/1610.02920
"""

from tfgen.adversarial.composed import Composed

__all__ = ["BGAN"]


class BGAN(Composed):
    """The ratio is the softplus of the critic's output; the game is bregman_pearson, bregman_kl or bregman_logistic.

    Arguments: those of `Composed`.
    """

    defaults = {"game": "bregman_pearson"}
