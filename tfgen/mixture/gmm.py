"""Mixture of Gaussians.

    p(x) = Σ_k π_k N(x; μ_k, Σ_k)
    M-step: μ_k = Σ_n r_nk x_n / N_k,  Σ_k = Σ_n r_nk (x_n - μ_k)(x_n - μ_k)ᵀ / N_k,  N_k = Σ_n r_nk

Pearson, "Contributions to the mathematical theory of evolution", 1894; EM after Dempster, Laird, Rubin, 1977.
"""

import math

import tensorflow as tf

from tfgen import laws, rng
from tfgen.mixture.em import Mixture
from tfgen.mixture.gaussians import Gaussians

__all__ = ["GMM"]


class GMM(Mixture):
    """A mixture of `components` Gaussians, learnt by exact EM, an M-step an epoch.

    The first epoch fits one Gaussian to the data, of any scale and up to some thousand deviations from the origin (its
    sums are float32); the components start at draws of it, round, with its mean variance. EM begins with the second.

    Arguments:
        covariance: "full", "tied" (one for all components) or "diagonal".
        floor: the least variance of a component in any direction: the maximum under that bound, so that no component
            collapses onto an example.
    """

    def __init__(self, shape, *, components: int = 10, covariance: str = "full", floor: float = 1e-3):
        dims = math.prod(shape) if isinstance(shape, (tuple, list)) else shape
        super().__init__(shape, components, Gaussians.moments(components, dims, covariance), values="real")
        self.gaussians = Gaussians(self, components, dims, covariance, floor)
        self.means, self.scales, self.start = self.gaussians.means, self.gaussians.scales, self.gaussians.start

    def log_joint(self, x):
        return self.log_weights + self.gaussians.log_prob(x)

    def statistics(self, x, r):
        return self.gaussians.statistics(x, r)

    def begin(self, counts, sums):
        self.gaussians.begin(counts, sums)

    def maximise(self, counts, sums):
        self.gaussians.maximise(counts, sums)

    @property
    def laws(self):
        return {"component": laws.uniform(), "x": laws.normal(self.dims)}

    def generate(self, noise, condition=None):
        k = rng.categorical(noise["component"], logits=self.log_weights.value)
        return tf.reshape(self.gaussians.draw(k, noise["x"]), [-1, *self.shape])

    def unit_weights(self):
        """The means, [components, *shape]."""
        return tf.reshape(self.means.value, [-1, *self.shape])
