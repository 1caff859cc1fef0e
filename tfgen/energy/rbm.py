"""Restricted Boltzmann machine: a layer of units v that is seen, a layer h that is not, and no link inside a layer.

    E(v, h) = -log base(v) - a·v - b·h - v·W h          p(v, h) = exp(-E(v, h)) / Z
    F(v) = -log base(v) - a·v - Σ_j softplus(b_j + (vW)_j)     p(v) = exp(-F(v)) / Z
    p(h_j = 1 | v) = σ(b_j + (vW)_j)                    p(v | h) of the units' family, η = a + Wh (`layers/units.py`)
    learning: ΔW ∝ ⟨v h⟩_0 - ⟨v h⟩_k                    (k sweeps of Gibbs sampling away from the data)
    centred:  ΔW ∝ ⟨(v - μ)(h - λ)⟩_0 - ⟨(v - μ)(h - λ)⟩_k,  Δa ∝ ⟨v⟩_0 - ⟨v⟩_k - ΔW λ,  Δb ∝ ⟨h⟩_0 - ⟨h⟩_k - ΔWᵀ μ

Smolensky, "Information processing in dynamical systems: foundations of harmony theory", 1986.
Hinton, "Training products of experts by minimizing contrastive divergence", 2002.
Tieleman, "Training restricted Boltzmann machines using approximations to the likelihood gradient", 2008: chains that
persist.
Melchior, Fischer, Wiskott, "How to center deep Boltzmann machines", 2016; Lee, Ekanadham, Ng, "Sparse deep belief net
model for visual area V2", 2008.
"""

import math

import keras
import tensorflow as tf

from tfgen import distribute, laws, rng
from tfgen.checks import at_least, share
from tfgen.layers import units as kinds
from tfgen.layers import with_label
from tfgen.model import GenerativeModel, Player
from tfgen.nets import sigmoid_classifier
from tfgen.parts import coins, persistent
from tfgen.parts.weights import number
from tfgen.sampling import AnnealingPath, gibbs, log_sum

__all__ = ["RBM"]


