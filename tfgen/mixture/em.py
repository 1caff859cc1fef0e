"""Expectation-maximisation, one M-step an epoch: exact for any batch size, over replicas and workers.

    E-step, each batch:  r_nk = p(k | x_n) ∝ π_k p(x_n | k),  and the sums over n of r_nk and of r_nk times statistics
    of x_n
    M-step, each epoch:  the parameters that maximise the expected log-likelihood, in closed form from the sums

The likelihood of the training data never falls from one epoch to the next.
Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM algorithm", 1977.
"""

import math

import tensorflow as tf

from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player

__all__ = ["EM", "Mixture"]


class EM(GenerativeModel):
    """The base of models learnt by EM: they add `expect`, `begin` and `maximise`.

    Arguments:
        components: π has as many.
        moments: name and shape of each sum that the M-step needs beside the counts [components], which make π.
    """

    def __init__(self, shape, components: int, moments: dict[str, tuple[int, ...]], values: str):
        at_least(1, components=components)
        super().__init__(shape, values=values)
        self.components = components
        weight = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
        self.log_weights = self.add_weight(shape=(components,), trainable=False, name="log_weights", initializer=_equal)
        self.rounds = self.add_weight(shape=(), dtype="int32", name="rounds", **weight)
        self.sums = {
            name: self.add_weight(shape=shape, name=f"sum_of_{name}", **weight)
            for name, shape in {"counts": (components,), **moments}.items()
        }

    def expect(self, x: tf.Tensor, training: bool) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """log p(x) [n], and in training what each sum grows by."""
        raise NotImplementedError

    def begin(self, counts: tf.Tensor, sums: dict[str, tf.Tensor]) -> None:
        """Assigns the parameters after the first epoch, which shows the data: EM begins with the second."""
        raise NotImplementedError

    def maximise(self, counts: tf.Tensor, sums: dict[str, tf.Tensor]) -> None:
        """Assigns the parameters; a component without examples keeps its own."""
        raise NotImplementedError

    def log_prob(self, x, condition=None):
        return self.expect(x, training=False)[0]

    def players(self):
        return {"model": Player(update=self.e_step)}

    def e_step(self, x, condition=None, training=True):
        log_prob, grown = self.expect(x, training)
        if training:
            replica = tf.distribute.get_replica_context()
            for name, value in grown.items():
                self.sums[name].assign_add(
                    replica.all_reduce("sum", value) if replica.num_replicas_in_sync > 1 else value
                )
        return {"loss": -log_prob}, []

    def after_epoch(self):
        counts = self.sums["counts"].value
        sums = {name: v.value for name, v in self.sums.items() if name != "counts"}
        if int(self.rounds.numpy()) == 0:
            self.begin(counts, sums)
        else:
            self.maximise(counts, sums)
            self.log_weights.assign(tf.math.log(tf.maximum(counts, 1e-30)) - tf.math.log(tf.reduce_sum(counts)))
        self.rounds.assign_add(1)
        for v in self.sums.values():
            v.assign(tf.zeros(v.shape))


class Mixture(EM):
    """The base of mixtures of independent examples: they add `log_joint` and `statistics`."""

    def __init__(self, shape, components: int, moments: dict[str, tuple[int, ...]], values: str):
        super().__init__(shape, components, moments, values)
        self.dims = math.prod(self.shape)

    def log_joint(self, x: tf.Tensor) -> tf.Tensor:
        """log π_k p(x | k), [n, components]."""
        raise NotImplementedError

    def statistics(self, x: tf.Tensor, r: tf.Tensor) -> dict[str, tf.Tensor]:
        """The sums over a batch [n, dims] under responsibilities [n, components]."""
        raise NotImplementedError

    def responsibilities(self, log_joint: tf.Tensor) -> tf.Tensor:
        """r_nk, [n, components]."""
        return tf.nn.softmax(log_joint)

    def expect(self, x, training):
        x = self.flat(x)
        log_joint = self.log_joint(x)
        log_prob = tf.reduce_logsumexp(log_joint, -1)
        if not training:
            return log_prob, {}
        r = self.responsibilities(log_joint)
        return log_prob, {"counts": tf.reduce_sum(r, 0), **self.statistics(x, r)}

    def encode(self, x, condition=None):
        """p(k | x), [n, components]."""
        return tf.nn.softmax(self.log_joint(self.flat(x)))

    def cluster(self, x, condition=None):
        """The most probable component [n]."""
        return tf.argmax(self.log_joint(self.flat(x)), -1)


def _equal(shape, dtype=None):
    return tf.fill(shape, tf.cast(-math.log(shape[0]), dtype or tf.float32))
