"""Inverse autoregressive flow posterior: each dimension of z is moved by those before it.

    z_t = σ_t z_{t-1} + (1 - σ_t) m_t,  [m_t, s_t] = AutoregressiveNN(z_{t-1}, h),  σ_t = sigmoid(s_t)
    log q(z_T | x) = log q(z_0 | x) - Σ_t Σ_i log σ_t,i;  the order of the dimensions is reversed after each step

h is what the encoder says besides the mean and deviation of z_0.

Kingma et al., "Improving variational inference with inverse autoregressive flow", 2016,
https://arxiv.org/abs/1606.04934
"""

from tfgen.variational.vae import VAE

__all__ = ["IAFVAE"]


class IAFVAE(VAE):
    """A variational auto-encoder with inverse autoregressive flows.

    Arguments:
        shape: of one example.
        posterior: "iaf:T", T steps; none is the diagonal Gaussian.
        flow_hidden: units of each step's masked net.
        others: of `VAE`.
    """

    def __init__(
        self, shape, *, posterior: str = "iaf:2", latent: int = 32, flow_hidden: tuple[int, ...] = (320,), **others
    ):
        super().__init__(shape, posterior=posterior, latent=latent, flow_hidden=flow_hidden, **others)
