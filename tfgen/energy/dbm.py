"""Deep Boltzmann machine: layers of units, each linked with the next, none within; a layer hears from both sides.

    E(v, h_1 … h_L) = -log base(v) - Σ_l b_l·h_l - Σ_l h_{l-1}·W_l h_l,  h_0 = v        p = exp(-E) / Z
    p(h_l = 1 | its neighbours) = σ(b_l + h_{l-1} W_l + W_{l+1} h_{l+1})
    data     μ_l = σ(b_l + μ_{l-1} W_l + W_{l+1} μ_{l+1}), some rounds of it: q(h | v) = Π μ, with feedback from above
    model    chains that persist, even layers given odd ones and back
    learning ΔW_l ∝ ⟨μ_{l-1} μ_l⟩_data - ⟨h_{l-1} h_l⟩_chains
    greedy   first each layer as an RBM whose input counts twice wherever a neighbour is still missing

Salakhutdinov and Hinton, "Deep Boltzmann machines", 2009.
"""

import itertools
import math

import keras
import tensorflow as tf

from tfgen import distribute, laws, rng
from tfgen.checks import at_least
from tfgen.energy.staged import Staged
from tfgen.layers import units as kinds
from tfgen.parts import coins, persistent
from tfgen.parts.weights import number
from tfgen.sampling import AnnealingPath, gibbs, log_sum

__all__ = ["DBM"]


