"""Deep belief net: an RBM on top, and below it layers of binary units that it makes, one from the other, downwards.

    p(x, h_1 … h_L) = p(x | h_1) Π_l p(h_l | h_{l+1}) · p(h_{L-1}, h_L),    the last of an RBM, with its Z
    q(h_l = 1 | h_{l-1}) = σ(h_{l-1} R_l + r_l) upwards;                    log p(x) ≥ E_q[log p(x, h) - log q(h | x)]
    greedy   layer l is an RBM that learns what q makes of the data; then q takes its weights, and keeps them
    up       h ~ q(h | x):                 delta rule for p(h_{l-1} | h_l), contrastive divergence for the top RBM
    down     from the chain of the top:    delta rule for q(h_l | h_{l-1})

A layer as wide as the one two below begins as the RBM under it upside down: then p(x) is the same with and without it,
and learning it raises the bound.

Hinton, Osindero, Teh, "A fast learning algorithm for deep belief nets", 2006; the bound with an estimate of Z:
Salakhutdinov and Murray, "On the quantitative analysis of deep belief networks", 2008.
"""

import itertools

import keras
import tensorflow as tf

from tfgen import heads, laws, losses, rng
from tfgen.checks import at_least
from tfgen.energy.rbm import RBM
from tfgen.energy.staged import Staged
from tfgen.nets import sigmoid_classifier

__all__ = ["DBN"]


