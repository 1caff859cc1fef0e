"""SEGAN: speech enhanced on the wave itself, by a net that makes the sound at once and a critic that hears it beside
the noisy one.

    critic      ½ E (v(x, x̃) - 1)² + ½ E v(G(z, x̃), x̃)²
    generator   ½ E (v(G(z, x̃), x̃) - 1)² + λ |G(z, x̃) - x|₁,  λ = 100;  all with pre-emphasis, x_t - .95 x_{t-1}

Pascual, Bonafonte, Serrà, "SEGAN: speech enhancement generative adversarial network", 2017,
https://arxiv.org/abs/1703.09452
"""

import keras
import tensorflow as tf

from tfgen import distribute, rng
from tfgen.adversarial.engine import Adversarial
from tfgen.checks import at_least
from tfgen.layers.recursion import leaky_sum
from tfgen.nets.segan import segan_critic, segan_generator, segan_steps

__all__ = ["SEGAN"]


class SEGAN(Adversarial):
    """x is the clean sound, the condition the noisy one; noise at the bottleneck.

    Arguments:
        shape: of one example: (16384,) in the paper, about a second; what else it is counts as one line of samples.
        width: channels of the first layer; the last has 64 times as many in the paper.
        kernel: of every convolution.
        steps: how often the sound is halved; None for as often as it comes out even, 11 at most.
        noisy: whether there is noise at all.
        reference: examples of the first batch by which the critic normalises.
        distance: λ, the weight of |G - x|.
        adversarial: weight of the game; 0 leaves the distance alone, and a critic that nobody listens to.
        emphasis: of high frequencies.
        learning_rate: of RMSprop.
    """

    def __init__(
        self,
        shape,
        *,
        width: int = 16,
        kernel: int = 31,
        steps: int | None = None,
        noisy: bool = True,
        reference: int = 16,
        distance: float = 100.0,
        adversarial: float = 1.0,
        emphasis: float = 0.95,
        learning_rate: float = 2e-4,
    ):
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        samples = tf.TensorShape(shape).num_elements()
        at_least(1, width=width, kernel=kernel)
        at_least(2, reference=reference)
        steps = steps or segan_steps(samples)
        if not 1 <= steps <= 11:
            raise ValueError(f"steps={steps} of {samples} samples: expected 1 to 11, and an even number of samples")
        if samples % 2**steps:
            raise ValueError(
                f"a sound of {samples} samples cannot be halved {steps} times: take 16384, or another power of two"
            )
        sizes = {"width": width, "kernel": kernel, "steps": steps}
        generator = segan_generator(samples, noisy=noisy, **sizes)
        if shape != (samples,):
            generator = keras.Sequential([generator, keras.layers.Reshape(shape, dtype="float32")], name="generator")
        critic = segan_critic(samples, reference=reference, **sizes)
        super().__init__(
            shape, generator, critic, condition=shape, values="signed", game="least_squares", together=True
        )
        vars(self).update(distance=distance, adversarial=adversarial, emphasis=emphasis, rate=learning_rate)
        self.count = reference

    def optimizer_of(self, player):
        return lambda: keras.optimizers.RMSprop(self.rate)

    @property
    def least_batch(self) -> int:
        return max(super().least_batch, self.count)

    def critic_terms(self, x, condition=None, training=True):
        x, condition = self.emphasised(x), self.emphasised(condition)
        if training:
            self._refer(x, condition)
        return super().critic_terms(x, condition, training)

    def generator_terms(self, x, condition=None, training=True):
        x, condition = self.emphasised(x), self.emphasised(condition)
        fake = self.fake(x, condition, training)
        apart = tf.reduce_mean(tf.abs(self.flat(fake) - self.flat(x)), 1)
        fooled = self.critic.fooled(fake, condition, training)
        return {"loss": self.adversarial * fooled + self.distance * apart, "fooled": fooled, "distance": apart}

    def generate(self, noise, condition=None):
        """Windows as they are: `restore` takes sounds of any length."""
        return self.plain(super().generate(noise, self.emphasised(condition)))

    def restore(self, noisy, seed: int = 0) -> tf.Tensor:
        """Sounds [n, any length] to as many samples: in windows that overlap by half, faded into each other."""
        size, hop = self.flat(tf.zeros([1, *self.shape])).shape[1], self.flat(tf.zeros([1, *self.shape])).shape[1] // 2
        noisy = tf.convert_to_tensor(noisy, tf.float32)
        n, length = noisy.shape
        emphasised = self.emphasised(noisy)
        count = -(-length // hop) + 1
        padded = tf.pad(emphasised, [[0, 0], [hop, count * hop - length]])
        windows = tf.reshape(tf.signal.frame(padded, size, hop), [n * count, *self.shape])
        made = super().generate(self.noise(n * count, seed), windows)
        fade = tf.signal.hann_window(size, periodic=True)
        parts = tf.reshape(self.flat(made), [n, count, size]) * fade
        sound = tf.signal.overlap_and_add(parts, hop)[:, hop : hop + length]
        return leaky_sum(sound, self.emphasis)

    def emphasised(self, x):
        flat = self.flat(x) if x.shape[1:] == self.shape else x
        return tf.reshape(flat - self.emphasis * tf.pad(flat, [[0, 0], [1, 0]])[:, :-1], tf.shape(x))

    def plain(self, x):
        """What `emphasised` came from."""
        return tf.reshape(leaky_sum(self.flat(x), self.emphasis), tf.shape(x))

    def _refer(self, x, condition) -> None:
        """The first examples that are seen become the reference batch, for good."""
        rows = self.critic.net.get_layer("reference").rows
        pairs = tf.concat([self.flat(x), self.flat(condition)], -1)[: self.count]
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:  # the same for all of them
            pairs = tf.distribute.get_replica_context().all_gather(pairs, 0)[: self.count]
        distribute.assign(rows, tf.where(rng.step() <= 1, pairs, rows.value))
