"""MADE: an auto-encoder whose weights are masked so that output i sees only the inputs that come before i.

    p(x) = Π_i p(x_i | x_<i),  all of them in one pass
    every unit has a degree m: inputs and outputs their place in the order, hidden units one drawn between those below
        and D - 1
    a hidden unit sees the units below whose degree is at most its own; an output those whose
        degree is smaller                                                                           (Eq. 12, 13)
    with direct connections an output sees the inputs before it, too
    several masks: p(x) = (1/K) Σ_k p_k(x), one of them trained at each step                         (sections 4.2, 4.3)

Germain, Gregor, Murray, Larochelle, "MADE: masked autoencoder for distribution estimation", 2015,
https://arxiv.org/abs/1502.03509
"""

import itertools
import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import heads, laws, rng
from tfgen.autoregressive.engine import Autoregressive, ordering
from tfgen.checks import at_least
from tfgen.layers import MaskedDense
from tfgen.sampling import SAMPLE

__all__ = ["MADE"]


class MADE(Autoregressive):
    """A masked auto-encoder over binary examples.

    Arguments:
        shape: of one example; its values are 0 and 1.
        hidden: units of each hidden layer.
        order: "random" (each mask its own), "raster", or the places 0 … D-1 of the inputs.
        masks: how many sets of masks share the weights; one is trained at each step, in turn.
        direct: connections from inputs to outputs beside the hidden layers.
        condition: a number of classes (or a shape), seen by every unit; None models x alone.
        seed: of the orders and degrees, which are saved with the weights.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        hidden: tuple[int, ...] = (500,),
        order: str | Sequence[int] = "random",
        masks: int = 1,
        direct: bool = False,
        seed: int = 0,
    ):
        at_least(1, hidden=hidden, masks=masks)
        super().__init__(shape, condition)
        self.dims, self.masks = self.places, masks
        if self.dims < 2:
            raise ValueError(
                f"MADE orders the dimensions of x, and shape {self.shape} has {self.dims}: it needs two or more"
            )
        degrees = self._draw_degrees(np.random.default_rng(seed), order, hidden)
        self.degrees = [self._constant(np.stack(d), f"degrees{i}") for i, d in enumerate(zip(*degrees, strict=True))]
        sizes = (self.dims, *hidden)
        self.dense = [MaskedDense(a, b) for a, b in zip(sizes, hidden, strict=False)]
        self.last = MaskedDense(sizes[-1], self.dims, dtype="float32")
        self.direct = MaskedDense(self.dims, self.dims, use_bias=False, dtype="float32") if direct else None
        if condition is not None:
            self.told = [keras.layers.Dense(units, use_bias=False) for units in hidden]
            self.told.append(keras.layers.Dense(self.dims, use_bias=False, dtype="float32"))
            for layer in self.told:
                layer.build((None, conditions.size(condition)))

    def _draw_degrees(self, generator, order, hidden) -> list[list[np.ndarray]]:
        """For each mask: the places of the inputs, then the degrees of each hidden layer."""
        sets = []
        for _ in range(self.masks):
            places = ordering(order, self.dims, generator)
            below, layers = places, [places]
            for units in hidden:
                low = min(int(below.min()), self.dims - 2)
                below = generator.integers(low, self.dims - 1, units)
                layers.append(below)
            sets.append(layers)
        return sets

    def _constant(self, value, name):
        return self.add_weight(
            shape=value.shape,
            dtype="int32",
            initializer=lambda *args, **kwargs: tf.constant(value, tf.int32),
            trainable=False,
            name=name,
        )

    def masked(self, mask: int | tf.Tensor) -> list[tf.Tensor]:
        """The weights of every layer under one of the masks."""
        places, *degrees = [tf.gather(d.value, mask) for d in self.degrees]
        pairs = itertools.pairwise([places, *degrees])
        found = [
            dense.masked(below[:, None] <= degree) for dense, (below, degree) in zip(self.dense, pairs, strict=True)
        ]
        found.append(self.last.masked([places, *degrees][-1][:, None] < places))
        return found if self.direct is None else [*found, self.direct.masked(places[:, None] < places)]

    def logits(self, x: tf.Tensor, condition=None, mask: int | tf.Tensor = 0) -> tf.Tensor:
        """Of x_i given those before it, [n, D], under one of the masks."""
        x, weights = self.flat(x), self.masked(mask)
        h, told = x, None if condition is None else conditions.vector(self.condition, condition)
        for i, dense in enumerate(self.dense):
            h = dense(h, weights[i])
            h = tf.nn.relu(h if told is None else h + self.told[i](told))
        logits = self.last(h, weights[len(self.dense)])
        logits = logits if told is None else logits + self.told[-1](told)
        return logits if self.direct is None else logits + self.direct(x, weights[-1])

    def ranks(self):
        return [np.reshape(places, self.shape) for places in self.degrees[0].numpy()]

    def log_prob(self, x, condition=None):
        x = self.flat(x)
        each = [heads.bernoulli(self.logits(x, condition, mask)).log_prob(x) for mask in range(self.masks)]
        return tf.reduce_logsumexp(tf.stack(each), 0) - math.log(self.masks)

    def loss_terms(self, x, condition=None, training=True):
        if not training:
            return {"loss": -self.log_prob(x, condition)}
        mask = tf.cast(rng.step() % self.masks, tf.int32)
        x = self.flat(x)
        return {"loss": -heads.bernoulli(self.logits(x, condition, mask)).log_prob(x)}

    @property
    def laws(self):
        return {"mask": laws.uniform(1), "x": laws.uniform(self.dims)}

    def generate_by(self, noise, condition=None, choice=SAMPLE, given=None):
        """x_i by x_i, for each mask."""
        chosen = tf.cast(noise["mask"] * self.masks, tf.int32)
        x, given = tf.zeros_like(noise["x"]), given and [tf.reshape(part, [-1, self.dims]) for part in given]
        for mask in range(self.masks):
            x = tf.where(chosen == mask, self._ancestral(noise["x"], condition, mask, choice, given), x)
        return tf.reshape(x, [-1, *self.shape])

    def _ancestral(self, u, condition, mask, choice, given):
        """Number by number: the first layer sums up what is drawn, of the last one output is asked for."""
        order = tf.argsort(tf.gather(self.degrees[0].value, mask))
        weights, layers = [tf.cast(w, tf.float32) for w in self.masked(mask)], [*self.dense, self.last]
        begin = [tf.zeros([tf.shape(u)[0], 1]) + tf.cast(layer.bias, tf.float32) for layer in layers]
        if condition is not None:
            told = conditions.vector(self.condition, condition)
            begin = [part + tf.cast(layer(told), tf.float32) for part, layer in zip(begin, self.told, strict=True)]

        def body(place, first, x):
            i = order[place, None]
            at = lambda part: tf.gather(part, i, axis=1)
            h = first
            for weight, bias in zip(weights[1 : len(self.dense)], begin[1:-1], strict=True):
                h = tf.nn.relu(h) @ weight + bias
            logit = tf.nn.relu(h) @ at(weights[len(self.dense)]) + at(begin[-1]) if self.dense else at(h)
            logit = logit if self.direct is None else logit + x @ at(weights[-1])
            drawn = tf.reshape(choice.pick(self.likelihood, at(u), logit[..., None]), tf.shape(logit))
            if given is not None:
                drawn = tf.where(at(given[1]), at(given[0]), drawn)
            x = tf.where(tf.range(self.dims) == i, drawn, x)
            return place + 1, first + drawn * tf.gather(weights[0], i), x

        start = (0, begin[0], tf.zeros_like(u))
        return tf.while_loop(lambda place, *_: place < self.dims, body, start, maximum_iterations=self.dims)[2]
