"""Mixture of Gaussians with full covariances.

    p(x) = Σ_k π_k N(x; μ_k, Σ_k)
    M-step: μ_k = Σ_n r_nk x_n / N_k,  Σ_k = Σ_n r_nk (x_n - μ_k)(x_n - μ_k)ᵀ / N_k,  N_k = Σ_n r_nk

Pearson, "Contributions to the mathematical theory of evolution", 1894; EM after Dempster, Laird, Rubin, 1977.
"""

import math

import keras
import tensorflow as tf

from tfgen import laws, rng
from tfgen.mixture.em import EM

__all__ = ["GMM"]


class GMM(EM):
    """A mixture of `components` Gaussians, learnt by exact EM, an M-step an epoch.

    The first epoch fits one Gaussian to the data, of any scale and up to some thousand deviations from the origin (its
    sums are float32); the components start at draws of it, round, with its mean variance. EM begins with the second.

    Arguments:
        floor: the least variance of a component in any direction: the maximum under that bound, so that no component
            collapses onto an example.
    """

    def __init__(self, shape, *, components: int = 10, floor: float = 1e-3):
        super().__init__(shape, components, {"x": 1, "xx": 2}, values="real")
        self.floor, d, fixed = floor, self.dims, {"trainable": False}
        self.means = self.add_weight(shape=(components, d), initializer="zeros", name="means", **fixed)
        self.scales = self.add_weight(
            shape=(components, d, d), initializer=_identities, name="scales", **fixed
        )  # Σ_k = L Lᵀ
        self.whiteners = self.add_weight(
            shape=(components, d, d), initializer=_identities, name="whiteners", **fixed
        )  # L⁻¹
        self.start = self.add_weight(
            shape=(components, d), initializer=keras.initializers.RandomNormal(stddev=1.0), name="start", **fixed
        )

    def log_joint(self, x):
        white = tf.matmul(
            x[None] - self.means.value[:, None], self.whiteners.value, transpose_b=True
        )  # L⁻¹ (x - μ), [K, n, d]
        log_det = tf.reduce_sum(tf.math.log(tf.reduce_sum(self.whiteners.value * tf.eye(self.dims), -1)), -1)
        return (
            self.log_weights
            + log_det
            - 0.5 * (self.dims * math.log(2 * math.pi) + tf.transpose(tf.reduce_sum(white**2, -1)))
        )

    def statistics(self, x, r):
        apart = x[None] - self.means.value[:, None]  # around the present means, so that nothing cancels in float32
        weighted = apart * tf.transpose(r)[:, :, None]
        return {"x": tf.reduce_sum(weighted, 1), "xx": tf.matmul(weighted, apart, transpose_a=True)}

    def maximise(self, counts, sums):
        n = tf.maximum(counts, 1e-30)[:, None]
        shift = sums["x"] / n
        scales = self._cholesky(sums["xx"] / n[:, None] - shift[:, :, None] * shift[:, None])
        alive = counts[:, None] > 1e-6
        self.means.assign(tf.where(alive, self.means.value + shift, self.means.value))
        self._scale(tf.where(alive[:, None], scales, self.scales.value))

    def begin(self, counts, sums):
        n = tf.reduce_sum(counts)
        shift = tf.reduce_sum(sums["x"], 0) / n
        covariance = tf.reduce_sum(sums["xx"], 0) / n - shift[:, None] * shift
        draws = tf.matmul(self.start.value, self._cholesky(covariance), transpose_b=True)
        deviation = tf.sqrt(tf.maximum(tf.linalg.trace(covariance) / self.dims, self.floor))
        self.means.assign(self.means.value + shift + draws)
        self._scale(tf.eye(self.dims, batch_shape=[self.components]) * deviation)

    def _scale(self, L):
        self.scales.assign(L)
        self.whiteners.assign(tf.linalg.triangular_solve(L, tf.eye(self.dims, batch_shape=[self.components])))

    def _cholesky(self, covariance):
        """Of the nearest covariance, in likelihood, whose eigenvalues are at least `floor`."""
        values, vectors = tf.linalg.eigh(covariance)
        return tf.linalg.cholesky(
            tf.matmul(vectors * tf.maximum(values, self.floor)[..., None, :], vectors, transpose_b=True)
        )

    @property
    def laws(self):
        return {"component": laws.uniform(), "x": laws.normal(self.dims)}

    def generate(self, noise, condition=None):
        k = rng.categorical(noise["component"], logits=self.log_weights.value)
        x = tf.gather(self.means.value, k) + tf.linalg.matvec(tf.gather(self.scales.value, k), noise["x"])
        return tf.reshape(x, [-1, *self.shape])


def _identities(shape, dtype=None):
    return tf.eye(shape[-1], batch_shape=[shape[0]], dtype=dtype or tf.float32)
