"""Hidden Markov model: a chain of states, each of which emits one observation.

    p(x_1 … x_T, z) = π_{z_1} Π_t A_{z_t-1 z_t} Π_t p(x_t | z_t)
    forward-backward   γ_t(k) = p(z_t = k | x),  and expected moves ξ_ij = Σ_t p(z_t = i, z_t+1 = j | x), which are
                       A_ij ∂ log p(x) / ∂ A_ij
    Baum-Welch         π = γ_1,  A_ij ∝ ξ_ij,  emissions from observations weighted by γ
    Viterbi            the z that maximises p(z | x)

Baum, Petrie, Soules, Weiss, "A maximization technique occurring in the statistical analysis of probabilistic functions
of Markov chains", 1970; Rabiner, "A tutorial on hidden Markov models", 1989.
"""

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfgen import laws, rng
from tfgen.checks import numbered, one_of
from tfgen.mixture.em import EM
from tfgen.mixture.gaussians import Gaussians
from tfgen.sampling import unroll

__all__ = ["HMM"]

tfd = tfp.distributions


class HMM(EM):
    """A hidden Markov model of sequences, learnt by Baum-Welch, an M-step an epoch; the first epoch shows the data.

    Arguments:
        shape: (length, …), the rest of it one observation; a length of None takes and samples any.
        states: of the chain.
        emissions: "gaussian", or "categorical:5" for whole numbers below 5.
        covariance: of Gaussian emissions, as in `GMM`.
        floor: the least variance of an emission; of categorical ones the least probability.
        length: of samples where the shape has none and nobody says one.
    """

    def __init__(
        self,
        shape,
        *,
        states: int = 5,
        emissions: str = "gaussian",
        covariance: str = "diagonal",
        floor: float = 1e-3,
        length: int = 20,
    ):
        kind, symbols = numbered(emissions)
        one_of(f"emissions={emissions!r}", kind, ("gaussian", "categorical"))
        shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        wide = math.prod(shape[1:])
        if kind == "categorical":
            if symbols is None or symbols != int(symbols) or symbols < 2:
                raise ValueError(f"emissions={emissions!r}: say how many symbols there are, 2 or more: categorical:5")
            if wide != 1:
                raise ValueError(f"shape={shape}: categorical emissions are one symbol at a time, shape=(length,)")
        moments = (
            Gaussians.moments(states, wide, covariance) if kind == "gaussian" else {"symbols": (states, int(symbols))}
        )
        moments |= {"occupied": (states,), "moves": (states, states)}
        super().__init__(shape, states, moments, "real" if kind == "gaussian" else "bytes")
        self.wide, self.length = wide, length
        self.log_moves = self.add_weight(shape=(states, states), initializer=_lazy, trainable=False, name="log_moves")
        emitting = lambda: Gaussians(self, states, wide, covariance, floor)
        self.emissions = emitting() if kind == "gaussian" else Categoricals(self, states, int(symbols), floor)

    # -- forward and backward ------------------------------------------------------------------------------------------

    def chain(self, length, log_moves: tf.Tensor | None = None) -> tfd.HiddenMarkovModel:
        moves = tfd.Categorical(logits=self.log_moves.value if log_moves is None else log_moves)
        start = tfd.Categorical(logits=self.log_weights.value)
        return tfd.HiddenMarkovModel(start, moves, self.emissions.distribution(), num_steps=length)

    def observations(self, x: tf.Tensor) -> tf.Tensor:
        """x as [n, length, wide], symbols as [n, length]."""
        length = self.shape[0] or tf.shape(x)[1]
        return self.emissions.read(tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], length, self.wide]))

    def expect(self, x, training):
        x = self.observations(x)
        length = x.shape[1] or tf.shape(x)[1]
        if not training:
            return self._possible(self.chain(length).log_prob(x)), {}
        log_moves = tf.nn.log_softmax(self.log_moves.value)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(log_moves)
            log_prob = self.chain(length, log_moves).log_prob(x)
            total = tf.reduce_sum(log_prob)
        slopes = tape.gradient(total, log_moves)  # of normalised logits: ξ_ij - A_ij Σ_j ξ_ij
        gamma = tf.nn.softmax(self.chain(length).posterior_marginals(x).logits_parameter())
        left = tf.reduce_sum(gamma[:, :-1], [0, 1])
        moves = slopes + tf.exp(log_moves) * left[:, None]
        r = tf.reshape(gamma, [-1, self.components])
        grown = {"counts": tf.reduce_sum(gamma[:, 0], 0), "occupied": tf.reduce_sum(r, 0), "moves": moves}
        rows = tf.reshape(x, [-1, *x.shape[2:]])
        return self._possible(log_prob), {**grown, **self.emissions.statistics(rows, r)}

    def _possible(self, log_prob):
        message = (
            "[tfgen] a sequence holds an observation that this HMM takes for impossible in every state: look for what "
            "is far off in the data, or build it with a larger floor"
        )
        tf.debugging.assert_greater(log_prob, -math.inf, message)
        return log_prob

    def begin(self, counts, sums):
        self.emissions.begin(sums["occupied"], sums)

    def maximise(self, counts, sums):
        moves = tf.maximum(sums["moves"], 0.0)
        share = tf.math.log(tf.maximum(moves, 1e-30)) - tf.math.log(tf.maximum(tf.reduce_sum(moves, 1), 1e-30))[:, None]
        self.log_moves.assign(tf.where(tf.reduce_sum(moves, 1)[:, None] > 1e-6, share, self.log_moves.value))
        self.emissions.maximise(sums["occupied"], sums)

    def encode(self, x, condition=None):
        """γ, the posterior of each state at each time, [n, length, states]."""
        x = self.observations(x)
        return tf.nn.softmax(self.chain(x.shape[1] or tf.shape(x)[1]).posterior_marginals(x).logits_parameter())

    def viterbi(self, x) -> tf.Tensor:
        """The most probable path of states, [n, length]."""
        x = self.observations(x)
        return self.chain(x.shape[1] or tf.shape(x)[1]).posterior_mode(x)

    # -- sampling, one observation after the other ---------------------------------------------------------------------

    @property
    def laws(self):
        return {"state": laws.uniform(self.shape[0]), "x": self.emissions.law(self.shape[0])}

    def start(self, n, condition=None):
        return tf.tile(self.log_weights.value[None], [n, 1])

    def advance(self, noise, state, condition=None):
        def step(u, logits):
            z = rng.categorical(u[:, 0], logits=logits)
            return self.emissions.draw(z, u[:, 1:]), tf.gather(self.log_moves.value, z)

        x, state = unroll(step, tf.concat([noise["state"][..., None], noise["x"]], -1), state)
        return tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1], *self.shape[1:]]), state


