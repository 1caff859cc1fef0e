"""Coupling posterior: a diagonal Gaussian sheared by additive couplings, which change no volume.

    z_t,J = z_{t-1,J} + m_t(z_{t-1,I}, h),   log q(z_T | x) = log q(z_0 | x)

I and J are the even and the odd dimensions, in turn. Rezende and Mohamed compare their flows with this one.

Dinh, Krueger, Bengio, "NICE: non-linear independent components estimation", 2015, https://arxiv.org/abs/1410.8516
Rezende and Mohamed, "Variational inference with normalizing flows", 2015, https://arxiv.org/abs/1505.05770
"""

from tfgen.variational.vae import VAE

__all__ = ["NICEPosterior"]


class NICEPosterior(VAE):
    """A variational auto-encoder with additive couplings.

    Arguments:
        shape: of one example.
        posterior: "coupling:T", T couplings; none is the diagonal Gaussian. "affine:T" scales, too.
        flow_hidden: units of each coupling's net.
        others: of `VAE`.
    """

    def __init__(
        self, shape, *, posterior: str = "coupling:4", latent: int = 40, flow_hidden: tuple[int, ...] = (100,), **others
    ):
        super().__init__(shape, posterior=posterior, latent=latent, flow_hidden=flow_hidden, **others)
