"""Mixture of Bernoullis: each component is a picture of independent pixel probabilities.

    p(x) = Σ_k π_k Π_i μ_ki^x_i (1 - μ_ki)^(1 - x_i)          M-step: μ_k = Σ_n r_nk x_n / Σ_n r_nk

Lazarsfeld and Henry, "Latent structure analysis", 1968; Bishop, "Pattern recognition and machine learning", 2006,
section 9.3.3.
"""

import math

import keras
import tensorflow as tf

from tfgen import laws, rng
from tfgen.checks import at_least
from tfgen.mixture.em import Mixture

__all__ = ["MoB"]


class MoB(Mixture):
    """A mixture of `components` Bernoulli distributions over binary examples, learnt by exact EM, an M-step an epoch.

    The first epoch draws where each component starts: at a few examples, half way to grey. EM begins with the second.

    Arguments:
        floor: means stay within [floor, 1 - floor]: the maximum under that bound, which keeps log p finite on new data.
        prior: examples of half grey that each component has seen before all others, a Beta prior of its means.
    """

    def __init__(self, shape, *, components: int = 10, floor: float = 1e-3, prior: float = 0.0):
        at_least(0, prior=prior)
        dims = math.prod(shape) if isinstance(shape, (tuple, list)) else shape
        super().__init__(shape, components, {"x": (components, dims)}, values="binary")
        self.floor, self.prior = floor, prior
        start = keras.initializers.RandomUniform(0.25, 0.75)
        self.means = self.add_weight(shape=(components, self.dims), initializer=start, trainable=False, name="means")

    def log_joint(self, x):
        ones, zeros = tf.math.log(self.means.value), tf.math.log1p(-self.means.value)
        return self.log_weights + tf.reduce_sum(zeros, -1) + tf.matmul(x, ones - zeros, transpose_b=True)

    def responsibilities(self, log_joint):
        """In the first epoch a lottery: each example is drawn for one component, with a weight of so heavy a tail that
        a few examples decide the mean."""
        context, n = tf.distribute.get_replica_context(), tf.shape(log_joint)[0]
        draws = rng.uniform(
            [2, n * context.num_replicas_in_sync], rng.fold_in(self.random_state.value, 0)
        )  # the same however many replicas share them
        u = draws[:, n * context.replica_id_in_sync_group :][:, :n]
        lottery = (
            tf.one_hot(tf.cast(u[0] * self.components, tf.int32), self.components)
            * tf.maximum(u[1], 1e-5)[:, None] ** -3
        )
        return tf.where(self.rounds.value == 0, lottery, tf.nn.softmax(log_joint))

    def statistics(self, x, r):
        return {"x": tf.matmul(r, x, transpose_a=True)}

    def begin(self, counts, sums):
        means = 0.25 + 0.5 * sums["x"] / tf.maximum(counts, 1e-30)[:, None]
        self.means.assign(tf.where(counts[:, None] > 0, means, self.means.value))

    def maximise(self, counts, sums):
        shares = (sums["x"] + 0.5 * self.prior) / tf.maximum(counts + self.prior, 1e-30)[:, None]
        means = tf.clip_by_value(shares, self.floor, 1 - self.floor)
        self.means.assign(tf.where(counts[:, None] > 1e-6, means, self.means.value))

    @property
    def laws(self):
        return {"component": laws.uniform(), "x": laws.uniform(self.dims)}

    def generate(self, noise, condition=None):
        means = tf.gather(self.means.value, rng.categorical(noise["component"], logits=self.log_weights.value))
        return tf.reshape(tf.cast(noise["x"] < means, tf.float32), [-1, *self.shape])

    def unit_weights(self):
        """The means, [components, *shape]."""
        return tf.reshape(self.means.value, [-1, *self.shape])
