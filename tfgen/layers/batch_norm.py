"""Keras's batch normalisation, the same to rounding, by TensorFlow's fused kernel where one device has maps to
normalise: a pass over the numbers in place of several."""

import keras
import tensorflow as tf

__all__ = ["BatchNormalization"]


@keras.saving.register_keras_serializable("tfgen")
class BatchNormalization(keras.layers.BatchNormalization):
    """Momentum .9 and epsilon 1e-5 by default; under a strategy the moments of all replicas together."""

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, synchronized: bool = True, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, synchronized=synchronized, **kwargs)

    def call(self, inputs, training=None, mask=None):
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        fits = inputs.shape.rank == 4 and self.axis in (-1, 3) and self.scale and self.center and not self.renorm
        if mask is not None or replicas > 1 or not fits:
            return super().call(inputs, training=training, mask=mask)
        x = tf.cast(inputs, self.compute_dtype)
        gamma, beta = self.gamma.value, self.beta.value
        if not (training and self.trainable):
            mean, variance = self.moving_mean.value, self.moving_variance.value
            return tf.compat.v1.nn.fused_batch_norm(
                x, gamma, beta, mean, variance, epsilon=self.epsilon, is_training=False
            )[0]
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=self.epsilon, is_training=True)
        n = tf.cast(tf.size(x) / tf.shape(x)[-1], tf.float32)
        variance *= (n - 1) / n  # the kernel's is the unbiased one
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return y
