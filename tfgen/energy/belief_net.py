"""Sigmoid belief net: layers of binary units that dream downwards.

    p(x, h_1 … h_L) = p(h_L) Π_l p(h_{l-1} | h_l),   p(h_{l-1} = 1 | h_l) = σ(h_l G_l + g_l),   h_0 = x

Neal, "Connectionist learning of belief networks", 1992.
"""

import itertools
import math

import keras
import tensorflow as tf

from tfgen import heads, laws, rng
from tfgen.checks import at_least
from tfgen.model import GenerativeModel
from tfgen.sampling import log_sum

__all__ = ["BeliefNet", "delta"]


class BeliefNet(GenerativeModel):
    """The base of sigmoid belief nets: the generative half, its density and its samples.

    Arguments:
        hidden: units of each hidden layer, from the data upwards.
    """

    def __init__(self, shape, hidden: tuple[int, ...]):
        if not hidden:
            raise ValueError("hidden=(): expected one hidden layer or more")
        at_least(1, hidden=hidden)
        super().__init__(shape, values="binary")
        self.sizes = (math.prod(self.shape), *hidden)
        start, zeros = keras.initializers.RandomNormal(stddev=0.05), {"initializer": "zeros"}
        pairs = list(itertools.pairwise(self.sizes))
        self.top = self.add_weight(shape=(self.sizes[-1],), name="top", **zeros)
        self.G = [
            self.add_weight(shape=(above, below), initializer=start, name=f"G{i}")
            for i, (below, above) in enumerate(pairs, 1)
        ]
        self.g = [self.add_weight(shape=(below,), name=f"g{i}", **zeros) for i, (below, _) in enumerate(pairs, 1)]

    def downward_logits(self, l: int, h: tf.Tensor) -> tf.Tensor:
        """Of layer l given h, the layer above it (the top layer, l = L, has none)."""
        return tf.matmul(h, self.G[l]) + self.g[l] if l < len(self.G) else tf.tile(self.top[None], [tf.shape(h)[0], 1])

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

    def delta_rule(self, layers: list[tf.Tensor], weights: tf.Tensor | None = None) -> list[tf.Tensor]:
        """A descent direction for `generative`: -⟨activity above · (state - prediction)⟩, the gradient of -log p(x, h);
        each row of the layers counts by its weight, evenly where none is given."""
        above = [*layers[1:], layers[-1]]
        errors = [layers[l] - tf.sigmoid(self.downward_logits(l, above[l])) for l in range(len(layers))]
        G = [delta(h, error, weights) for h, error in zip(layers[1:], errors, strict=False)]
        biases = [delta(None, error, weights) for error in errors]
        return [biases[-1], *G, *biases[:-1]]

    @property
    def generative(self) -> list[keras.Variable]:
        return [self.top, *self.G, *self.g]

    # -- exact, by enumeration -----------------------------------------------------------------------------------------

    @property
    def states(self) -> int:
        """Of all hidden units: the terms of `exact_log_prob`."""
        return 2 ** sum(self.sizes[1:])

    def log_joint(self, x: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
        """log p(x, h) [n, states] of each x with each state of all hidden units [states, units]."""
        hidden = tf.split(tf.cast(h, tf.float32), self.sizes[1:], -1)
        above = [*hidden[1:], hidden[-1]]
        log_p_h = tf.add_n(
            [heads.bernoulli(self.downward_logits(l, above[l - 1])).log_prob(hidden[l - 1]) for l in self._levels]
        )
        logits = self.downward_logits(0, hidden[0])
        log_p_x = tf.matmul(self.flat(x), logits, transpose_b=True) - tf.reduce_sum(tf.nn.softplus(logits), -1)
        return log_p_x + log_p_h

    @property
    def _levels(self) -> range:
        return range(1, len(self.sizes))

    def exact_log_prob(self, x: tf.Tensor) -> tf.Tensor:
        """log p(x) [n], by the sum over all states of the hidden units."""
        refused = "log p(x) of a belief net is a sum over all states of its hidden units, and here are {}: see `bound`"
        return log_sum(sum(self.sizes[1:]), lambda h: self.log_joint(x, h), refused)

    # -- sampling ------------------------------------------------------------------------------------------------------

    @property
    def laws(self):
        return laws.uniform(sum(self.sizes))

    def generate(self, noise, condition=None):
        return tf.reshape(self.dream(noise)[0], [-1, *self.shape])

    def unit_weights(self):
        """What each unit of the first layer makes: its weights, [hidden[0], *shape]."""
        return tf.reshape(self.G[0].value, [-1, *self.shape])


def delta(activity: tf.Tensor | None, error: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """The delta rule as a descent direction: -⟨activity · (target - prediction)⟩ over rows, of a bias without
    activity."""
    n = tf.cast(tf.shape(error)[0], tf.float32)
    error = error / n if weights is None else error * weights[:, None]
    return -tf.reduce_sum(error, 0) if activity is None else -tf.matmul(activity, error, transpose_a=True)
