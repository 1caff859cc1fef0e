"""Restricted Boltzmann machine: a layer of binary units v that is seen, a layer h that is not, and no link inside a
layer.

    E(v, h) = -a·v - b·h - v·W h                        p(v, h) = exp(-E(v, h)) / Z
    F(v) = -a·v - Σ_j softplus(b_j + (vW)_j)            p(v) = exp(-F(v)) / Z
    p(h_j = 1 | v) = σ(b_j + (vW)_j)                    p(v_i = 1 | h) = σ(a_i + (Wh)_i)
    learning: ΔW ∝ ⟨v h⟩_0 - ⟨v h⟩_k                    (k sweeps of Gibbs sampling away from the data)

Smolensky, "Information processing in dynamical systems: foundations of harmony theory", 1986.
Hinton, "Training products of experts by minimizing contrastive divergence", 2002.
Tieleman, "Training restricted Boltzmann machines using approximations to the likelihood gradient", 2008: chains that
persist.
"""

import math

import keras
import tensorflow as tf

from tfgen import distribute, laws, rng
from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player
from tfgen.parts.weights import number
from tfgen.progress import progress
from tfgen.sampling import AnnealingPath

__all__ = ["RBM"]


class RBM(GenerativeModel):
    """A restricted Boltzmann machine, learnt by contrastive divergence.

    Arguments:
        shape: of one example; its values are 0 and 1.
        hidden: the number of hidden units.
        k: sweeps of each update; a weight, so that `Schedule("k", …)` can change it.
        chains: 0 starts each chain at the data (CD-k); else as many chains over all replicas that go on from update to
            update (PCD-k).
        learning_rate: of plain stochastic gradient descent.
        sweeps: Gibbs sweeps behind each sample, from independent units with the rates of the data (a running mean).

    Example:
        >>> model = RBM((8, 8, 1), hidden=64)
        >>> model.compile()
        >>> history = model.fit(tfgen.data.load("digits", values="binary"), epochs=5, verbose=0)
        >>> model.sample(16, seed=0).shape
        TensorShape([16, 8, 8, 1])
    """

    def __init__(
        self, shape, *, hidden: int = 500, k: int = 1, chains: int = 0, learning_rate: float = 0.05, sweeps: int = 200
    ):
        at_least(1, hidden=hidden, k=k)
        at_least(0, chains=chains, sweeps=sweeps)
        super().__init__(shape, values="binary")
        self.visible, self.hidden, self.chains = math.prod(self.shape), hidden, chains
        self.learning_rate, self.sweeps = learning_rate, sweeps
        self.W = self.add_weight(
            shape=(self.visible, hidden), initializer=keras.initializers.RandomNormal(stddev=0.01), name="W"
        )
        self.a = self.add_weight(shape=(self.visible,), initializer="zeros", aggregation="mean", name="a")
        self.b = self.add_weight(shape=(hidden,), initializer="zeros", name="b")
        self.k = self.add_weight(
            shape=(), dtype="int32", initializer=keras.initializers.Constant(k), trainable=False, name="k"
        )
        half = keras.initializers.Constant(0.5)
        self.rates = self.add_weight(
            shape=(self.visible,), initializer=half, trainable=False, aggregation="mean", name="rates"
        )
        self.begun = number(self, "begun", 0.0)
        if chains:
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            if chains % replicas:
                raise ValueError(
                    f"{chains} chains cannot be shared by {replicas} replicas: take a multiple of {replicas}"
                )
            self.h = self.add_weight(
                shape=(chains, hidden), initializer=_coins, trainable=False, aggregation="sum", name="chains"
            )

    # -- the energy ----------------------------------------------------------------------------------------------------

    def free_energy(self, x: tf.Tensor) -> tf.Tensor:
        """F(v) [n]: log p(v) = -F(v) - log Z."""
        v = self.flat(x)
        return self._free_energy(v, self.hidden_logits(v))

    def _free_energy(self, v, logits):
        return -tf.linalg.matvec(v, self.a) - tf.reduce_sum(tf.nn.softplus(logits), -1)

    def energy(self, v: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
        v = self.flat(v)
        return -tf.linalg.matvec(v, self.a) - tf.linalg.matvec(h, self.b) - tf.reduce_sum((v @ self.W) * h, -1)

    def hidden_logits(self, v: tf.Tensor) -> tf.Tensor:
        return v @ self.W + self.b

    def visible_logits(self, h: tf.Tensor) -> tf.Tensor:
        return tf.matmul(h, self.W, transpose_b=True) + self.a

    def sweep(self, h: tf.Tensor, u_v: tf.Tensor, u_h: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """One sweep of Gibbs sampling by uniforms [n, visible] and [n, hidden]: v given h, the logits of h given v, h
        given v."""
        v = rng.bernoulli(u_v, logits=self.visible_logits(h))
        logits = self.hidden_logits(v)
        return v, logits, rng.bernoulli(u_h, logits=logits)

    @property
    def states(self) -> int:
        """The terms of `log_z`."""
        return 2 ** min(self.visible, self.hidden)

    def log_z(self) -> tf.Tensor:
        """log Z, float64, by the sum over every state s of the smaller layer: Z = Σ_s exp(bias·s) Π_i (1 + exp(other
        bias_i + (W s)_i))."""
        W, a, b = (tf.cast(v.value, tf.float64) for v in (self.W, self.a, self.b))
        W, bias, other = (tf.transpose(W), b, a) if self.hidden <= self.visible else (W, a, b)
        units = min(self.visible, self.hidden)
        if units > 24:
            raise ValueError(
                f"log_z sums over the states of the smaller layer, and this RBM has 2^{units} of them: "
                "tfgen.metrics.annealed_log_likelihood"
            )
        bits, total = tf.range(units, dtype=tf.int64), []
        starts = range(0, self.states, 4096)
        for begin in progress(starts, len(starts), "log Z"):
            index = tf.range(begin, min(begin + 4096, self.states), dtype=tf.int64)
            s = tf.cast(tf.bitwise.bitwise_and(tf.bitwise.right_shift(index[:, None], bits), 1), tf.float64)
            total.append(
                tf.reduce_logsumexp(tf.linalg.matvec(s, bias) + tf.reduce_sum(tf.nn.softplus(s @ W + other), -1))
            )
        return tf.reduce_logsumexp(tf.stack(total))

    def annealing_path(self, start=None) -> AnnealingPath:
        """From independent units with the rates of `start` (data; or none: those seen in training) to this model, for
        annealed importance sampling.

        log f_β(v) = (1 - β) a_0·v + β a·v + Σ_j softplus(β (b_j + (vW)_j))
        """
        rates = self.rates.value if start is None else tf.reduce_mean(self.flat(start), 0)
        base = _log_odds(rates)

        def log_ratio(v, beta, after):
            logits = self.hidden_logits(v)
            hidden = tf.reduce_sum(tf.nn.softplus(after * logits) - tf.nn.softplus(beta * logits), -1)
            return (after - beta) * tf.linalg.matvec(v, self.a - base) + hidden

        def move(v, beta, seed):
            u = rng.uniform([tf.shape(v)[0], self.hidden + self.visible], seed)
            h = rng.bernoulli(u[:, : self.hidden], logits=beta * self.hidden_logits(v))
            return rng.bernoulli(u[:, self.hidden :], logits=(1 - beta) * base + beta * self.visible_logits(h))

        return AnnealingPath(
            log_z_start=tf.reduce_sum(tf.nn.softplus(base)) + self.hidden * math.log(2),
            start=lambda n, seed: rng.bernoulli(rng.uniform([n, self.visible], seed), logits=base),
            log_ratio=log_ratio,
            move=move,
        )

    # -- learning ------------------------------------------------------------------------------------------------------

    def players(self):
        optimizer = lambda: keras.optimizers.SGD(self.learning_rate)
        return {
            "model": Player(update=self.contrastive_divergence, variables=[self.W, self.a, self.b], optimizer=optimizer)
        }

    def contrastive_divergence(self, x, condition=None, training=True):
        """⟨v h⟩_k - ⟨v h⟩_0, with h replaced by its expectation given v."""
        v_0, (first, rest) = self.flat(x), rng.split(self.new_seed(), 2)
        logits_0 = self.hidden_logits(v_0)
        if self.chains:
            h = distribute.own_rows(self.h)
        else:
            h = rng.bernoulli(rng.uniform(tf.shape(logits_0), first), logits=logits_0)
        v_k, logits_k, h = self.run_chain(h, rest)
        if training:
            rates = tf.reduce_mean(v_0, 0)
            self.rates.assign(0.99 * self.rates + 0.01 * rates)
            self.a.assign(
                tf.where(self.begun > 0, self.a, _log_odds(rates))
            )  # first: unit i at the log-odds of its rate
            self.begun.assign(1.0)
            if self.chains:
                distribute.keep_rows(self.h, h)
        n, m = tf.shape(v_0)[0], tf.shape(v_k)[0]
        signs = tf.concat([tf.fill([m], 1 / m), tf.fill([n], -1 / n)], 0)  # Σ sign · f is ⟨f⟩_k - ⟨f⟩_0
        sign = tf.cast(signs, tf.float32)
        v, logits = tf.concat([v_k, v_0], 0), tf.concat([logits_k, logits_0], 0)
        h, signed_v = tf.sigmoid(logits), sign[:, None] * v
        directions = [
            tf.matmul(signed_v, h, transpose_a=True),
            tf.reduce_sum(signed_v, 0),
            tf.linalg.matvec(h, sign, transpose_a=True),
        ]
        terms = {"loss": -tf.tensordot(sign, self._free_energy(v, logits), 1)}
        if not self.chains:
            terms["reconstruction"] = tf.reduce_mean(tf.math.squared_difference(v_0, v_k), -1)
        return terms, directions

    def run_chain(self, h: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """k sweeps from h: v, the logits of h given v, and the next h."""
        n = tf.shape(h)[0]

        def body(i, v, logits, h):
            u = rng.uniform([n, self.visible + self.hidden], rng.fold_in(seed, i))
            return i + 1, *self.sweep(h, u[:, : self.visible], u[:, self.visible :])

        start = (0, tf.zeros([n, self.visible]), tf.zeros_like(h), h)
        return tf.while_loop(lambda i, *_: i < self.k.value, body, start)[1:]

    # -- sampling: a chain whose state are the logits of v -------------------------------------------------------------

    @property
    def pieces(self) -> int:
        return 1 + self.sweeps

    @property
    def laws(self):
        return laws.uniform(self.visible + self.hidden)

    def start(self, n, condition=None):
        return tf.tile(tf.math.log(self.rates / (1 - self.rates))[None], [n, 1])

    def advance(self, noise, logits, condition=None):
        u_v, u_h = tf.split(noise, [self.visible, self.hidden], -1)
        v = rng.bernoulli(u_v, logits=logits)
        h = rng.bernoulli(u_h, logits=self.hidden_logits(v))
        return tf.reshape(v, [-1, *self.shape]), self.visible_logits(h)

    def encode(self, x, condition=None):
        """p(h = 1 | v), [n, hidden]."""
        return tf.sigmoid(self.hidden_logits(self.flat(x)))

    def reconstruct(self, x, condition=None):
        """p(v = 1 | h) of the expected h."""
        return tf.reshape(tf.sigmoid(self.visible_logits(self.encode(x))), [-1, *self.shape])


def _log_odds(rates: tf.Tensor) -> tf.Tensor:
    """Smoothed, so that no unit is certain."""
    return tf.math.log((rates + 0.01) / (1.01 - rates))


def _coins(shape, dtype=None):
    return keras.ops.cast(keras.random.uniform(shape) < 0.5, dtype or "float32")
