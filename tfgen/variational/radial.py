"""Radial flow posterior: a diagonal Gaussian drawn to points, or pushed away from them.

    z_K = f_K ∘ … ∘ f_1(z_0),   f(z) = z + β h(α, r) (z - z_0)                                                 (Eq. 14)

Rezende and Mohamed, "Variational inference with normalizing flows", 2015, https://arxiv.org/abs/1505.05770
"""

from tfgen.variational.vae import VAE

__all__ = ["RadialVAE"]


class RadialVAE(VAE):
    """A variational auto-encoder with radial flows.

    Arguments:
        shape: of one example.
        posterior: "radial:K", K flows; none is the diagonal Gaussian.
        others: of `VAE`.
    """

    def __init__(self, shape, *, posterior: str = "radial:10", latent: int = 40, **others):
        super().__init__(shape, posterior=posterior, latent=latent, **others)
