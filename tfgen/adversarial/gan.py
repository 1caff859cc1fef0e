"""Generative adversarial nets.

    min_G max_D  E_x[log D(x)] + E_z[log(1 - D(G(z)))]                                                           (Eq. 1)
    in practice the generator maximises log D(G(z)) instead, whose gradient does not vanish early            (section 3)

Goodfellow et al., "Generative adversarial nets", 2014, https://arxiv.org/abs/1406.2661
"""

from tfgen.adversarial.composed import Composed

__all__ = ["GAN"]


class GAN(Composed):
    """Fully connected nets against each other: a generator of rectifiers, a critic of maxout units that is trained with
    dropout.

    Arguments: those of `Composed`; game="minimax" is the paper's equation, "non_saturating" its practice.
    """

    def __init__(
        self,
        shape,
        *,
        net: str = "mlp",
        values: str = "unit",
        activation: str = "maxout",
        dropout: float = 0.5,
        **others,
    ):
        super().__init__(shape, net=net, values=values, activation=activation, dropout=dropout, **others)
