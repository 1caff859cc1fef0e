"""Deep convolutional GAN.

    min_G max_D  E_x[log D(x)] + E_z[log(1 - D(G(z)))], the generator on log D(G(z)), with the nets of
    `tfgen.nets.dcgan`

Radford, Metz, Chintala, "Unsupervised representation learning with deep convolutional generative adversarial networks",
2016, https://arxiv.org/abs/1511.06434
"""

from tfgen.adversarial.composed import Composed

__all__ = ["DCGAN"]


class DCGAN(Composed):
    """Strided convolutions, batch normalisation, uniform noise, Adam of 2e-4 and 0.5; pictures of any size that halves,
    in -1..1.

    Arguments: those of `Composed`.
    """

    def __init__(self, shape, *, net: str = "dcgan", prior: str = "uniform", **others):
        super().__init__(shape, net=net, prior=prior, **others)
