"""Planar flow posterior: a diagonal Gaussian bent along ridges.

    z_K = f_K ∘ … ∘ f_1(z_0),   log q(z_K | x) = log q(z_0 | x) - Σ log |1 + u_kᵀ ψ_k(z_{k-1})|                 (Eq. 13)

The directions of each ridge are functions of x. The paper warms the likelihood up; `warm_up` does so with the rest.

Rezende and Mohamed, "Variational inference with normalizing flows", 2015, https://arxiv.org/abs/1505.05770
"""

from tfgen.variational.vae import VAE

__all__ = ["PlanarVAE"]


class PlanarVAE(VAE):
    """A variational auto-encoder with planar flows.

    Arguments:
        shape: of one example.
        posterior: "planar:K", K flows; none is the diagonal Gaussian.
        others: of `VAE`.
    """

    def __init__(self, shape, *, posterior: str = "planar:10", latent: int = 40, **others):
        super().__init__(shape, posterior=posterior, latent=latent, **others)
