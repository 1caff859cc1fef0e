"""Boltzmann machine: binary units, seen and hidden ones, with a link between any two.

    E(s) = -b·s - Σ_{i<j} s_i J_ij s_j,  s = (v, h)         p(s) = exp(-E(s)) / Z
    p(s_i = 1 | the others) = σ(b_i + Σ_j J_ij s_j)         one unit after the other: sequential Gibbs sampling
    learning: ΔJ_ij ∝ ⟨s_i s_j⟩ with v at the data - ⟨s_i s_j⟩ free,  both at equilibrium, by chains

Ackley, Hinton, Sejnowski, "A learning algorithm for Boltzmann machines", 1985.
"""

import math

import keras
import tensorflow as tf

from tfgen import distribute, laws, rng
from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player
from tfgen.parts import coins, persistent
from tfgen.sampling import AnnealingPath, gibbs, log_sum

__all__ = ["Boltzmann"]


class Boltzmann(GenerativeModel):
    """A general Boltzmann machine, learnt from the difference of two correlations.

    Arguments:
        shape: of one example; its values are 0 and 1.
        hidden: the number of hidden units; 0 leaves none.
        chains: over all replicas, which go on from update to update and give the free correlations.
        k: sweeps over all units in each update, of either phase.
        learning_rate: of plain stochastic gradient descent.
        sweeps: Gibbs sweeps behind each sample, from fair coins.

    Example:
        Two units seen, two hidden; links v_1 h_1 = 2, v_2 h_2 = 1, h_1 h_2 = -1, no biases. The sixteen terms of Z add
        up to 39.69, and both seen units are on in 47 % of all cases.

        >>> machine = Boltzmann((2,), hidden=2)
        >>> machine.set([(0, 2, 2.0), (1, 3, 1.0), (2, 3, -1.0)])
        >>> v, h = [[1.0, 1.0]], [[1.0, 0.0]]
        >>> f"{float(machine.energy(v, h)[0]):.0f} {float(tf.exp(machine.log_z())):.2f}"
        '-2 39.69'
        >>> f"{float(machine.probability(v, h)[0]):.3f} {float(machine.probability(v)[0]):.3f}"
        '0.186 0.466'
    """

    def __init__(
        self,
        shape,
        *,
        hidden: int = 10,
        chains: int = 100,
        k: int = 5,
        learning_rate: float = 0.05,
        sweeps: int = 200,
    ):
        at_least(0, hidden=hidden)
        at_least(1, chains=chains, k=k, sweeps=sweeps)
        super().__init__(shape, values="binary")
        self.visible, self.hidden = math.prod(self.shape), hidden
        self.count, self.k, self.learning_rate, self.sweeps = self.visible + hidden, k, learning_rate, sweeps
        few = keras.initializers.RandomNormal(stddev=0.01)
        self.J = self.add_weight(shape=(self.count, self.count), initializer=few, name="J")  # above the diagonal
        self.b = self.add_weight(shape=(self.count,), initializer="zeros", name="b")
        self.s = persistent(self, chains, (self.count,), start=coins, name="chains")

    def set(self, links: list[tuple[int, int, float]], biases=None) -> None:
        """Links (i, j, J_ij) between units, the seen ones first, and biases [units]; 0 where nothing is said."""
        J = tf.scatter_nd([sorted(link[:2]) for link in links], [float(link[2]) for link in links], self.J.shape)
        self.J.assign(J)
        self.b.assign(tf.zeros_like(self.b) if biases is None else biases)

    # -- the energy ----------------------------------------------------------------------------------------------------

    def links(self) -> tf.Tensor:
        """J [units, units], symmetric, nothing on its diagonal."""
        J = tf.linalg.set_diag(tf.linalg.band_part(self.J.value, 0, -1), tf.zeros(self.count))
        return J + tf.transpose(J)

    def energy(self, v: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
        """E(v, h) [n]."""
        return self._energy(tf.concat([self.flat(v), tf.cast(h, tf.float32)], -1), self.links(), self.b.value)

    def _energy(self, s, J, b):
        return -tf.linalg.matvec(s, b) - 0.5 * tf.reduce_sum(tf.matmul(s, J) * s, -1)

    def free_energy(self, x: tf.Tensor) -> tf.Tensor:
        """F(v) = -log Σ_h exp(-E(v, h)) [n], by the sum over every state of the hidden units."""
        v, J, b = self.flat(x), self.links(), self.b.value
        d = self.visible
        alone = -self._energy(v, J[:d, :d], b[:d])
        to_h = tf.matmul(v, J[:d, d:]) + b[d:]

        def log_f(h):
            h = tf.cast(h, tf.float32)
            return (
                alone[:, None] + tf.matmul(to_h, h, transpose_b=True) - self._energy(h, J[d:, d:], tf.zeros_like(b[d:]))
            )

        refused = (
            "the free energy of a Boltzmann machine is a sum over every state of its hidden units, and this one has {} "
            "of them: take fewer hidden units"
        )
        return -log_sum(self.hidden, log_f, refused)

    @property
    def states(self) -> int:
        """The terms of `log_z`."""
        return 2**self.count

    def log_z(self) -> tf.Tensor:
        """log Z, float64, by the sum over every state."""
        J, b = tf.cast(self.links(), tf.float64), tf.cast(self.b.value, tf.float64)
        refused = "log_z sums over every state, and this Boltzmann machine has {} of them: sampling.annealed_importance"
        return log_sum(self.count, lambda s: -self._energy(s, J, b), refused)

    def probability(self, v: tf.Tensor, h: tf.Tensor | None = None) -> tf.Tensor:
        """p(v, h), or p(v) [n], exact."""
        E = self.free_energy(v) if h is None else self.energy(v, h)
        return tf.exp(-E - tf.cast(self.log_z(), tf.float32))

    # -- Gibbs sampling, unit by unit ----------------------------------------------------------------------------------

    def sweep(self, s: tf.Tensor, u: tf.Tensor, first: int = 0, beta=1.0, base=None) -> tf.Tensor:
        """Each unit from `first` on in its turn, by uniforms [n, units]; at another temperature its input is that of
        β E plus (1 - β) times the base's."""
        J, b = beta * self.links(), beta * self.b.value + (0.0 if base is None else (1 - beta) * base)
        turn, rows = tf.transpose(u), tf.eye(self.count)

        def body(i, s):
            on = rng.bernoulli(turn[i], logits=tf.linalg.matvec(s, J[i]) + b[i])
            return i + 1, s + (on - tf.gather(s, i, axis=1))[:, None] * rows[i]

        return tf.while_loop(lambda i, _: i < self.count, body, (first, s))[1]

    def run_chain(self, s: tf.Tensor, sweeps: int, seed: tf.Tensor, first: int = 0) -> tf.Tensor:
        shape = [tf.shape(s)[0], self.count]
        return gibbs(lambda s, seed: self.sweep(s, rng.uniform(shape, seed), first), s, sweeps, seed)

    def infer(self, x: tf.Tensor, *, sweeps: int | None = None, seed=None) -> tf.Tensor:
        """h ~ p(h | v) [n, hidden] by Gibbs sampling with v held, from fair coins."""
        return self._clamped(self.flat(x), self.sweeps if sweeps is None else sweeps, rng.as_seed(seed))[
            :, self.visible :
        ]

    def _clamped(self, v, sweeps, seed):
        first, rest = rng.split(seed, 2)
        coins = tf.cast(rng.uniform([tf.shape(v)[0], self.hidden], first) < 0.5, tf.float32)
        return self.run_chain(tf.concat([v, coins], -1), sweeps, rest, first=self.visible)

    # -- learning ------------------------------------------------------------------------------------------------------

    def players(self):
        sgd = lambda: keras.optimizers.SGD(self.learning_rate)
        return {"model": Player(update=self.learn, variables=[self.J, self.b], optimizer=sgd)}

    def learn(self, x, condition=None, training=True):
        clamped, free = rng.split(self.new_seed(), 2)
        s_0 = self._clamped(self.flat(x), self.k, clamped)
        s_k = self.run_chain(distribute.own_rows(self.s), self.k, free)
        if training:
            distribute.keep_rows(self.s, s_k)
        pairs = lambda s: tf.matmul(s, s, transpose_a=True) / tf.cast(tf.shape(s)[0], tf.float32)
        J = tf.linalg.band_part(pairs(s_k) - pairs(s_0), 0, -1)
        J = tf.linalg.set_diag(J, tf.zeros(self.count))
        E = lambda s: self._energy(s, self.links(), self.b.value)
        b = tf.reduce_mean(s_k, 0) - tf.reduce_mean(s_0, 0)
        return {"loss": tf.reduce_mean(E(s_0)) - tf.reduce_mean(E(s_k))}, [J, b]

    def annealing_path(self, start=None) -> AnnealingPath:
        """From independent units, of the rates of `start` (data) or fair coins, to this machine:
        log f_β(s) = (1 - β) b_0·s - β E(s)."""
        rates = tf.fill([self.visible], 0.5) if start is None else tf.reduce_mean(self.flat(start), 0)
        base = tf.concat([tf.math.log((rates + 0.01) / (1.01 - rates)), tf.zeros([self.hidden])], 0)
        u = lambda n, seed: rng.uniform([n, self.count], seed)

        def log_ratio(s, beta, after):
            return (after - beta) * (-self._energy(s, self.links(), self.b.value) - tf.linalg.matvec(s, base))

        move = lambda s, beta, seed: self.sweep(s, u(tf.shape(s)[0], seed), 0, beta, base)
        begin = lambda n, seed: rng.bernoulli(u(n, seed), logits=base)

        def end(n, seed):
            first, rest = rng.split(seed, 2)
            return self.run_chain(begin(n, first), 5 * self.sweeps, rest)

        log_z_start, end = tf.reduce_sum(tf.nn.softplus(base)), tf.function(end, autograph=False)
        return AnnealingPath(log_z_start, begin, log_ratio, move, end=end)

    # -- sampling: a chain whose state are all units -------------------------------------------------------------------

    @property
    def pieces(self) -> int:
        return 1 + self.sweeps

    @property
    def laws(self):
        return laws.uniform(self.count)

    def start(self, n, condition=None):
        """Neither on nor off: each unit of the first sweep is drawn given the middle of those that come later."""
        return tf.fill([n, self.count], 0.5)

    def advance(self, noise, s, condition=None):
        s = self.sweep(s, noise)
        return tf.reshape(s[:, : self.visible], [-1, *self.shape]), s