class Categoricals:
    """A table of symbols for each state, as weights of `owner`."""

    def __init__(self, owner, states: int, symbols: int, floor: float):
        if not 0 < floor * symbols < 1:
            raise ValueError(f"floor={floor:g}: expected a probability above 0 and below one in {symbols} symbols")
        self.symbols, self.floor = symbols, floor
        start = keras.initializers.RandomUniform(0.5, 1.5)
        self.table = owner.add_weight(shape=(states, symbols), initializer=start, trainable=False, name="table")

    def read(self, x):
        message = f"[tfgen] x holds {self.symbols} or more, and this HMM knows the symbols 0 to {self.symbols - 1}"
        tf.debugging.assert_less(x, float(self.symbols), message)
        return tf.cast(x[..., 0], tf.int32)

    def distribution(self):
        return tfd.Categorical(logits=tf.math.log(self._shares(self.table.value)))

    def statistics(self, x, r):
        return {"symbols": tf.matmul(r, tf.one_hot(x, self.symbols), transpose_a=True)}

    def begin(self, counts, sums):
        """The symbols of all data, each state with more of some and less of others."""
        self.table.assign(self._floored(self._shares(self.table.value * tf.reduce_sum(sums["symbols"], 0))))

    def maximise(self, counts, sums):
        table = self._floored(self._shares(tf.maximum(sums["symbols"], 1e-30)))
        self.table.assign(tf.where(counts[:, None] > 1e-6, table, self.table.value))

    def law(self, length):
        return laws.uniform(length, 1)

    def draw(self, z, u):
        symbols = rng.categorical(u[:, 0], logits=tf.math.log(self._shares(tf.gather(self.table.value, z))))
        return tf.cast(symbols, tf.float32)[:, None]

    def _shares(self, table):
        return table / tf.reduce_sum(table, -1, keepdims=True)

    def _floored(self, p):
        """The maximum under the bound p ≥ floor: what lies below is lifted, the rest shares what is left."""
        low = tf.zeros_like(p, tf.bool)
        for _ in range(self.symbols):
            left = 1 - self.floor * tf.reduce_sum(tf.cast(low, p.dtype), -1, keepdims=True)
            rest = tf.where(low, 0.0, p)
            q = tf.where(low, self.floor, rest / tf.reduce_sum(rest, -1, keepdims=True) * left)
            low = low | (q < self.floor)
        return q


def _lazy(shape, dtype=None):
    """Evenly, but for some more staying than going."""
    return tf.math.log(tf.fill(shape, 0.5 / shape[0]) + 0.5 * tf.eye(shape[0]))
