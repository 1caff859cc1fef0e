"""Householder flow posterior: reflections of a diagonal Gaussian, which is then one of full covariance.

    z_t = H_t z_{t-1},   H_t = 1 - 2 v_t v_tᵀ / |v_t|²,   log q(z_T | x) = log q(z_0 | x)

Tomczak and Welling, "Improving variational auto-encoders using Householder flow", 2016,
https://arxiv.org/abs/1611.09630
"""

from tfgen.variational.vae import VAE

__all__ = ["HouseholderVAE"]


class HouseholderVAE(VAE):
    """A variational auto-encoder with Householder flows.

    Arguments:
        shape: of one example.
        posterior: "householder:T", T reflections; none is the diagonal Gaussian.
        others: of `VAE`.
    """

    def __init__(
        self,
        shape,
        *,
        posterior: str = "householder:10",
        latent: int = 40,
        hidden: tuple[int, ...] = (300, 300),
        **others,
    ):
        super().__init__(shape, posterior=posterior, latent=latent, hidden=hidden, **others)
