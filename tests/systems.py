"""Five small systems that stress what no row of the catalog does: stages, persistent chains, variable length, dict
conditions, a GAN with every piece."""

import functools
import math

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import heads, laws, rng
from tfgen.adversarial import GAN
from tfgen.energy import RBM
from tfgen.entry import Entry
from tfgen.model import GenerativeModel, Player
from tfgen.nets import mlp
from tfgen.parts import Stages
from tfgen.sampling import unroll


class Greedy(GenerativeModel):
    """Two auto-encoders, the second on the first one's code: one is learnt, then the other, in one fit."""

    def __init__(self, shape, *, code: int = 3, epochs_each: int = 1):
        super().__init__(shape)
        d = math.prod(self.shape)
        self.nets = [
            mlp(d, (4,), code, name="up0"),
            mlp(code, (4,), d, name="down0"),
            mlp(code, (4,), 2, name="up1"),
            mlp(2, (4,), code, name="down1"),
        ]
        self.stages = Stages((epochs_each,))

    def players(self):
        return {
            f"layer{i}": Player(
                functools.partial(self.auto_encode, i),
                self.nets[2 * i].trainable_variables + self.nets[2 * i + 1].trainable_variables,
                self.stages.turns(i),
            )
            for i in range(2)
        }

    def auto_encode(self, i, x, condition=None, training=True):
        x = self.nets[0](x) if i else x
        return {"loss": tf.reduce_mean((x - self.nets[2 * i + 1](self.nets[2 * i](x))) ** 2, -1)}

    def after_epoch(self):
        self.stages.after_epoch(self)

    @property
    def laws(self):
        return laws.normal(2)

    def generate(self, noise, condition=None):
        return tf.reshape(self.nets[1](self.nets[3](noise)), [-1, *self.shape])


class Walk(GenerativeModel):
    """A recurrent model of binary sequences [n, any length]: p(x_t | x_<t) from a state that takes each x_t in."""

    def __init__(self, shape=(None,), *, units: int = 4):
        super().__init__(shape, values="binary")
        self.units = units
        self.W = self.add_weight(shape=(units, units), name="W")
        self.u = self.add_weight(shape=(2, units), name="u")
        self.w = self.add_weight(shape=(units, 1), name="w")

    def step(self, state, x):
        return tf.tanh(state @ self.W + tf.stack([x, 1 - x], -1) @ self.u)

    def logits(self, state):
        return (state @ self.w)[:, 0]

    def log_prob(self, x, condition=None):
        n, length = tf.shape(x)[0], tf.shape(x)[1]

        def body(t, state, total):
            logit = self.logits(state)
            return t + 1, self.step(state, x[:, t]), total - tf.nn.sigmoid_cross_entropy_with_logits(x[:, t], logit)

        start = (0, self.start(n), tf.zeros([n]))
        return tf.while_loop(lambda t, *_: t < length, body, start, maximum_iterations=length)[2]

    def loss_terms(self, x, condition=None, training=True):
        return {"loss": -self.log_prob(x)}

    length = 6

    @property
    def laws(self):
        return laws.uniform(None)

    def start(self, n, condition=None):
        return tf.ones([n, self.units]) / 2

    def advance(self, noise, state, condition=None):
        """The next piece, and the state to go on from."""

        def step(u, state):
            x = rng.bernoulli(u, logits=self.logits(state))
            return x, self.step(state, x)

        return unroll(step, noise, state)


class Told(GenerativeModel):
    """A Gaussian whose mean hangs on a label and on attributes."""

    def __init__(self, shape, *, condition):
        super().__init__(shape, condition)
        self.net = mlp(conditions.size(condition), (6,), 2 * math.prod(self.shape), name="net")

    def given(self, condition):
        return heads.normal(self.net(conditions.vector(self.condition, condition)))

    def log_prob(self, x, condition=None):
        return self.given(condition).log_prob(tf.reshape(x, [tf.shape(x)[0], -1]))

    def loss_terms(self, x, condition=None, training=True):
        return {"loss": -self.log_prob(x, condition)}

    @property
    def laws(self):
        return laws.normal(math.prod(self.shape))

    def generate(self, noise, condition=None):
        p = self.given(condition)
        return tf.reshape(p.mean() + p.stddev() * noise, [-1, *self.shape])


def _real(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _bits(*shape):
    return np.random.default_rng(0).integers(0, 2, shape).astype("float32")


def _told():
    return _real(64, 2), {"label": np.random.default_rng(1).integers(0, 3, 64), "attributes": _real(64, 2)}


def _pictures():
    return np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32"), np.random.default_rng(1).integers(
        0, 3, 64
    )


EVERYTHING = {
    "latent": 3,
    "width": 4,
    "net": "dcgan",
    "values": "signed",
    "condition": 3,
    "penalties": ("gradient_penalty", "r1", "r2", "roth"),
    "clip": 1.0,
    "turns": 2,
    "packing": 2,
    "smoothing": 0.1,
    "history": 1e-3,
    "average": 0.9,
    "instance_noise": 0.1,
    "minibatch": 2,
    "generator_norm": "virtual:4",
    "critic_norm": "spectral",
    "dropout": 0.0,
    "critic_learning_rate": 1e-3,
}

SYSTEMS = [
    Entry(
        "everything",
        GAN,
        "-",
        "every penalty and trick",
        functools.partial(GAN, (8, 8, 1), **EVERYTHING),
        _pictures,
        GAN,
    ),
    Entry("greedy", Greedy, "-", "stages", functools.partial(Greedy, (4,)), functools.partial(_real, 64, 4), Greedy),
    Entry(
        "chains",
        RBM,
        "-",
        "persistent chains",
        functools.partial(RBM, (5,), hidden=4, chains=8, sweeps=20),
        functools.partial(_bits, 64, 5),
        RBM,
    ),
    Entry("walk", Walk, "-", "variable length", Walk, functools.partial(_bits, 64, 6), Walk),
    Entry(
        "told",
        Told,
        "-",
        "dict condition",
        functools.partial(Told, (2,), condition={"label": 3, "attributes": (2,)}),
        _told,
        Told,
    ),
]
