"""Wasserstein GAN with a gradient penalty in place of clipping.

    E_z[D(G(z))] - E_p[D(x)] + λ E_x̂[(|∇D(x̂)| - 1)²],   x̂ uniform between a real and a generated example     (Eq. 3)

Gulrajani et al., "Improved training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028
"""

from tfgen import losses
from tfgen.adversarial.composed import Composed

__all__ = ["WGANGP"]


class WGANGP(Composed):
    """λ = 10, five turns of the critic, Adam of 1e-4, 0 and .9; the critic has no batch normalisation, for the penalty
    is one example's.

    Arguments: those of `Composed`.
    """

    def __init__(
        self,
        shape,
        *,
        game: str | losses.Game = "wasserstein",
        penalties: tuple[str | losses.Penalty, ...] = ("gradient_penalty:10",),
        turns: int = 5,
        critic_norm: str = "none",
        learning_rate: float = 1e-4,
        beta: float = 0.0,
        beta_2: float = 0.9,
        **others,
    ):
        super().__init__(
            shape,
            game=game,
            penalties=penalties,
            turns=turns,
            critic_norm=critic_norm,
            learning_rate=learning_rate,
            beta=beta,
            beta_2=beta_2,
            **others,
        )
