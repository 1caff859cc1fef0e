"""Wasserstein GAN with a gradient penalty in place of clipping.

    E_z[D(G(z))] - E_p[D(x)] + λ E_x̂[(|∇D(x̂)| - 1)²],   x̂ uniform between a real and a generated example         (Eq. 3)

Gulrajani et al., "Improved training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028
"""

from tfgen.adversarial.composed import Composed

__all__ = ["WGANGP"]


class WGANGP(Composed):
    """λ = 10, five turns of the critic, Adam of 1e-4, 0 and .9; the critic has no batch normalisation, for the penalty
    is one example's.

    Arguments: those of `Composed`.
    """

    defaults = {
        "game": "wasserstein",
        "penalties": ("gradient_penalty:10",),
        "turns": 5,
        "critic_norm": "none",
        "learning_rate": 1e-4,
        "beta": 0.0,
        "beta_2": 0.9,
    }
