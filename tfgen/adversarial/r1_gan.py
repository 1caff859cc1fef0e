"""A GAN that converges where the generator's distribution lies on a manifold: the critic is flat on the data.

    R1 = γ / 2 E_p[|∇D(x)|²]                                                                                     (Eq. 9)

Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?", 2018,
https://arxiv.org/abs/1801.04406
"""

from tfgen import losses
from tfgen.adversarial.composed import Composed

__all__ = ["R1GAN"]


class R1GAN(Composed):
    """γ = 10, and the generator that samples is a moving average, as in the paper.

    Arguments: those of `Composed`; penalties=("r2:10",) flattens the critic on what is generated instead.
    """

    def __init__(
        self,
        shape,
        *,
        penalties: tuple[str | losses.Penalty, ...] = ("r1:10",),
        critic_norm: str = "none",
        average: float = 0.999,
        **others,
    ):
        super().__init__(shape, penalties=penalties, critic_norm=critic_norm, average=average, **others)
