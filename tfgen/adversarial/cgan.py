"""Conditional GAN: both nets are told the label.

    min_G max_D  E_x[log D(x | y)] + E_z[log(1 - D(G(z | y) | y))]                                               (Eq. 2)

Mirza, Osindero, "Conditional generative adversarial nets", 2014, https://arxiv.org/abs/1411.1784
"""

from tfgen.adversarial.composed import Composed

__all__ = ["CGAN"]


class CGAN(Composed):
    """Every system of the family takes a condition; this one has to.

    Arguments: those of `Composed`.
    """

    def __init__(self, shape, *, condition, **others):
        if condition is None:
            raise ValueError(
                "condition=None: CGAN is told a condition; give the number of classes, or take another system"
            )
        super().__init__(shape, condition=condition, **others)
