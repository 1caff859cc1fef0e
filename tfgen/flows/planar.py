"""Planar flow: a ridge along one direction.

    f(z) = z + û tanh(w·z + b),   log |det| = log |1 + (1 - tanh²(w·z + b)) w·û|                        (Eq. 10 to 12)
    û = u + (softplus(w·u) - 1 - w·u) w / |w|², so that w·û > -1 and f can be inverted                 (appendix A.1)

Rezende and Mohamed, "Variational inference with normalizing flows", 2015, https://arxiv.org/abs/1505.05770
"""

import keras
import tensorflow as tf

__all__ = ["Planar"]


@keras.saving.register_keras_serializable("tfgen")
class Planar(keras.layers.Layer):
    """[..., d] to [..., d]."""

    def __init__(self, dims: int):
        super().__init__(autocast=False)
        small = keras.initializers.RandomNormal(stddev=0.1)
        self.u, self.w = (self.add_weight(shape=(dims,), initializer=small, name=name) for name in ("u", "w"))
        self.b = self.add_weight(shape=(), initializer="zeros", name="b")
        self.built = True

    def forward_and_log_det(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """f(z), and log |det ∂f/∂z| [...]."""
        w, u = self.w.value, self.u.value
        wu = tf.tensordot(w, u, 1)
        u = u + (tf.nn.softplus(wu) - 1 - wu) * w / tf.reduce_sum(w**2)
        a = tf.tanh(tf.tensordot(z, w, 1) + self.b)
        return z + a[..., None] * u, tf.math.log(tf.abs(1 + (1 - a**2) * tf.tensordot(w, u, 1)))
