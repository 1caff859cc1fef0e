"""Gaussian components, of a mixture or of a hidden Markov model: their densities, and their M-step.

full      Σ_k = Σ_n r_nk (x_n - μ_k)(x_n - μ_k)ᵀ / N_k,  N_k = Σ_n r_nk
tied      one Σ = Σ_k N_k Σ_k / N for all
diagonal  of each Σ_k its diagonal, and memory for no more

Eigenvalues (variances) are at least `floor`: the exact maximum under that bound.
"""

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfgen import laws
from tfgen.checks import one_of, positive

__all__ = ["COVARIANCES", "Gaussians"]

COVARIANCES = ("full", "tied", "diagonal")


class Gaussians:
    """Weights of `owner`; the sums of the M-step are around the present means, so that nothing cancels in float32.

    Arguments:
        components, dims: their numbers.
        covariance: one of COVARIANCES.
        floor: the least variance in any direction.
    """

    def __init__(self, owner, components: int, dims: int, covariance: str, floor: float):
        one_of(f"covariance={covariance!r}", covariance, COVARIANCES)
        positive(floor=floor)
        self.dims, self.covariance, self.floor, fixed = dims, covariance, floor, {"trainable": False}
        self.components = components
        self.means = owner.add_weight(shape=(components, dims), initializer="zeros", name="means", **fixed)
        if covariance == "diagonal":
            self.scales = owner.add_weight(shape=(components, dims), initializer="ones", name="scales", **fixed)
        else:
            shape = (components if covariance == "full" else 1, dims, dims)
            self.scales = owner.add_weight(shape=shape, initializer=_identities, name="scales", **fixed)  # Σ = L Lᵀ
            self.whiteners = owner.add_weight(shape=shape, initializer=_identities, name="whiteners", **fixed)  # L⁻¹
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.start = owner.add_weight(shape=(components, dims), initializer=normal, name="start", **fixed)

    @staticmethod
    def moments(components: int, dims: int, covariance: str) -> dict[str, tuple[int, ...]]:
        """The sums beside the counts."""
        second = {"full": (components, dims, dims), "tied": (dims, dims), "diagonal": (components, dims)}
        return {"x": (components, dims), "xx": second.get(covariance, ())}

    def apart(self, x: tf.Tensor) -> tf.Tensor:
        """x - μ, [components, n, dims]."""
        return x[None] - self.means.value[:, None]

    def log_prob(self, x: tf.Tensor) -> tf.Tensor:
        """log N(x; μ_k, Σ_k), [n, components]."""
        if self.covariance == "diagonal":
            white = self.apart(x) / self.scales.value[:, None]
            log_det = -tf.reduce_sum(tf.math.log(self.scales.value), -1)
        else:
            white = tf.matmul(self.apart(x), self.whiteners.value, transpose_b=True)  # L⁻¹ (x - μ)
            log_det = tf.reduce_sum(tf.math.log(tf.reduce_sum(self.whiteners.value * tf.eye(self.dims), -1)), -1)
        return log_det - 0.5 * (self.dims * math.log(2 * math.pi) + tf.transpose(tf.reduce_sum(white**2, -1)))

    def distribution(self) -> tfp.distributions.Distribution:
        """Over x [dims], a batch of as many as there are components."""
        tfd = tfp.distributions
        if self.covariance == "diagonal":
            return tfd.MultivariateNormalDiag(self.means.value, self.scales.value)
        return tfd.MultivariateNormalTriL(self.means.value, self.scales.value)

    def statistics(self, x: tf.Tensor, r: tf.Tensor) -> dict[str, tf.Tensor]:
        apart = self.apart(x)
        weighted = apart * tf.transpose(r)[:, :, None]
        if self.covariance == "full":
            second = tf.matmul(weighted, apart, transpose_a=True)
        elif self.covariance == "tied":
            flat = lambda t: tf.reshape(t, [-1, self.dims])
            second = tf.matmul(flat(weighted), flat(apart), transpose_a=True)
        else:
            second = tf.reduce_sum(weighted * apart, 1)
        return {"x": tf.reduce_sum(weighted, 1), "xx": second}

    def maximise(self, counts, sums):
        n = tf.maximum(counts, 1e-30)[:, None]
        shift, alive = sums["x"] / n, counts[:, None] > 1e-6
        if self.covariance == "full":
            scales = self._cholesky(sums["xx"] / n[:, None] - shift[:, :, None] * shift[:, None])
            self._scale(tf.where(alive[:, None], scales, self.scales.value))
        elif self.covariance == "tied":
            between = tf.matmul(sums["x"], shift, transpose_a=True)
            self._scale(self._cholesky((sums["xx"] - between) / tf.reduce_sum(counts))[None])
        else:
            scales = tf.sqrt(tf.maximum(sums["xx"] / n - shift**2, self.floor))
            self.scales.assign(tf.where(alive, scales, self.scales.value))
        self.means.assign(tf.where(alive, self.means.value + shift, self.means.value))

    def begin(self, counts, sums):
        """At draws of the one Gaussian of all data, round, with its mean variance."""
        n = tf.reduce_sum(counts)
        shift = tf.reduce_sum(sums["x"], 0) / n
        if self.covariance == "diagonal":
            variances = tf.reduce_sum(sums["xx"], 0) / n - shift**2
            draws = self.start.value * tf.sqrt(tf.maximum(variances, self.floor))
        else:
            second = sums["xx"] if self.covariance == "tied" else tf.reduce_sum(sums["xx"], 0)
            covariance = second / n - shift[:, None] * shift
            variances = tf.linalg.diag_part(covariance)
            draws = tf.matmul(self.start.value, self._cholesky(covariance), transpose_b=True)
        deviation = tf.sqrt(tf.maximum(tf.reduce_mean(variances), self.floor))
        self.means.assign(self.means.value + shift + draws)
        if self.covariance == "diagonal":
            self.scales.assign(tf.fill(self.scales.shape, deviation))
        else:
            self._scale(tf.eye(self.dims, batch_shape=[self.scales.shape[0]]) * deviation)

    def law(self, length) -> laws.Law:
        """Of a sequence of draws."""
        return laws.normal(length, self.dims)

    def read(self, x: tf.Tensor) -> tf.Tensor:
        return x

    def draw(self, k: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """x [n, dims] of components k [n] by standard normal z [n, dims]."""
        if self.covariance == "diagonal":
            return tf.gather(self.means.value, k) + tf.gather(self.scales.value, k) * z
        which = k if self.covariance == "full" else tf.zeros_like(k)
        return tf.gather(self.means.value, k) + tf.linalg.matvec(tf.gather(self.scales.value, which), z)

    def _scale(self, L):
        self.scales.assign(L)
        self.whiteners.assign(tf.linalg.triangular_solve(L, tf.eye(self.dims, batch_shape=[L.shape[0]])))

    def _cholesky(self, covariance):
        """Of the nearest covariance, in likelihood, whose eigenvalues are at least `floor`."""
        values, vectors = tf.linalg.eigh(covariance)
        return tf.linalg.cholesky(
            tf.matmul(vectors * tf.maximum(values, self.floor)[..., None, :], vectors, transpose_b=True)
        )


def _identities(shape, dtype=None):
    return tf.eye(shape[-1], batch_shape=[shape[0]], dtype=dtype or tf.float32)
