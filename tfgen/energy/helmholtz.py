"""Helmholtz machine: layers of binary units that dream downwards and recognise upwards, learnt by wake-sleep.

    generative   p(x, h_1 … h_L) = p(h_L) Π_l p(h_{l-1} | h_l),   p(h_{l-1} = 1 | h_l) = σ(h_l G_l + g_l),   h_0 = x
    recognition  q(h_1 … h_L | x) = Π_l q(h_l | h_{l-1}),         q(h_l = 1 | h_{l-1}) = σ(h_{l-1} R_l + r_l)
    wake         h ~ q(h | x) with x from the data;  ΔG_l ∝ h_l (h_{l-1} - p_{l-1})
    sleep        x, h ~ p(x, h), a dream;            ΔR_l ∝ h_{l-1} (h_l - q_l)

Dayan, Hinton, Neal, Zemel, "The Helmholtz machine", 1995.
Hinton, Dayan, Frey, Neal, "The wake-sleep algorithm for unsupervised neural networks", 1995.
"""

import math

import keras
import tensorflow as tf

from tfgen import heads, laws, rng
from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player
from tfgen.parts import Weighted

__all__ = ["Helmholtz"]


class Helmholtz(Weighted, GenerativeModel):
    """A sigmoid belief net and its recognition net, each learnt by the delta rule on what the other one does.

    Arguments:
        shape: of one example; its values are 0 and 1.
        hidden: units of each hidden layer, from the data upwards.
        learning_rate: of plain stochastic gradient descent, for both phases.
    """

    def __init__(self, shape, *, hidden: tuple[int, ...] = (200,), learning_rate: float = 0.1):
        if not hidden:
            raise ValueError("hidden=(): expected one hidden layer or more")
        at_least(1, hidden=hidden)
        super().__init__(shape, values="binary")
        self.sizes, self.learning_rate = (math.prod(self.shape), *hidden), learning_rate
        start = keras.initializers.RandomNormal(stddev=0.05)
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        zeros = {"initializer": "zeros"}
        self.top = self.add_weight(shape=(self.sizes[-1],), name="top", **zeros)
        self.G = [
            self.add_weight(shape=(above, below), initializer=start, name=f"G{i}")
            for i, (below, above) in enumerate(pairs, 1)
        ]
        self.g = [self.add_weight(shape=(below,), name=f"g{i}", **zeros) for i, (below, _) in enumerate(pairs, 1)]
        self.R = [
            self.add_weight(shape=(below, above), initializer=start, name=f"R{i}")
            for i, (below, above) in enumerate(pairs, 1)
        ]
        self.r = [self.add_weight(shape=(above,), name=f"r{i}", **zeros) for i, (_, above) in enumerate(pairs, 1)]

    # -- the two nets --------------------------------------------------------------------------------------------------

    def downward_logits(self, l: int, h: tf.Tensor) -> tf.Tensor:
        """Of layer l given h, the layer above it (the top layer, l = L, has none)."""
        return tf.matmul(h, self.G[l]) + self.g[l] if l < len(self.G) else tf.tile(self.top[None], [tf.shape(h)[0], 1])

    def upward_logits(self, l: int, h: tf.Tensor) -> tf.Tensor:
        """Of layer l given h, the layer below it."""
        return tf.matmul(h, self.R[l - 1]) + self.r[l - 1]

    def recognise(self, x: tf.Tensor, seed: tf.Tensor) -> list[tf.Tensor]:
        """[x, h_1, …, h_L] with h ~ q(h | x)."""
        layers = [x]
        for l, s in enumerate(rng.split(seed, len(self.R)), 1):
            layers.append(
                rng.bernoulli(rng.uniform([tf.shape(x)[0], self.sizes[l]], s), logits=self.upward_logits(l, layers[-1]))
            )
        return layers

    def dream(self, noise: tf.Tensor) -> list[tf.Tensor]:
        """[x, h_1, …, h_L] ~ p(x, h) from uniforms [n, units of all layers]."""
        u = tf.split(noise, self.sizes, -1)
        layers = [u[-1]]  # the top layer hangs on nothing: any tensor of n rows stands for what is above it
        for l in reversed(range(len(self.sizes))):
            layers.insert(0, rng.bernoulli(u[l], logits=self.downward_logits(l, layers[0])))
        return layers[:-1]

    def log_p(self, layers: list[tf.Tensor]) -> tf.Tensor:
        """log p(x, h), [n]."""
        above = [*layers[1:], layers[-1]]
        return tf.add_n(
            [heads.bernoulli(self.downward_logits(l, above[l])).log_prob(layers[l]) for l in range(len(layers))]
        )

    def log_q(self, layers: list[tf.Tensor]) -> tf.Tensor:
        """log q(h | x), [n]."""
        return tf.add_n(
            [heads.bernoulli(self.upward_logits(l, layers[l - 1])).log_prob(layers[l]) for l in range(1, len(layers))]
        )

    def log_w(self, x, condition, k, seed):
        """log p(x, h) / q(h | x) of k samples of q."""
        layers = self.recognise(tf.repeat(self.flat(x), k, 0), seed)
        return tf.reshape(self.log_p(layers) - self.log_q(layers), [-1, k])

    # -- wake and sleep ------------------------------------------------------------------------------------------------

    def players(self):
        sgd = lambda: keras.optimizers.SGD(self.learning_rate)
        return {
            "wake": Player(update=self.wake, variables=[self.top, *self.G, *self.g], optimizer=sgd),
            "sleep": Player(update=self.sleep, variables=[*self.R, *self.r], optimizer=sgd),
        }

    def wake(self, x, condition=None, training=True):
        layers = self.recognise(self.flat(x), self.new_seed())
        errors = [
            layers[l] - tf.sigmoid(self.downward_logits(l, [*layers, layers[-1]][l + 1])) for l in range(len(layers))
        ]
        G = [_delta(above, error) for above, error in zip(layers[1:], errors, strict=False)]
        terms = {"loss": -self.log_p(layers), "bound": self.log_p(layers) - self.log_q(layers)}
        return terms, [-tf.reduce_mean(errors[-1], 0), *G, *[-tf.reduce_mean(error, 0) for error in errors[:-1]]]

    def sleep(self, x, condition=None, training=True):
        layers = self.dream(laws.draw(self.laws, tf.shape(x)[0], self.new_seed()))
        errors = [layers[l] - tf.sigmoid(self.upward_logits(l, layers[l - 1])) for l in range(1, len(layers))]
        R = [_delta(below, error) for below, error in zip(layers, errors, strict=False)]
        return {"loss": -self.log_q(layers)}, [*R, *[-tf.reduce_mean(error, 0) for error in errors]]

    # -- sampling ------------------------------------------------------------------------------------------------------

    @property
    def laws(self):
        return laws.uniform(sum(self.sizes))

    def generate(self, noise, condition=None):
        return tf.reshape(self.dream(noise)[0], [-1, *self.shape])

    def encode(self, x, condition=None):
        """The top layer's probabilities, each layer below at its own: a mean-field pass, [n, hidden[-1]]."""
        h = self.flat(x)
        for l in range(1, len(self.sizes)):
            h = tf.sigmoid(self.upward_logits(l, h))
        return h


def _delta(activity: tf.Tensor, error: tf.Tensor) -> tf.Tensor:
    """The delta rule as a descent direction: -⟨activity · (target - prediction)⟩ over the batch."""
    return -tf.matmul(activity, error, transpose_a=True) / tf.cast(tf.shape(error)[0], tf.float32)
