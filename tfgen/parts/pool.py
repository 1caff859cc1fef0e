"""A pool of past samples, from which a critic is shown half of what it judges.

Shrivastava et al., "Learning from simulated and unsupervised images through adversarial training", 2017, section 2.3,
https://arxiv.org/abs/1612.07828; with single pictures: Zhu et al., "Unpaired image-to-image translation using
cycle-consistent adversarial networks", 2017, https://arxiv.org/abs/1703.10593
"""

import keras
import tensorflow as tf

from tfgen import distribute, rng
from tfgen.checks import at_least

__all__ = ["Pool"]


@keras.saving.register_keras_serializable("tfgen")
class Pool(keras.layers.Layer):
    """The last samples that a model made, some of which come back.

    Arguments:
        size: samples that it holds, over all replicas.
        shape: of one.
    """

    def __init__(self, size: int, shape: tuple[int, ...]):
        super().__init__(autocast=False)
        at_least(1, size=size)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if size % replicas:
            raise ValueError(f"a pool of {size} cannot be shared by {replicas} replicas: take a multiple of {replicas}")
        self.size, options = size // replicas, {"trainable": False, "initializer": "zeros"}
        self.rows = self.add_weight(shape=(size, *shape), aggregation="sum", dtype="float32", name="rows", **options)
        self.filled = self.add_weight(
            shape=(replicas,), aggregation="sum", dtype="int32", name="filled", **options
        )  # of each replica's block
        self.built = True

    def exchange(self, x: tf.Tensor) -> tf.Tensor:
        """[n, *shape] to as many: while the pool fills each sample is kept and given back; then each has an even chance
        to be kept in place of an old one, which is given in its stead. Within a training step alone."""
        rows, n = distribute.own_rows(self.rows), tf.shape(x)[0]
        u = rng.uniform([2, n], rng.new_seed())
        place = tf.minimum(tf.cast(u[1] * self.size, tf.int32), self.size - 1)

        def body(i, rows, filled, given):
            empty = filled < self.size
            at = tf.where(empty, filled, place[i])
            keeps = empty | (u[0, i] < 0.5)
            given = given.write(i, tf.where(keeps & ~empty, rows[at], x[i]))
            rows = tf.cond(keeps, lambda: tf.tensor_scatter_nd_update(rows, [[at]], x[i][None]), lambda: rows)
            return i + 1, rows, tf.minimum(filled + 1, self.size), given

        given = tf.TensorArray(x.dtype, n, element_shape=x.shape[1:])
        start = (0, rows, distribute.own_rows(self.filled)[0], given)
        _, rows, filled, given = tf.while_loop(lambda i, *_: i < n, body, start)
        distribute.keep_rows(self.rows, tf.stop_gradient(rows))
        distribute.keep_rows(self.filled, filled[None])
        return given.stack()
