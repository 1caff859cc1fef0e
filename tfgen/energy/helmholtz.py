"""Helmholtz machine: layers of binary units that dream downwards and recognise upwards, learnt by wake-sleep.

    generative   p(x, h_1 … h_L) = p(h_L) Π_l p(h_{l-1} | h_l),   p(h_{l-1} = 1 | h_l) = σ(h_l G_l + g_l),   h_0 = x
    recognition  q(h_1 … h_L | x) = Π_l q(h_l | h_{l-1}),         q(h_l = 1 | h_{l-1}) = σ(h_{l-1} R_l + r_l)
    wake         h ~ q(h | x) with x from the data;  ΔG_l ∝ h_l (h_{l-1} - p_{l-1})
    sleep        x, h ~ p(x, h), a dream;            ΔR_l ∝ h_{l-1} (h_l - q_l)
    reweighted   K samples h^k ~ q(h | x), each counting by w_k / Σ w, w = p(x, h) / q(h | x), in the delta rules of
                 both nets; sleep beside it

Dayan, Hinton, Neal, Zemel, "The Helmholtz machine", 1995.
Hinton, Dayan, Frey, Neal, "The wake-sleep algorithm for unsupervised neural networks", 1995.
Bornschein and Bengio, "Reweighted wake-sleep", 2015.
"""

import itertools

import keras
import tensorflow as tf

from tfgen import heads, laws, losses, rng
from tfgen.checks import at_least
from tfgen.energy.belief_net import BeliefNet, delta
from tfgen.model import Player
from tfgen.parts import Weighted

__all__ = ["Helmholtz"]


class Helmholtz(Weighted, BeliefNet):
    """A sigmoid belief net and its recognition net, each learnt by the delta rule on what the other one does.

    Arguments:
        shape: of one example; its values are 0 and 1.
        hidden: units of each hidden layer, from the data upwards.
        learning_rate: of plain stochastic gradient descent, for both phases.
        samples: 1 is wake-sleep; more are those of reweighted wake-sleep.
    """

    def __init__(self, shape, *, hidden: tuple[int, ...] = (200,), learning_rate: float = 0.1, samples: int = 1):
        at_least(1, samples=samples)
        super().__init__(shape, hidden)
        self.learning_rate, self.samples = learning_rate, samples
        start, pairs = keras.initializers.RandomNormal(stddev=0.05), list(itertools.pairwise(self.sizes))
        self.R = [self.add_weight(shape=pair, initializer=start, name=f"R{i}") for i, pair in enumerate(pairs, 1)]
        self.r = [
            self.add_weight(shape=(above,), initializer="zeros", name=f"r{i}") for i, (_, above) in enumerate(pairs, 1)
        ]

    # -- the recognition net -------------------------------------------------------------------------------------------

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

    def log_q(self, layers: list[tf.Tensor]) -> tf.Tensor:
        """log q(h | x), [n]."""
        return tf.add_n(
            [heads.bernoulli(self.upward_logits(l, layers[l - 1])).log_prob(layers[l]) for l in range(1, len(layers))]
        )

    def log_w(self, x, condition, k, seed):
        """log p(x, h) / q(h | x) of k samples of q."""
        layers = self.recognise(tf.repeat(self.flat(x), k, 0), seed)
        return tf.reshape(self.log_p(layers) - self.log_q(layers), [-1, k])

    def upward_delta_rule(self, layers: list[tf.Tensor], weights: tf.Tensor | None = None) -> list[tf.Tensor]:
        """A descent direction for `recognition`, the gradient of -log q(h | x)."""
        errors = [layers[l] - tf.sigmoid(self.upward_logits(l, layers[l - 1])) for l in range(1, len(layers))]
        R = [delta(below, error, weights) for below, error in zip(layers, errors, strict=False)]
        return [*R, *[delta(None, error, weights) for error in errors]]

    @property
    def recognition(self) -> list[keras.Variable]:
        return [*self.R, *self.r]

    # -- wake and sleep ------------------------------------------------------------------------------------------------

    def players(self):
        sgd = lambda: keras.optimizers.SGD(self.learning_rate)
        wakes = self.generative if self.samples == 1 else [*self.generative, *self.recognition]
        return {
            "wake": Player(update=self.wake, variables=wakes, optimizer=sgd),
            "sleep": Player(update=self.sleep, variables=self.recognition, optimizer=sgd),
        }

    def wake(self, x, condition=None, training=True):
        if self.samples > 1:
            return self.reweighted(x)
        layers = self.recognise(self.flat(x), self.new_seed())
        terms = {"loss": -self.log_p(layers), "bound": self.log_p(layers) - self.log_q(layers)}
        return terms, self.delta_rule(layers)

    def reweighted(self, x):
        layers = self.recognise(tf.repeat(self.flat(x), self.samples, 0), self.new_seed())
        log_w = tf.reshape(self.log_p(layers) - self.log_q(layers), [-1, self.samples])
        weights = tf.reshape(tf.nn.softmax(log_w), [-1]) / tf.cast(tf.shape(log_w)[0], tf.float32)
        bound = losses.iwae(log_w)
        return {"loss": -bound, "bound": bound}, [
            *self.delta_rule(layers, weights),
            *self.upward_delta_rule(layers, weights),
        ]

    def sleep(self, x, condition=None, training=True):
        layers = self.dream(laws.draw(self.laws, tf.shape(x)[0], self.new_seed()))
        return {"loss": -self.log_q(layers)}, self.upward_delta_rule(layers)

    def encode(self, x, condition=None):
        """The top layer's probabilities, each layer below at its own: a mean-field pass, [n, hidden[-1]]."""
        h = self.flat(x)
        for l in range(1, len(self.sizes)):
            h = tf.sigmoid(self.upward_logits(l, h))
        return h
