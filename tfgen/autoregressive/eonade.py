"""EoNADE: one net for every order. It is told which dimensions it sees, and learns to predict all others at once; an
ensemble of orders is a mixture, and a density.

    J(x) = E_{m, d} [D / (D - d) Σ_{i not in m} -log p(x_i | x_m)],   m of d dimensions, d even in 0 … D - 1
    h = f(W (x ⊙ m) + U m + c) and further layers
    p(x) = (1/K) Σ_k Π_t p(x_{o_k(t)} | x_{o_k(<t)})

Uria, Murray, Larochelle, "A deep and tractable density estimator", 2014, https://arxiv.org/abs/1310.1757
"""

import math

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import laws, rng
from tfgen.autoregressive.engine import Autoregressive
from tfgen.checks import at_least
from tfgen.sampling import SAMPLE

__all__ = ["EoNADE"]


class EoNADE(Autoregressive):
    """An order-agnostic net over binary examples, and an ensemble of orders.

    Arguments:
        shape: of one example; its values are 0 and 1.
        condition: seen by the first hidden layer.
        hidden: units of each layer.
        orders: K, in the ensemble; the training knows nothing of them.
        seed: of the orders, which are saved with the weights.
    """

    def __init__(self, shape, *, condition=None, hidden: tuple[int, ...] = (500,), orders: int = 1, seed: int = 0):
        at_least(1, hidden=hidden, orders=orders)
        if not hidden:
            raise ValueError("hidden=(): EoNADE sums up what it knows in a hidden layer: give it one or more")
        super().__init__(shape, condition)
        d, generator = self.places, np.random.default_rng(seed)
        drawn = np.stack([generator.permutation(d) for _ in range(orders)])
        self.orders = self.add_weight(  # [K, D]: the dimension at each place
            shape=drawn.shape,
            dtype="int32",
            initializer=lambda shape, dtype: tf.constant(drawn, tf.int32),
            trainable=False,
            name="orders",
        )
        self.W, self.U = (self.add_weight(shape=(d, hidden[0]), name=name) for name in ("W", "U"))
        self.c = self.add_weight(shape=(hidden[0],), initializer="zeros", name="c")
        self.deep = [keras.layers.Dense(units, "relu") for units in hidden[1:]]
        self.V = self.add_weight(shape=(hidden[-1], d), name="V")
        self.b = self.add_weight(shape=(d,), initializer="zeros", name="b")
        for layer, inputs in zip(self.deep, hidden, strict=False):
            layer.build((None, inputs))
        self.W_told = keras.layers.Dense(hidden[0], use_bias=False) if condition is not None else None
        if self.W_told:
            self.W_told.build((None, conditions.size(condition)))

    def ranks(self):
        return []  # what is known comes first

    def begin(self, n, condition=None):
        """What the first layer sums up where nothing is known, [n, hidden]."""
        a = tf.zeros([n, self.c.shape[0]]) + self.c
        return (
            a if condition is None else a + tf.cast(self.W_told(conditions.vector(self.condition, condition)), a.dtype)
        )

    def last(self, a):
        """The features above a, [n, hidden]."""
        h = tf.nn.relu(a)
        for layer in self.deep:
            h = layer(h)
        return tf.cast(h, tf.float32)

    def logits(self, x, known, condition=None):
        """Of every dimension given those that are known, bools or numbers [n, D]: [n, D]."""
        known = tf.cast(known, tf.float32)
        a = self.begin(tf.shape(x)[0], condition) + (self.flat(x) * known) @ self.W + known @ self.U
        return self.last(a) @ self.V + self.b

    def step(self, a, dimension):
        """The logit of one dimension of each example, [n]."""
        V, b = (tf.gather(v, dimension) for v in (tf.transpose(self.V), self.b.value))
        return tf.reduce_sum(self.last(a) * V, -1) + b

    def take(self, a, x, dimension):
        """a, once the number x [n] of this dimension is known."""
        return a + x[:, None] * tf.gather(self.W.value, dimension) + tf.gather(self.U.value, dimension)

    def log_prob(self, x, condition=None):
        return self.mixed(self.log_prob_each(x, condition))

    @staticmethod
    def mixed(each):
        """log p(x) [n] by what each order says of it, [K, n]."""
        return tf.reduce_logsumexp(each, 0) - math.log(each.shape[0])

    def log_prob_each(self, x, condition=None):
        """log p(x) by each order, [K, n]."""
        x, count = self.flat(x), self.orders.shape[0]
        orders, a = tf.repeat(self.orders.value, tf.shape(x)[0], 0), self.begin(tf.shape(x)[0], condition)
        each = self.log_prob_in(orders, tf.tile(x, [count, 1]), tf.tile(a, [count, 1]))
        return tf.reshape(each, [count, -1])

    def log_prob_in(self, order, x, a):
        """log p(x) of each example by an order of its own, both [n, D], from `begin`."""

        def body(t, a, total):
            dimension = order[:, t]
            value = tf.gather(x, dimension, batch_dims=1)
            total -= tf.nn.sigmoid_cross_entropy_with_logits(value, self.step(a, dimension))
            return t + 1, self.take(a, value, dimension), total

        start = (0, a, tf.zeros([tf.shape(x)[0]]))
        return tf.while_loop(lambda t, *_: t < self.places, body, start, maximum_iterations=self.places)[2]

    def loss_terms(self, x, condition=None, training=True):
        x, d = self.flat(x), self.places
        places = tf.argsort(tf.argsort(rng.uniform(tf.shape(x), self.new_seed())))
        count = tf.floor(rng.uniform([tf.shape(x)[0], 1], self.new_seed()) * d)
        known = tf.cast(tf.cast(places, tf.float32) < count, tf.float32)
        each = tf.nn.sigmoid_cross_entropy_with_logits(x, self.logits(x, known, condition))
        return {"loss": tf.reduce_sum((1 - known) * each, -1) * d / (d - count[:, 0])}

    @property
    def laws(self):
        return {"order": laws.uniform(1), "x": laws.uniform(self.places)}

    def generate_by(self, noise, condition=None, choice=SAMPLE, given=None):
        """In an order of the ensemble. What is known comes first, in its order: samples of p(unknown | known)."""
        count = self.orders.shape[0]
        k = tf.cast(noise["order"][:, 0] * count, tf.int32)
        order, n = tf.gather(self.orders.value, k), tf.shape(k)[0]
        if given is not None:
            values, known = (tf.reshape(part, [-1, self.places]) for part in given)
            later = tf.cast(~tf.gather(known, order, batch_dims=1), tf.int32)
            order = tf.gather(order, tf.argsort(later, stable=True), batch_dims=1)

        def body(t, a, x):
            dimension = order[:, t]
            drawn = choice.pick(self.likelihood, noise["x"][:, t, None], self.step(a, dimension)[:, None, None])[:, 0]
            if given is not None:
                drawn = tf.where(
                    tf.gather(known, dimension, batch_dims=1), tf.gather(values, dimension, batch_dims=1), drawn
                )
            x += tf.one_hot(dimension, self.places) * drawn[:, None]
            return t + 1, self.take(a, drawn, dimension), x

        start = (0, self.begin(n, condition), tf.zeros([n, self.places]))
        x = tf.while_loop(lambda t, *_: t < self.places, body, start, maximum_iterations=self.places)[2]
        return tf.reshape(x, [-1, *self.shape])
