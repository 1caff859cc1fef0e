"""Semi-supervised auxiliary deep generative model: classes from few labels, by the same bound.

    with its label y:   log p(x, y) ≥ L(x, y) = E[log w(x, y)] + log p(y),  and α log q(y | a, x) is added
    without one:        log p(x) ≥ U(x) = E_q(a|x) Σ_y q(y | a, x) [L(x, y) - log q(y | a, x)]

The last class of the condition is for examples without a label: `--condition labels --labelled 100` makes such data.

Maaløe, Sønderby, Sønderby, Winther, "Auxiliary deep generative models", 2016, https://arxiv.org/abs/1602.05473
"""

import math

import tensorflow as tf

from tfgen import laws, losses, rng
from tfgen.checks import at_least
from tfgen.nets import mlp
from tfgen.variational.adgm import ADGM

__all__ = ["SemiADGM"]


class SemiADGM(ADGM):
    """An auxiliary deep generative model that learns classes.

    Arguments:
        shape: of one example.
        condition: the number of classes, and one more for examples without a label.
        alpha: weight of the classifier's log-likelihood on labelled examples.
        others: of `ADGM`; the objective is the ELBO.
    """

    unlabelled = True  # the last class of its condition is none

    def __init__(self, shape, *, condition: int, alpha: float = 10.0, **others):
        if not isinstance(condition, int) or condition < 3:
            raise ValueError(
                f"condition={condition!r}: expected the number of classes (two or more) and one for examples without "
                "a label"
            )
        at_least(0, alpha=alpha)
        super().__init__(shape, condition=condition, **others)
        if self.objective is not losses.elbo:
            raise ValueError("SemiADGM sums over the classes inside its bound, which is the ELBO: leave objective out")
        self.alpha, self.classes = alpha, condition - 1
        hidden, activation = self._style["hidden"], self._style["activation"]
        self.q_y = mlp(self.dims + self.auxiliary, hidden, self.classes, activation, name="q_y")

    def told_classes(self):
        return self.condition - 1

    def of_each_class(self, x, a, log_qa, seed):
        """What z of each class says: log_px and log_ratio [n, k, classes]."""
        n = tf.shape(x)[0]
        found = [self.given(x, a, log_qa, tf.fill([n], y), s) for y, s in enumerate(rng.split(seed, self.classes))]
        return tf.stack([f.log_px for f in found], -1), tf.stack([f.log_ratio for f in found], -1)

    def loss_terms(self, x, condition=None, training=True):
        labels = tf.cast(condition, tf.int32)
        known = tf.cast(labels < self.classes, tf.float32)
        a, log_qa = self.draw_a(x, self.samples, self.new_seed())
        log_px, log_ratio = self.of_each_class(x, a, log_qa, self.new_seed())
        log_qy = tf.nn.log_softmax(self.across(self.q_y, tf.reshape(self.alone(x), [-1, self.dims]), a))
        right = tf.one_hot(tf.minimum(labels, self.classes - 1), self.classes)[:, None]
        weights = tf.where(known[:, None, None] > 0, right, tf.exp(log_qy))
        mean = lambda term: tf.reduce_mean(tf.reduce_sum(weights * term, -1), -1)
        unsure = (1 - known) * mean(log_qy)
        kl, reconstruction = math.log(self.classes) - mean(log_ratio) + unsure, -mean(log_px)
        told = -known * mean(log_qy)
        wrong = known * tf.cast(tf.argmax(tf.reduce_mean(log_qy, 1), -1, tf.int32) != labels, tf.float32)
        share = tf.math.divide_no_nan(tf.reduce_sum(wrong), tf.reduce_sum(known))
        loss = reconstruction + self.weight_of_kl() * kl + self.alpha * told
        return {"loss": loss, "kl": kl, "reconstruction": reconstruction, "error": share}

    def log_w(self, x, condition, k, seed):
        """Of p(x | y) where y is known, else of p(x) = Σ_y p(x | y) / classes."""
        a_seed, z_seed = rng.split(seed, 2)
        log_px, log_ratio = self.of_each_class(x, *self.draw_a(x, k, a_seed), z_seed)
        told = tf.one_hot(tf.cast(condition, tf.int32), self.classes + 1)
        log_py = tf.math.log(told[:, :-1] + told[:, -1:] / self.classes)
        return tf.reduce_logsumexp(log_px + log_ratio + log_py[:, None], -1)

    def classify(self, x, condition=None):
        """Logits [n, classes] of q(y | a, x) at the mean of q(a | x)."""
        a = self.q_a(self.alone(x))[:, : self.auxiliary]
        return self.q_y(tf.concat([tf.reshape(self.alone(x), [-1, self.dims]), a], -1))

    @property
    def laws(self):
        """A uniform number picks the class of a sample without one."""
        return {**super().laws, "y": laws.uniform(1)}

    def generate(self, noise, condition=None):
        labels, drawn = tf.cast(condition, tf.int32), tf.cast(noise["y"][:, 0] * self.classes, tf.int32)
        return super().generate(noise, tf.where(labels < self.classes, labels, drawn))

    def encode(self, x, condition=None):
        """As of `ADGM`; of the most probable class where there is no label."""
        labels = tf.cast(condition, tf.int32)
        return super().encode(x, tf.where(labels < self.classes, labels, self.guess(x)))

    def reconstruct(self, x, condition=None):
        labels = tf.cast(condition, tf.int32)
        told = tf.where(labels < self.classes, labels, self.guess(x))
        return self.decode(self.encode(x, told), told)

    def guess(self, x):
        return tf.argmax(self.classify(x), -1, tf.int32)
