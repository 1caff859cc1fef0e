"""Jackknife variational inference: the bias of the importance weighted bound, of order 1/k, taken away.

    JVI-1 = k L_k - (k - 1) · the mean of L_{k-1} over all k sets of k - 1 weights;   bias O(k⁻²), JVI-2 O(k⁻³)

It is no bound: it lies nearer to log p(x), on either side. `bound` is L_k.

Nowozin, "Debiasing evidence approximations: on importance-weighted autoencoders and jackknife variational inference",
2018, https://openreview.net/forum?id=HyZoi-WRb
"""

from tfgen.variational.vae import VAE

__all__ = ["JVI"]


class JVI(VAE):
    """A variational auto-encoder that is trained by jackknife variational inference.

    Arguments:
        shape: of one example.
        objective: "jvi:1", or "jvi:2", which needs three samples or more.
        samples: k, of z for each x.
        others: of `VAE`.
    """

    def __init__(self, shape, *, objective: str = "jvi:1", samples: int = 8, **others):
        super().__init__(shape, objective=objective, samples=samples, **others)