class DBN(Staged):
    """A stack of RBMs, learnt one after the other, then all together by the up-down algorithm.

    Arguments:
        shape: of one example; what it holds is said by `units`.
        hidden: units of each layer, from the data upwards; two or more.
        units: what is seen, as in `RBM`.
        pretrain: epochs of each layer.
        up_down: learns all layers together after that, with a tenth of the rate; else the top RBM goes on.
        k, chains: of the top RBM, chains=0 for chains from the data; the RBMs below learn by CD-1.
        learning_rate: of plain stochastic gradient descent.
        sweeps: Gibbs sweeps of the top RBM behind each sample.
    """

    def __init__(
        self,
        shape,
        *,
        hidden: tuple[int, ...] = (500, 500),
        units: str = "bernoulli",
        pretrain: int = 10,
        up_down: bool = True,
        k: int = 1,
        chains: int = 100,
        learning_rate: float = 0.05,
        sweeps: int = 200,
    ):
        if len(hidden) < 2:
            raise ValueError(f"hidden={hidden}: a deep belief net has two hidden layers or more; one is an rbm")
        at_least(1, hidden=hidden, pretrain=pretrain)
        rates, last = (learning_rate, learning_rate / 10), len(hidden) - 1
        bottom = RBM(shape, hidden=hidden[0], units=units, learning_rate=learning_rate)
        super().__init__(
            shape, layers=len(hidden), epochs=pretrain, rates=rates, values=bottom.values, together=up_down
        )
        options = [{"k": k, "chains": chains, "sweeps": sweeps} if i == last else {} for i in range(1, last + 1)]
        self.rbms = [bottom] + [
            RBM((below,), hidden=above, learning_rate=learning_rate, **options[i])
            for i, (below, above) in enumerate(itertools.pairwise(hidden))
        ]
        self.sweeps = sweeps
        if up_down:
            as_in = lambda v: {"shape": v.shape, "initializer": lambda shape, dtype: tf.cast(v.value, dtype)}
            self.R = [self.add_weight(name=f"R{i}", **as_in(rbm.W)) for i, rbm in enumerate(self.below)]
            self.r = [self.add_weight(name=f"r{i}", **as_in(rbm.b)) for i, rbm in enumerate(self.below)]
        else:
            vars(self).update(R=[rbm.W for rbm in self.below], r=[rbm.b for rbm in self.below])

    @property
    def top(self) -> RBM:
        return self.rbms[-1]

    @property
    def below(self) -> list[RBM]:
        return self.rbms[:-1]

    # -- up and down ---------------------------------------------------------------------------------------------------

    def upward_logits(self, l: int, h: tf.Tensor) -> tf.Tensor:
        """Of layer l + 1 given h, layer l."""
        return tf.matmul(h, self.R[l]) + self.r[l]

    def recognise(self, x: tf.Tensor, seed: tf.Tensor, layers: int | None = None) -> list[tf.Tensor]:
        """[v, h_1, …] ~ q(h | x), all but the top layer or so many."""
        found = [self.below[0].visible_state(x)]
        seeds = rng.split(seed, len(self.below))[:layers]
        for l, s in enumerate(seeds):
            logits = self.upward_logits(l, found[-1])
            found.append(rng.bernoulli(rng.uniform(tf.shape(logits), s), logits=logits))
        return found

    def dream(self, h: tf.Tensor, u: tf.Tensor) -> list[tf.Tensor]:
        """[v, h_1, …, h] from h, what the top RBM sees, by uniforms for all layers below."""
        layers = [h]
        for rbm, uniforms in zip(self.below[::-1], tf.split(u, self._draws, -1)[::-1], strict=True):
            layers.insert(0, rbm.units.pick(uniforms, rbm.visible_logits(layers[0])))
        return layers

    @property
    def _draws(self) -> list[int]:
        return [rbm.draws for rbm in self.below]

    def log_w(self, x, condition, k, seed):
        """log p(x, h) + log Z - log q(h | x) of k samples of q, [n, k]: the top layer is summed out."""
        layers = self.recognise(tf.repeat(tf.cast(x, tf.float32), k, 0), seed)
        log_w = -self.top.free_energy(layers[-1])
        for l, (rbm, below, above) in enumerate(zip(self.below, layers, layers[1:], strict=False)):
            eta = rbm.visible_logits(above)
            log_w += rbm.units.log_base(below) + tf.reduce_sum(eta * below, -1) - rbm.units.log_partition(eta)
            log_w -= heads.bernoulli(self.upward_logits(l, below)).log_prob(above)
        return tf.reshape(log_w, [-1, k])

    def free_energy_bound(self, x, *, k: int = 1, seed=None) -> tf.Tensor:
        """At least F(x) in expectation, [n], falling with k: log p(x) ≥ -free_energy_bound - log Z."""
        return -losses.iwae(self.log_w(x, None, k, rng.as_seed(seed)))

    def log_z(self) -> tf.Tensor:
        """Of the top RBM, by the sum over all states of its smaller layer."""
        return self.top.log_z()

    @property
    def states(self) -> int:
        return self.top.states

    def annealing_path(self, start=None):
        """Of the top RBM, from the rates that it saw."""
        return self.top.annealing_path()

    # -- learning ------------------------------------------------------------------------------------------------------

    def layer_variables(self, i):
        return [self.rbms[i].W, self.rbms[i].a, self.rbms[i].b]

    def all_variables(self):
        below = [v for rbm in self.below for v in (rbm.W, rbm.a)]
        return [*below, *self.R, *self.r, self.top.W, self.top.a, self.top.b]

    def learn_layer(self, i, x, condition=None, training=True):
        rbm, layers = self.rbms[i], self.recognise(x, self.new_seed(), i)
        return rbm.contrast(layers[-1], training)[:2]

    def begin(self, stage):
        """What was learnt last recognises from now on; a new layer may begin as its mirror image."""
        done = self.rbms[stage - 1]
        if done is not self.top and self.together:
            self.R[stage - 1].assign(done.W.value)
            self.r[stage - 1].assign(done.b.value)
        if stage < len(self.rbms) and self.rbms[stage].hidden == done.visible and done.values == "binary":
            new = self.rbms[stage]
            new.W.assign(tf.transpose(done.W.value))
            new.a.assign(done.b.value)
            new.b.assign(done.a.value)
            new.begun.assign(1.0)

    def learn_all(self, x, condition=None, training=True):
        awake = self.recognise(x, self.new_seed())
        terms, top, v_k = self.top.contrast(awake[-1], training)
        asleep = self.dream(v_k, rng.uniform([tf.shape(v_k)[0], sum(self._draws)], self.new_seed()))
        down, R, r = [], [], []
        for l, rbm in enumerate(self.below):
            error = awake[l] - rbm.units.mean(rbm.visible_logits(awake[l + 1]))
            down += [_delta(error, awake[l + 1]), -tf.reduce_mean(error, 0)]
            error = asleep[l + 1] - tf.sigmoid(self.upward_logits(l, asleep[l]))
            R.append(_delta(asleep[l], error))
            r.append(-tf.reduce_mean(error, 0))
        return terms, [*down, *R, *r, *top]

    # -- sampling: a chain of the top RBM, each state of which is shown as what it makes -------------------------------

    @property
    def pieces(self) -> int:
        return 1 + self.sweeps

    @property
    def laws(self):
        return laws.uniform(sum(self._draws) + self.top.draws + self.top.hidden)

    def start(self, n, condition=None):
        return self.top.start(n)

    def advance(self, noise, logits, condition=None):
        u, noise = tf.split(noise, [sum(self._draws), self.top.draws + self.top.hidden], -1)
        h, logits = self.top.advance(noise, logits)
        v = self.dream(h, u)[0]
        return tf.reshape(self.below[0].units.write(v), [-1, *self.shape]), logits

    def encode(self, x, condition=None):
        """The top layer's probabilities, each layer below at its own, [n, hidden[-1]]."""
        return tf.sigmoid(self.top.hidden_logits(self.top_input(x)))

    def reconstruct(self, x, condition=None):
        """Up and down again, at each unit's mean."""
        h = self.encode(x)
        for rbm in self.rbms[::-1]:
            h = rbm.units.mean(rbm.visible_logits(h))
        return tf.reshape(self.below[0].units.write(h), [-1, *self.shape])

    def top_input(self, x):
        """What the top RBM sees of x, at each unit's mean."""
        h = self.below[0].visible_state(x)
        for l in range(len(self.below)):
            h = tf.sigmoid(self.upward_logits(l, h))
        return h

    def unit_weights(self):
        return self.below[0].unit_weights()

    def classifier(self, classes: int) -> keras.Sequential:
        """An ordinary Keras model for discriminative fine-tuning: the recognition net, and a softmax layer on top."""
        if self.below[0].units.size != 1:
            raise ValueError("classifier: softmax units are seen as one-hot codes, which a Dense layer does not make")
        layers = [*zip(self.R, self.r, strict=True), (self.top.W, self.top.b)]
        return sigmoid_classifier(self.shape, [(W.numpy(), b.numpy()) for W, b in layers], classes, scale=self.scale)

    @property
    def scale(self) -> float:
        """Of what the first layer reads: x / scale."""
        return float(self.below[0].units.write(tf.ones([])))


def _delta(below: tf.Tensor, above: tf.Tensor) -> tf.Tensor:
    """-⟨below · above⟩ over the batch, one of them an error."""
    return -tf.matmul(below, above, transpose_a=True) / tf.cast(tf.shape(below)[0], tf.float32)
