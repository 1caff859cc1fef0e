"""Importance weighted auto-encoder: a tighter bound by several samples.

    L_k = E[log (1/k) Σ_i w_i],  w_i = p(x, z_i) / q(z_i | x),  L_1 ≤ L_2 ≤ … ≤ log p(x)                         (Eq. 8)

The gradient of q by pathwise derivatives has less and less signal as k grows. The doubly reparameterised one has the
same expectation,

    ∇_φ L_k = E[Σ_i w̃_i² (∂ log w_i / ∂z_i) (∂z_i / ∂φ)],  w̃_i = w_i / Σ_j w_j

Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", 2016, https://arxiv.org/abs/1509.00519
Tucker, Lawson, Gu, Maddison, "Doubly reparameterized gradient estimators for Monte Carlo objectives", 2019,
https://arxiv.org/abs/1810.04152
"""

import tensorflow as tf

from tfgen import losses
from tfgen.checks import one_of
from tfgen.parts import Diagonal
from tfgen.variational.engine import Inferred
from tfgen.variational.vae import VAE

__all__ = ["IWAE"]


class IWAE(VAE):
    """An importance weighted auto-encoder.

    Arguments:
        shape: of one example.
        samples: k, of z for each x.
        gradient: of the encoder, "pathwise" or "doubly" reparameterised.
        others: of `VAE`.
    """

    def __init__(self, shape, *, objective: str = "iwae", samples: int = 5, gradient: str = "pathwise", **others):
        one_of(f"gradient={gradient!r}", gradient, ("pathwise", "doubly"))
        super().__init__(shape, objective=objective, samples=samples, **others)
        self.gradient = gradient
        if gradient == "doubly" and not (isinstance(self.q, Diagonal) and self.objective is losses.iwae):
            raise ValueError("gradient='doubly' is that of objective='iwae' with posterior='diagonal': take these")

    def loss_terms(self, x, condition=None, training=True):
        if self.gradient == "pathwise":
            return super().loss_terms(x, condition, training)
        seen = self.seen(x, condition)
        z, _ = self.q.sample_and_log_prob(seen, self.samples, self.new_seed())
        z, weigh = _weighed(z)
        found = Inferred(self.log_px(x, z, condition), self.prior.log_prob(z) - self.q.frozen(seen, z))
        log_w = found.log_px + self.weight_of_kl() * found.log_ratio
        weigh(tf.nn.softmax(log_w))
        return self.terms(found, losses.iwae)


def _weighed(z):
    """z [n, k, d], whose gradient is weighted once more by numbers [n, k] that are known when it comes back."""
    later = {}

    @tf.custom_gradient
    def same(z):
        return tf.identity(z), lambda gradient: later["weights"][..., None] * gradient

    return same(z), lambda weights: later.update(weights=tf.stop_gradient(weights))
