"""A GAN whose critic is smoothed as if its inputs were noisy, by a penalty of the same effect.

    Ω = E_p[(1 - φ(x))² |∇ψ(x)|²] + E_q[φ(x)² |∇ψ(x)|²],   φ = σ(ψ), with weight γ / 2                          (Eq. 21)

Roth, Lucchi, Nowozin, Hofmann, "Stabilizing training of generative adversarial networks through regularization", 2017,
https://arxiv.org/abs/1705.09367
"""

from tfgen import losses
from tfgen.adversarial.composed import Composed

__all__ = ["RothGAN"]


class RothGAN(Composed):
    """γ = 2; the paper lowers it as training goes on: `callbacks.Schedule("roth", …)`.

    Arguments: those of `Composed`.
    """

    def __init__(
        self, shape, *, penalties: tuple[str | losses.Penalty, ...] = ("roth:2",), critic_norm: str = "none", **others
    ):
        super().__init__(shape, penalties=penalties, critic_norm=critic_norm, **others)