class RBM(GenerativeModel):
    """A restricted Boltzmann machine, learnt by contrastive divergence.

    Arguments:
        shape: of one example; what it holds is said by `units`.
        condition: a number of classes: v then is x and a label, and the machine learns p(x, y).
        hidden: the number of hidden units.
        units: what is seen: "bernoulli" (0 and 1), "gaussian:0.3" (real numbers around the mean with this deviation) or
            "softmax:5" (whole numbers below 5).
        k: sweeps of each update; a weight, so that `Schedule("k", …)` can change it. Several, (1, 3, 10), follow each
            other every `k_epochs` epochs.
        chains: 0 starts each chain at the data (CD-k); else as many chains over all replicas that go on from update to
            update (PCD-k).
        learning_rate: of plain stochastic gradient descent.
        sweeps: Gibbs sweeps behind each sample, from independent units with the rates of the data (a running mean).
        centred: gradients of centred units: μ and λ are running means over the data.
        sparsity: the share of the data for which a hidden unit is to be on, such as .05; costs `sparsity_cost`.
        weight_decay: of W.

    Example:
        >>> model = RBM((8, 8, 1), hidden=64)
        >>> model.compile()
        >>> history = model.fit(tfgen.data.load("digits", values="binary"), epochs=5, verbose=0)
        >>> model.sample(16, seed=0).shape
        TensorShape([16, 8, 8, 1])
    """

    otherwise = "; or other units, such as units='gaussian:0.3' for real numbers"  # said of data that do not fit

    def __init__(
        self,
        shape,
        *,
        condition: int | None = None,
        hidden: int = 500,
        units: str = "bernoulli",
        k: int | tuple[int, ...] = 1,
        k_epochs: int = 10,
        chains: int = 0,
        learning_rate: float = 0.05,
        sweeps: int = 200,
        centred: bool = False,
        sparsity: float | None = None,
        sparsity_cost: float = 0.1,
        weight_decay: float = 0.0,
    ):
        at_least(1, hidden=hidden, k=k, k_epochs=k_epochs)
        at_least(0, chains=chains, sweeps=sweeps, sparsity_cost=sparsity_cost, weight_decay=weight_decay)
        share(sparsity=sparsity or 0.0)
        seen = kinds(units)
        super().__init__(shape, condition, values=seen.values)
        if not (condition is None or isinstance(condition, int)):
            raise ValueError(f"condition={condition}: an RBM is told a label; expected a number of classes")
        dims = math.prod(self.shape)
        wide = dims * seen.size
        if condition:
            seen = with_label(seen, wide, condition)
        self.units, self.visible, self.hidden, self.chains = seen, wide + (condition or 0), hidden, chains
        self.learning_rate, self.sweeps, self.draws = learning_rate, sweeps, seen.draws(dims)
        self.k_each, self.k_epochs = k if isinstance(k, tuple) else (k,), k_epochs
        self.centred, self.sparsity, self.sparsity_cost = centred, sparsity, sparsity_cost
        self.weight_decay = weight_decay
        self.W = self.add_weight(
            shape=(self.visible, hidden), initializer=keras.initializers.RandomNormal(stddev=0.01), name="W"
        )
        self.a = self.add_weight(shape=(self.visible,), initializer="zeros", aggregation="mean", name="a")
        self.b = self.add_weight(shape=(hidden,), initializer="zeros", name="b")
        self.k = number(self, "k", self.k_each[0], dtype="int32")
        mean = {"trainable": False, "aggregation": "mean"}
        start = keras.initializers.Constant(seen.start if not condition else 0.5)
        self.rates = self.add_weight(shape=(self.visible,), initializer=start, name="rates", **mean)
        self.begun = number(self, "begun", 0.0)
        if chains:
            self.h = persistent(self, chains, (hidden,), start=coins, name="chains")
        if centred or sparsity:
            half = keras.initializers.Constant(0.5)
            self.activity = self.add_weight(shape=(hidden,), initializer=half, name="activity", **mean)
        if len(self.k_each) > 1:
            self.epochs_done = number(self, "epochs_done", 0, dtype="int32")

    # -- the energy ----------------------------------------------------------------------------------------------------

    def visible_state(self, x: tf.Tensor, condition=None) -> tf.Tensor:
        """v [n, visible] of examples, and of their labels where there are any."""
        v = self.units.read(self.flat(x))
        return v if self.condition is None else tf.concat([v, tf.one_hot(condition, self.condition)], -1)

    def free_energy(self, x: tf.Tensor, condition=None) -> tf.Tensor:
        """F [n]: log p(x) = -F(x) - log Z. Of a machine that learns labels F(x, y), or without them that of x alone."""
        if self.condition is not None and condition is None:
            return -tf.reduce_logsumexp(self.class_logits(x), -1)
        v = self.visible_state(x, condition)
        return self._free_energy(v, self.hidden_logits(v))

    def _free_energy(self, v, logits):
        return -self.units.log_base(v) - tf.linalg.matvec(v, self.a) - tf.reduce_sum(tf.nn.softplus(logits), -1)

    def class_logits(self, x: tf.Tensor) -> tf.Tensor:
        """-F(x, y) of every class y, [n, classes]: the logits of p(y | x)."""
        v, wide = self.units.read(self.flat(x)), self.visible - self.condition
        logits = tf.matmul(v, self.W[:wide])[:, None] + self.W[wide:][None] + self.b
        seen = tf.linalg.matvec(v, self.a[:wide])
        base = self.units.log_base(tf.pad(v, [[0, 0], [0, self.condition]]))
        return (base + seen)[:, None] + self.a[wide:] + tf.reduce_sum(tf.nn.softplus(logits), -1)

    def energy(self, x: tf.Tensor, h: tf.Tensor, condition=None) -> tf.Tensor:
        v = self.visible_state(x, condition)
        pairs = tf.linalg.matvec(h, self.b) + tf.reduce_sum((v @ self.W) * h, -1)
        return -self.units.log_base(v) - tf.linalg.matvec(v, self.a) - pairs

    def hidden_logits(self, v: tf.Tensor) -> tf.Tensor:
        return v @ self.W + self.b

    def visible_logits(self, h: tf.Tensor) -> tf.Tensor:
        """η of v given h."""
        return tf.matmul(h, self.W, transpose_b=True) + self.a

    def sweep(self, h: tf.Tensor, u: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """One sweep of Gibbs sampling by uniforms [n, draws + hidden]: v given h, the logits of h given v, that h."""
        v = self.units.pick(u[:, : self.draws], self.visible_logits(h))
        logits = self.hidden_logits(v)
        return v, logits, rng.bernoulli(u[:, self.draws :], logits=logits)

    def run_chain(self, h: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """k sweeps from h: v, the logits of h given v, and the next h."""
        n = tf.shape(h)[0]
        sweep = lambda state, seed: self.sweep(state[2], rng.uniform([n, self.draws + self.hidden], seed))
        return gibbs(sweep, (tf.zeros([n, self.visible]), tf.zeros_like(h), h), self.k.value, seed)

    @property
    def states(self) -> int:
        """The terms of `log_z`."""
        return 2 ** (min(self.visible, self.hidden) if self._binary else self.hidden)

    @property
    def _binary(self) -> bool:
        return self.values == "binary" and self.condition is None

    def log_z(self) -> tf.Tensor:
        """log Z, float64, by the sum over every state of one layer, the smaller where both are binary:
        Z = Σ_h exp(b·h + A(a + Wh)), A of the visible units."""
        W, a, b = (tf.cast(v.value, tf.float64) for v in (self.W, self.a, self.b))
        log_partition = self.units.log_partition
        if self._binary and self.visible < self.hidden:
            W, a, b = tf.transpose(W), b, a
            log_partition = lambda eta: tf.reduce_sum(tf.nn.softplus(eta), -1)
        refused = (
            "log_z sums over the states of the smaller layer, and this RBM has {} of them: "
            "tfgen.metrics.annealed_log_likelihood"
        )
        log_f = lambda s: tf.linalg.matvec(s, b) + log_partition(tf.matmul(s, W, transpose_b=True) + a)
        return log_sum(W.shape[1], log_f, refused)

    def annealing_path(self, start=None) -> AnnealingPath:
        """From independent units with the rates of `start` (data; or none: those seen in training) to this model, for
        annealed importance sampling.

        log f_β(v) = log base(v) + (1 - β) a_0·v + β a·v + Σ_j softplus(β (b_j + (vW)_j))
        """
        rates = self.rates.value
        if start is not None:
            seen = tf.reduce_mean(self.units.read(self.flat(start)), 0)
            rates = tf.concat([seen, rates[len(seen) :]], 0)
        base, draw = self.units.natural(rates, 0.01), lambda n, d, seed: rng.uniform([n, d], seed)

        def log_ratio(v, beta, after):
            logits = self.hidden_logits(v)
            hidden = tf.reduce_sum(tf.nn.softplus(after * logits) - tf.nn.softplus(beta * logits), -1)
            return (after - beta) * tf.linalg.matvec(v, self.a - base) + hidden

        def move(v, beta, seed):
            u = draw(tf.shape(v)[0], self.hidden + self.draws, seed)
            h = rng.bernoulli(u[:, : self.hidden], logits=beta * self.hidden_logits(v))
            return self.units.pick(u[:, self.hidden :], (1 - beta) * base + beta * self.visible_logits(h))

        def begin(n, seed):
            return self.units.pick(draw(n, self.draws, seed), tf.tile(base[None], [n, 1]))

        def end(n, seed):
            first, rest = rng.split(seed, 2)
            return gibbs(lambda v, seed: move(v, 1.0, seed), begin(n, first), 5 * self.sweeps, rest)

        log_z_start = self.units.log_partition(base[None])[0] + self.hidden * math.log(2)
        return AnnealingPath(log_z_start, begin, log_ratio, move, end=tf.function(end, autograph=False))

    # -- learning ------------------------------------------------------------------------------------------------------

    def players(self):
        optimizer = lambda: keras.optimizers.SGD(self.learning_rate)
        return {
            "model": Player(update=self.contrastive_divergence, variables=[self.W, self.a, self.b], optimizer=optimizer)
        }

    def contrastive_divergence(self, x, condition=None, training=True):
        """⟨v h⟩_k - ⟨v h⟩_0, with h replaced by its expectation given v."""
        return self.contrast(self.visible_state(x, condition), training)[:2]

    def contrast(self, v_0, training):
        """The terms and directions of data v_0, and v_k, where the chains went."""
        first, rest = rng.split(self.new_seed(), 2)
        logits_0 = self.hidden_logits(v_0)
        if self.chains:
            h = distribute.own_rows(self.h)
        else:
            h = rng.bernoulli(rng.uniform(tf.shape(logits_0), first), logits=logits_0)
        v_k, logits_k, h = self.run_chain(h, rest)
        if training:
            self._keep(v_0, logits_0, h)
        n, m = tf.shape(v_0)[0], tf.shape(v_k)[0]
        signs = tf.concat([tf.fill([m], 1 / m), tf.fill([n], -1 / n)], 0)  # Σ sign · f is ⟨f⟩_k - ⟨f⟩_0
        sign = tf.cast(signs, tf.float32)
        v, logits = tf.concat([v_k, v_0], 0), tf.concat([logits_k, logits_0], 0)
        h, signed_v = tf.sigmoid(logits), sign[:, None] * v
        W = tf.matmul(signed_v, h, transpose_a=True)
        a, b = tf.reduce_sum(signed_v, 0), tf.linalg.matvec(h, sign, transpose_a=True)
        terms = {"loss": -tf.tensordot(sign, self._free_energy(v, logits), 1)}
        if not self.chains:
            terms["reconstruction"] = tf.reduce_mean(tf.math.squared_difference(v_0, v_k), -1)
        if self.centred:
            mu, lam = self.rates.value, self.activity.value
            W -= mu[:, None] * b + a[:, None] * lam
            a, b = a - tf.linalg.matvec(W, lam), b - tf.linalg.matvec(W, mu, transpose_a=True)
        if self.sparsity:
            terms["activity"] = tf.reduce_mean(h[m:], -1)
            excess = self.sparsity_cost * (self.activity.value - self.sparsity)
            W, b = W + tf.reduce_mean(v_0, 0)[:, None] * excess, b + excess
        return terms, [W + self.weight_decay * self.W if self.weight_decay else W, a, b], v_k

    def _keep(self, v_0, logits_0, h) -> None:
        """Running means of the data, and chains; the first step sets the visible biases to what the data's rates ask
        for."""
        rates = tf.reduce_mean(v_0, 0)
        self.rates.assign(0.99 * self.rates + 0.01 * rates)
        self.a.assign(tf.where(self.begun > 0, self.a, self.units.natural(rates, 0.01)))
        if self.centred or self.sparsity:
            self.activity.assign(0.99 * self.activity + 0.01 * tf.reduce_mean(tf.sigmoid(logits_0), 0))
        self.begun.assign(1.0)
        if self.chains:
            distribute.keep_rows(self.h, h)

    def after_epoch(self):
        if len(self.k_each) > 1:
            self.epochs_done.assign_add(1)
            at = min(int(self.epochs_done.numpy()) // self.k_epochs, len(self.k_each) - 1)
            self.k.assign(self.k_each[at])

    # -- sampling: a chain whose state is η of v -----------------------------------------------------------------------

    @property
    def pieces(self) -> int:
        return 1 + self.sweeps

    @property
    def laws(self):
        return laws.uniform(self.draws + self.hidden)

    def start(self, n, condition=None):
        return tf.tile(self.units.natural(self.rates.value)[None], [n, 1])

    def advance(self, noise, logits, condition=None):
        v = self.units.pick(noise[:, : self.draws], logits)
        if self.condition is not None:
            v = tf.concat([v[:, : -self.condition], tf.one_hot(condition, self.condition)], -1)
        h = rng.bernoulli(noise[:, self.draws :], logits=self.hidden_logits(v))
        return tf.reshape(self.units.write(v), [-1, *self.shape]), self.visible_logits(h)

    def encode(self, x, condition=None):
        """p(h = 1 | v), [n, hidden]."""
        return tf.sigmoid(self.hidden_logits(self.visible_state(x, condition)))

    def reconstruct(self, x, condition=None):
        """E[v | h] of the expected h."""
        mean = self.units.mean(self.visible_logits(self.encode(x, condition)))
        return tf.reshape(self.units.write(mean), [-1, *self.shape])

    def classifier(self, classes: int) -> keras.Sequential:
        """An ordinary Keras model for discriminative fine-tuning: the hidden units as a layer, and a softmax layer."""
        if self.condition is not None or self.units.size != 1:
            raise ValueError("classifier: of an RBM without labels, whose units are one number each")
        scale = float(self.units.write(tf.ones([])))
        return sigmoid_classifier(self.shape, [(self.W.numpy(), self.b.numpy())], classes, scale=scale)

    def unit_weights(self) -> tf.Tensor:
        """What each hidden unit looks for: its weights, [hidden, *shape]."""
        return tf.reshape(self.units.write(tf.transpose(self.W.value)), [-1, *self.shape])
