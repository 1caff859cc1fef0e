"""Sigmoid belief net learnt from samples of its posterior: no recognition net, the states that explain x are found.

    h ~ p(h | x), exactly where the states can be listed, else by Gibbs sampling
    p(h_i = 1 | the rest): log odds = what its parents say + Σ over its children log p(child | 1) / p(child | 0)
    learning: ΔG_l ∝ h_l (h_{l-1} - p_{l-1}),   the delta rule, whose mean is the gradient of log p(x)
    log p(x) from below: annealed from p(h) to p(h) p(x | h), a path over β of p(x | h)^β

Neal, "Connectionist learning of belief networks", 1992; the bound: Neal, "Annealed importance sampling", 2001.
"""

import keras
import tensorflow as tf

from tfgen import losses, rng
from tfgen.checks import at_least
from tfgen.energy.belief_net import BeliefNet
from tfgen.model import Player
from tfgen.sampling import binary_states, gibbs

__all__ = ["SBN"]

EXACT = 12  # hidden units whose states are listed


class SBN(BeliefNet):
    """A sigmoid belief net of stochastic binary units, learnt by the delta rule on samples of its posterior.

    Arguments:
        shape: of one example; its values are 0 and 1.
        hidden: units of each hidden layer, from the data upwards; up to 12 in all have an exact posterior.
        k: sweeps of Gibbs sampling behind each posterior sample of a larger net, from a draw of the prior.
        temperatures: of the annealing behind `bound`.
        learning_rate: of plain stochastic gradient descent.
    """

    def __init__(
        self,
        shape,
        *,
        hidden: tuple[int, ...] = (10,),
        k: int = 10,
        temperatures: int = 30,
        learning_rate: float = 0.1,
    ):
        at_least(1, k=k, temperatures=temperatures)
        super().__init__(shape, hidden)
        self.k, self.temperatures, self.learning_rate = k, temperatures, learning_rate

    enough = 20  # annealed chains for a bound: each costs as many sweeps as there are temperatures

    # -- the posterior -------------------------------------------------------------------------------------------------

    def infer(self, x: tf.Tensor, seed=None) -> list[tf.Tensor]:
        """[x, h_1, …, h_L] with h ~ p(h | x)."""
        x, seed = self.flat(x), rng.as_seed(seed)
        return self.listed(x, seed) if sum(self.sizes[1:]) <= EXACT else self.sampled(x, seed)

    def listed(self, x, seed):
        """Exactly, from the list of all states."""
        states = binary_states(sum(self.sizes[1:]))
        k = rng.categorical(rng.uniform([tf.shape(x)[0]], seed), logits=self.log_joint(x, states))
        return [x, *tf.split(tf.gather(tf.cast(states, tf.float32), k), self.sizes[1:], -1)]

    def sampled(self, x, seed):
        """By Gibbs sampling from a draw of the prior."""
        first, rest = rng.split(seed, 2)
        start = self.dream(rng.uniform([tf.shape(x)[0], sum(self.sizes)], first))[1:]
        return [x, *gibbs(lambda hidden, seed: self.sweep([x, *hidden], seed)[1:], start, self.k, rest)]

    def sweep(self, layers: list[tf.Tensor], seed, beta=1.0) -> list[tf.Tensor]:
        """Every hidden unit in its turn, the layers from below; x counts by the power β."""
        layers = list(layers)
        for l in self._levels:
            above, below = layers[l + 1] if l + 1 < len(layers) else layers[l], layers[l - 1]
            parents, weight = self.downward_logits(l, above), beta if l == 1 else 1.0
            turn = tf.transpose(rng.uniform(tf.shape(layers[l]), rng.fold_in(seed, l)))
            G, rows = self.G[l - 1].value, tf.eye(self.sizes[l])

            def body(i, h, logits, below=below, parents=parents, weight=weight, turn=turn, G=G, rows=rows):
                on = tf.gather(h, i, axis=1)[:, None]
                off_logits = logits - on * G[i]  # of the children, were this unit off
                on_logits = off_logits + G[i]
                gain = below * G[i] - tf.nn.softplus(on_logits) + tf.nn.softplus(off_logits)
                odds = tf.gather(parents, i, axis=1) + weight * tf.reduce_sum(gain, -1)
                now = rng.bernoulli(turn[i], logits=odds)[:, None]
                return i + 1, h + (now - on) * rows[i], off_logits + now * G[i]

            start = (0, layers[l], self.downward_logits(l - 1, layers[l]))
            layers[l] = tf.while_loop(lambda i, *_, size=self.sizes[l]: i < size, body, start)[1]
        return layers

    def log_w(self, x, k, seed):
        """Log weights [n, k] of annealing, E[w] = p(x)."""
        x = tf.repeat(self.flat(x), k, 0)
        first, moves = rng.split(seed, 2)
        hidden = self.dream(rng.uniform([tf.shape(x)[0], sum(self.sizes)], first))[1:]

        def body(t, log_w, *hidden):
            logits = self.downward_logits(0, hidden[0])
            log_px = -tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits), -1)
            beta = tf.cast(t + 1, tf.float32) / self.temperatures
            hidden = self.sweep([x, *hidden], rng.fold_in(moves, t), beta)[1:]
            return t + 1, log_w + log_px / self.temperatures, *hidden

        start = (0, tf.zeros([tf.shape(x)[0]]), *hidden)
        return tf.reshape(tf.while_loop(lambda t, *_: t < self.temperatures, body, start)[1], [-1, k])

    def bound(self, x, condition=None, *, k: int = 1, seed=None) -> tf.Tensor:
        """log p(x) from below in expectation, [n], rising with k: k annealed chains for each example."""
        return losses.iwae(self.log_w(x, k, rng.as_seed(seed)))

    # -- learning ------------------------------------------------------------------------------------------------------

    def players(self):
        sgd = lambda: keras.optimizers.SGD(self.learning_rate)
        return {"model": Player(update=self.learn, variables=self.generative, optimizer=sgd)}

    def learn(self, x, condition=None, training=True):
        layers = self.infer(x, self.new_seed())
        return {"loss": -self.log_p(layers)}, self.delta_rule(layers)