class DBM(Staged):
    """A deep Boltzmann machine, its layers learnt one after the other, then all together.

    Arguments:
        shape: of one example; what it holds is said by `units`.
        hidden: units of each layer, from the data upwards; two or more.
        units: what is seen, as in `RBM`.
        pretrain: epochs of each layer before all are learnt together; 0 begins with all.
        rounds: of the mean field behind each update; `encode` and bounds take five times as many.
        chains: over all replicas, which go on from update to update.
        k: sweeps of the chains in each update.
        learning_rate: of plain stochastic gradient descent for one layer; all together learn with a tenth.
        sweeps: Gibbs sweeps behind each sample.
    """

    def __init__(
        self,
        shape,
        *,
        hidden: tuple[int, ...] = (500, 1000),
        units: str = "bernoulli",
        pretrain: int = 10,
        rounds: int = 10,
        chains: int = 100,
        k: int = 5,
        learning_rate: float = 0.05,
        sweeps: int = 200,
    ):
        if len(hidden) < 2:
            raise ValueError(f"hidden={hidden}: a deep Boltzmann machine has two hidden layers or more; one is an rbm")
        at_least(1, hidden=hidden, rounds=rounds, chains=chains, k=k, sweeps=sweeps)
        seen, rates = kinds(units), (learning_rate, learning_rate / 10)
        super().__init__(shape, layers=len(hidden), epochs=pretrain, rates=rates, values=seen.values)
        dims = math.prod(self.shape)
        self.units, self.sizes, self.draws = seen, (dims * seen.size, *hidden), seen.draws(dims)
        self.rounds, self.sweeps = rounds, sweeps
        few = keras.initializers.RandomNormal(stddev=0.01)
        pairs = list(itertools.pairwise(self.sizes))
        self.W = [self.add_weight(shape=pair, initializer=few, name=f"W{i}") for i, pair in enumerate(pairs, 1)]
        self.b = [
            self.add_weight(shape=(size,), initializer="zeros", name=f"b{i}", aggregation="mean")
            for i, size in enumerate(self.sizes)
        ]
        self.k, self.begun = number(self, "k", k, dtype="int32"), number(self, "begun", 0.0)
        start = keras.initializers.Constant(seen.start)
        self.rates = self.add_weight(
            shape=self.sizes[:1], initializer=start, trainable=False, aggregation="mean", name="rates"
        )
        self.odd_sizes = list(self.sizes[1::2])
        self.odd = persistent(self, chains, (sum(self.odd_sizes),), start=coins, name="chains")

    # -- layers and their neighbours -----------------------------------------------------------------------------------

    def logits(self, l: int, layers: list[tf.Tensor]) -> tf.Tensor:
        """η of layer l given the layers on both sides."""
        total = tf.convert_to_tensor(self.b[l])
        if l > 0:
            total += tf.matmul(layers[l - 1], self.W[l - 1])
        if l < len(self.W):
            total += tf.matmul(layers[l + 1], self.W[l], transpose_b=True)
        return total

    def place(self, odd: tf.Tensor) -> list:
        """Layers of which only the odd ones are there."""
        layers = [None] * len(self.sizes)
        layers[1::2] = tf.split(odd, self.odd_sizes, -1)
        return layers

    def sweep(self, odd: tf.Tensor, u: tf.Tensor, beta=1.0, base=None) -> tuple[list, list, tf.Tensor]:
        """Even layers given odd ones, then odd ones given these, by uniforms [n, draws of all layers]: the even layers,
        η of the odd ones, and the odd ones; at another temperature with the seen units' base beside."""
        layers, etas = self.place(odd), [None] * len(self.sizes)
        u = tf.split(u, [self.draws, *self.sizes[1:]], -1)
        for l in (*range(0, len(layers), 2), *range(1, len(layers), 2)):
            etas[l] = beta * self.logits(l, layers)
            if l == 0:
                etas[0] += 0.0 if base is None else (1 - beta) * base
                layers[0] = self.units.pick(u[0], etas[0])
            else:
                layers[l] = rng.bernoulli(u[l], logits=etas[l])
        return layers, etas, tf.concat(layers[1::2], -1)

    @property
    def all_draws(self) -> int:
        return self.draws + sum(self.sizes[1:])

    def mean_field(self, v: tf.Tensor, rounds: int) -> list[tf.Tensor]:
        """[v, μ_1, …]: up with inputs that count twice where the layer above is missing, then so many rounds."""
        layers = [v]
        for l in range(1, len(self.sizes)):
            twice = 2.0 if l < len(self.W) else 1.0
            layers.append(tf.sigmoid(twice * tf.matmul(layers[-1], self.W[l - 1]) + self.b[l]))

        def body(i, *hidden):
            layers = [v, *hidden]
            for l in (*range(1, len(layers), 2), *range(2, len(layers), 2)):
                layers[l] = tf.sigmoid(self.logits(l, layers))
            return i + 1, *layers[1:]

        return [v, *tf.while_loop(lambda i, *_: i < rounds, body, (0, *layers[1:]))[1:]]

    # -- the energy ----------------------------------------------------------------------------------------------------

    def visible_state(self, x) -> tf.Tensor:
        return self.units.read(self.flat(x))

    def energy(self, x: tf.Tensor, hidden: list[tf.Tensor]) -> tf.Tensor:
        return self._energy([self.visible_state(x), *hidden])

    def _energy(self, layers):
        E = -self.units.log_base(layers[0])
        for h, b in zip(layers, self.b, strict=True):
            E -= tf.linalg.matvec(h, b)
        for below, above, W in zip(layers, layers[1:], self.W, strict=False):
            E -= tf.reduce_sum(tf.matmul(below, W) * above, -1)
        return E

    def free_energy_bound(self, x, *, k: int = 1, seed=None) -> tf.Tensor:
        """E_q[E] - H(q) of the mean field q, [n]: at least F(x), so log p(x) ≥ -free_energy_bound - log Z. Nothing is
        drawn."""
        return self._bound(self.mean_field(self.visible_state(x), 5 * self.rounds))

    def _bound(self, layers):
        entropy = tf.add_n([tf.reduce_sum(_entropy(mu), -1) for mu in layers[1:]])
        return self._energy(layers) - entropy

    @property
    def _summed(self) -> int:
        """Units over whose states `log_z` sums: odd layers, or even ones where these are fewer and all binary."""
        odd, even = sum(self.sizes[1::2]), sum(self.sizes[0::2])
        return even if even < odd and self.values == "binary" else odd

    @property
    def states(self) -> int:
        """The terms of `log_z`."""
        return 2**self._summed

    def log_z(self) -> tf.Tensor:
        """log Z, float64: a sum over all states of every other layer, the others summed out in closed form."""
        W, b = ([tf.cast(v.value, tf.float64) for v in weights] for weights in (self.W, self.b))
        odd = self._summed == sum(self.sizes[1::2])
        given = range(odd, len(self.sizes), 2)

        def log_f(s):
            layers = dict(zip(given, tf.split(s, [self.sizes[l] for l in given], -1), strict=True))
            total = tf.add_n([tf.linalg.matvec(layers[l], b[l]) for l in given])
            for l in range(1 - odd, len(self.sizes), 2):
                eta = b[l][None]
                eta += tf.matmul(layers[l - 1], W[l - 1]) if l else 0.0
                eta += tf.matmul(layers[l + 1], W[l], transpose_b=True) if l < len(W) else 0.0
                total += tf.reduce_sum(tf.nn.softplus(eta), -1) if l else self.units.log_partition(eta)
            return total

        refused = "log_z sums over every other layer, and this DBM has {} states there: metrics.annealed_log_likelihood"
        return log_sum(self._summed, log_f, refused)

    def annealing_path(self, start=None) -> AnnealingPath:
        """From independent units, the seen ones with the rates of `start` (data; or none: those seen in training), to
        this machine, over the odd layers; even ones are summed out: log f_β(odd) = β b·odd + A((1 - β) b_0 + β η_v) + Σ
        softplus(β η)."""
        rates = self.rates.value if start is None else tf.reduce_mean(self.visible_state(start), 0)
        base, evens = self.units.natural(rates, 0.01), range(2, len(self.sizes), 2)

        def log_f(odd, beta):
            layers = self.place(odd)
            total = beta * tf.linalg.matvec(odd, tf.concat([b.value for b in self.b[1::2]], 0))
            total += self.units.log_partition((1 - beta) * base + beta * self.logits(0, layers))
            for l in evens:
                total += tf.reduce_sum(tf.nn.softplus(beta * self.logits(l, layers)), -1)
            return total

        def move(odd, beta, seed):
            return self.sweep(odd, rng.uniform([tf.shape(odd)[0], self.all_draws], seed), beta, base)[2]

        def begin(n, seed):
            return tf.cast(rng.uniform([n, sum(self.odd_sizes)], seed) < 0.5, tf.float32)

        def end(n, seed):
            first, rest = rng.split(seed, 2)
            return gibbs(lambda odd, seed: move(odd, 1.0, seed), begin(n, first), 5 * self.sweeps, rest)

        log_ratio = lambda odd, beta, after: log_f(odd, after) - log_f(odd, beta)
        log_z_start = self.units.log_partition(base[None])[0] + sum(self.sizes[1:]) * math.log(2)
        return AnnealingPath(log_z_start, begin, log_ratio, move, end=tf.function(end, autograph=False))

    # -- learning ------------------------------------------------------------------------------------------------------

    def layer_variables(self, i):
        return [self.W[i], self.b[i], self.b[i + 1]]

    def all_variables(self):
        return [*self.W, *self.b]

    def _see(self, v) -> None:
        """The rates of the data, and from the first step's the visible biases."""
        rates = tf.reduce_mean(v, 0)
        self.rates.assign(0.99 * self.rates + 0.01 * rates)
        self.b[0].assign(tf.where(self.begun > 0, self.b[0], self.units.natural(rates, 0.01)))
        self.begun.assign(1.0)

    def learn_layer(self, i, x, condition=None, training=True):
        """CD-1 of layer i; input from below counts twice but in the top layer, that from above but in the lowest."""
        v, draw = self.visible_state(x), lambda logits: rng.uniform(tf.shape(logits), self.new_seed())
        if training and i == 0:
            self._see(v)
        twice = lambda l: 2.0 if l < len(self.W) - 1 else 1.0
        for l in range(i):
            logits = twice(l) * tf.matmul(v, self.W[l]) + self.b[l + 1]
            v = rng.bernoulli(draw(logits), logits=logits)
        up = lambda v: twice(i) * tf.matmul(v, self.W[i]) + self.b[i + 1]
        h = rng.bernoulli(draw(up(v)), logits=up(v))
        down = (2.0 if i else 1.0) * tf.matmul(h, self.W[i], transpose_b=True) + self.b[i]
        if i:
            v_1 = rng.bernoulli(draw(down), logits=down)
        else:
            v_1 = self.units.pick(rng.uniform([tf.shape(v)[0], self.draws], self.new_seed()), down)
        h_0, h_1 = tf.sigmoid(up(v)), tf.sigmoid(up(v_1))
        mean = lambda h: tf.reduce_mean(h, 0)
        directions = [_pairs(v_1, h_1) - _pairs(v, h_0), mean(v_1) - mean(v), mean(h_1) - mean(h_0)]
        error = tf.reduce_mean(tf.math.squared_difference(v, v_1), -1)
        return {"loss": error}, directions

    def learn_all(self, x, condition=None, training=True):
        v = self.visible_state(x)
        data = self.mean_field(v, self.rounds)
        odd, seed = distribute.own_rows(self.odd), self.new_seed()
        shape = [tf.shape(odd)[0], self.all_draws]
        evens = [tf.zeros([tf.shape(odd)[0], size]) for size in self.sizes[0::2]]

        def sweep(state, seed):
            layers, _, odd = self.sweep(state[0], rng.uniform(shape, seed))
            return odd, layers[0::2]

        odd, evens = gibbs(sweep, (odd, evens), self.k.value, seed)
        if training:
            self._see(v)
            distribute.keep_rows(self.odd, odd)
        model = [None] * len(self.sizes)
        model[0::2] = evens
        for l in range(1, len(model), 2):
            model[l] = tf.sigmoid(self.logits(l, model))
        W = [
            _pairs(*there) - _pairs(*here)
            for there, here in zip(itertools.pairwise(model), itertools.pairwise(data), strict=True)
        ]
        b = [tf.reduce_mean(there, 0) - tf.reduce_mean(here, 0) for there, here in zip(model, data, strict=True)]
        return {"loss": self._bound(data), "energy_of_chains": tf.reduce_mean(self._energy(model))}, [*W, *b]

    # -- sampling: a chain whose state are the odd layers --------------------------------------------------------------

    @property
    def pieces(self) -> int:
        return 1 + self.sweeps

    @property
    def laws(self):
        return laws.uniform(self.all_draws)

    def start(self, n, condition=None):
        """The mean field of the data's mean."""
        layers = self.mean_field(self.rates.value[None], self.rounds)
        return tf.tile(tf.concat(layers[1::2], -1), [n, 1])

    def advance(self, noise, odd, condition=None):
        layers, _, odd = self.sweep(odd, noise)
        return tf.reshape(self.units.write(layers[0]), [-1, *self.shape]), odd

    def encode(self, x, condition=None):
        """The top layer's μ, [n, hidden[-1]]."""
        return self.mean_field(self.visible_state(x), 5 * self.rounds)[-1]

    def reconstruct(self, x, condition=None):
        """E[v | μ_1]."""
        layers = self.mean_field(self.visible_state(x), 5 * self.rounds)
        mean = self.units.mean(self.logits(0, layers))
        return tf.reshape(self.units.write(mean), [-1, *self.shape])

    def unit_weights(self):
        """What each unit of the first layer looks for: its weights, [hidden[0], *shape]."""
        return tf.reshape(self.units.write(tf.transpose(self.W[0].value)), [-1, *self.shape])

    def classifier(self, classes: int) -> keras.Model:
        """An ordinary Keras model for discriminative fine-tuning: sigmoid layers, of which the first is told, beside x,
        what the mean field of the second says of it (which stays as it was learnt), and a softmax layer on top."""
        if len(self.W) != 2 or self.units.size != 1:
            raise ValueError("classifier: of a deep Boltzmann machine with two hidden layers and units of one number")
        (W_1, W_2), (_, b_1, b_2) = ([v.numpy() for v in weights] for weights in (self.W, self.b))
        dense, scale = keras.layers.Dense, float(self.units.write(tf.ones([])))
        up = dense(len(b_1), name="up", trainable=False)
        above = dense(len(b_2), "sigmoid", name="above", trainable=False)
        back = dense(len(b_1), use_bias=False, name="back", trainable=False)
        first = dense(len(b_1), use_bias=False, name="features0_above")
        below, second = dense(len(b_1), name="features0"), dense(len(b_2), "sigmoid", name="features1")
        x = keras.Input(self.shape)
        v = keras.layers.Rescaling(1 / scale)(keras.layers.Flatten()(x))
        sent = up(v)
        mu = above(keras.layers.Activation("sigmoid")(keras.layers.Rescaling(2.0, name="twice")(sent)))
        for i in range(self.rounds):
            heard = keras.layers.Add(name=f"round{i}")([sent, back(mu)])
            mu = above(keras.layers.Activation("sigmoid", name=f"mu{i}")(heard))
        h = keras.layers.Activation("sigmoid", name="h0")(keras.layers.Add(name="both")([below(v), first(mu)]))
        last = dense(classes, "softmax", kernel_initializer="zeros", name="classes", dtype="float32")
        model = keras.Model(x, last(second(h)), name="classifier")
        for layer, weights in ((up, (W_1, b_1)), (below, (W_1, b_1)), (above, (W_2, b_2)), (second, (W_2, b_2))):
            layer.set_weights(weights)
        for layer in (back, first):
            layer.set_weights([W_2.T])
        return model


def _entropy(mu: tf.Tensor) -> tf.Tensor:
    return -tf.math.xlogy(mu, mu) - tf.math.xlog1py(1 - mu, -mu)


def _pairs(below: tf.Tensor, above: tf.Tensor) -> tf.Tensor:
    """⟨below · above⟩ over the batch."""
    return tf.matmul(below, above, transpose_a=True) / tf.cast(tf.shape(below)[0], tf.float32)
