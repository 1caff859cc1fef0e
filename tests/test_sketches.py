"""What the next families will write: twelve systems of a few lines each, on parts and contract as they are. Each fits,
is judged, samples, and comes back from its file."""

import functools
import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgen
from tfgen import heads, laws, losses, rng, runs
from tfgen.flows import Planar
from tfgen.layers import CausalConv, CausalStack, GatedConv
from tfgen.model import GenerativeModel, Player
from tfgen.nets import mlp
from tfgen.parts import Critic, Diagonal, Flowed, Pool, Stages, Weighted
from tfgen.sampling import unroll

BITS = np.random.default_rng(0).integers(0, 2, (32, 6)).astype("float32")
PLANE = np.random.default_rng(1).normal(size=(32, 2)).astype("float32")
PICTURES = np.random.default_rng(2).uniform(-1, 1, (16, 8, 8, 1)).astype("float32")


def translator(inside, outside, name):
    conv = functools.partial(keras.layers.Conv2D, kernel_size=3, padding="same")
    last = conv(outside[-1], activation="tanh", dtype="float32")
    return keras.Sequential([keras.Input(inside), conv(4, activation="relu"), last], name=name)


def patches(shape, name):
    conv = functools.partial(keras.layers.Conv2D, kernel_size=3, strides=2, padding="same")
    return keras.Sequential([keras.Input(shape), conv(4, activation="leaky_relu"), conv(1, dtype="float32")], name=name)


class Pix2Pix(GenerativeModel):
    """A translator against a critic of patches, which sees both pictures, and an L1 distance."""

    def __init__(self, shape, *, condition, l1: float = 100.0):
        super().__init__(shape, condition, "signed")
        self.G, self.l1, self.laws = translator(condition, shape, "G"), l1, {}
        seen = Critic.seen_shape(shape, condition, maps=True)
        self.critic = Critic(patches(seen, "D"), condition=condition)

    def players(self):
        critic, G = self.critic.trainable_variables, self.G.trainable_variables
        return {"critic": Player(self.critic_terms, critic), "generator": Player(self.generator_terms, G)}

    def critic_terms(self, x, condition, training=True):
        return self.critic.terms(self.critic.play(x, self.G(condition), condition, training))

    def generator_terms(self, x, condition, training=True):
        y = self.G(condition, training=training)
        away = tf.reduce_mean(tf.abs(x - y), [1, 2, 3])
        return {"loss": self.critic.fooled(y, condition, training) + self.l1 * away, "l1": away}

    def generate(self, noise, condition=None):
        return self.G(condition)


class CycleGAN(GenerativeModel):
    """x of one domain, the condition of the other, and not of the same scene."""

    def __init__(self, shape, *, condition, cycle: float = 10.0):
        super().__init__(shape, condition, "signed")
        self.to_x, self.to_y = translator(condition, shape, "to_x"), translator(shape, condition, "to_y")
        self.Dx, self.Dy = (Critic(patches(s, n), game="least_squares") for s, n in ((shape, "Dx"), (condition, "Dy")))
        self.pools, self.cycle, self.laws = [Pool(8, shape), Pool(8, condition)], cycle, {}

    def players(self):
        judged = lambda D, pool, real, fake, training: D.terms(D.play(real, pool.exchange(fake) if training else fake))
        x = lambda x, y, training: judged(self.Dx, self.pools[0], x, self.to_x(y), training)
        y = lambda x, y, training: judged(self.Dy, self.pools[1], y, self.to_y(x), training)
        movers = self.to_x.trainable_variables + self.to_y.trainable_variables
        critics = {"Dx": Player(x, self.Dx.trainable_variables), "Dy": Player(y, self.Dy.trainable_variables)}
        return {**critics, "generators": Player(self.generator_terms, movers)}

    def generator_terms(self, x, y, training=True):
        fake_x, fake_y = self.to_x(y), self.to_y(x)
        away = sum(map(losses.each, (tf.abs(x - self.to_x(fake_y)), tf.abs(y - self.to_y(fake_x)))))
        return {"loss": self.Dx.fooled(fake_x) + self.Dy.fooled(fake_y) + self.cycle * away, "cycle": away}

    def generate(self, noise, condition=None):
        return self.to_x(condition)


class Latent(Weighted, GenerativeModel):
    """Everything is log_w: objectives are functions of it, posteriors are parts."""

    def __init__(self, shape, *, latent: int = 2, objective: str = "iwae", samples: int = 3, flows: int = 2):
        super().__init__(shape, values="binary")
        dims = math.prod(self.shape)
        self.latent, self.objective, self.samples = latent, losses.objective(objective), samples
        self.q = Flowed(Diagonal.mlp(dims, (8,), latent), [Planar(latent) for _ in range(flows)])
        self.p, self.laws = mlp(latent, (8,), dims, name="p"), {"z": laws.normal(latent), "x": laws.uniform(dims)}

    def log_w(self, x, condition, k, seed):
        z, log_q = self.q.sample_and_log_prob(self.flat(x), k, seed)
        log_px = heads.bernoulli(self.p(tf.reshape(z, [-1, self.latent]))).log_prob(tf.repeat(self.flat(x), k, 0))
        return tf.reshape(log_px, [-1, k]) + heads.standard_normal(self.latent).log_prob(z) - log_q

    def loss_terms(self, x, condition=None, training=True):
        return {"loss": -self.objective(self.log_w(x, condition, self.samples, self.new_seed()))}

    def generate(self, noise, condition=None):
        return tf.reshape(rng.bernoulli(noise["x"], logits=self.p(noise["z"])), [-1, *self.shape])


class AVB(GenerativeModel):
    """An implicit posterior: a critic of pairs (z, x) says log q(z | x) - log p(z)."""

    def __init__(self, shape, *, latent: int = 2):
        super().__init__(shape, values="binary")
        (d,), self.prior = self.shape, laws.normal(latent)
        self.q, self.p = mlp(d + latent, (8,), latent, name="q"), mlp(latent, (8,), d, name="p")
        self.T = Critic(mlp(latent + d, (8,), 1, name="T"), condition=(d,))
        self.laws = {"z": self.prior, "x": laws.uniform(d)}

    def players(self):
        model = self.q.trainable_variables + self.p.trainable_variables
        return {"T": Player(self.critic_terms, self.T.trainable_variables), "model": Player(self.model_terms, model)}

    def critic_terms(self, x, condition=None, training=True):
        return self.T.terms(self.T.play(self.z(x), self.prior.draw(tf.shape(x)[0], self.new_seed()), x, training))

    def z(self, x):
        return self.q(tf.concat([x, self.prior.draw(tf.shape(x)[0], self.new_seed())], -1))

    def model_terms(self, x, condition=None, training=True):
        z = self.z(x)
        return {"loss": self.T(z, x, training=training) - heads.bernoulli(self.p(z)).log_prob(x)}

    def generate(self, noise, condition=None):
        return rng.bernoulli(noise["x"], logits=self.p(noise["z"]))


class WaveNet(GenerativeModel):
    """Dilated causal convolutions over symbols, whole to learn and step by step to sample."""

    length, laws = 8, laws.uniform(None)

    def __init__(self, shape=(None,), *, filters: int = 4, dilations: tuple[int, ...] = (1, 2, 4)):
        super().__init__(shape, values="binary")
        self.net = CausalStack([CausalConv(filters, 2), *(GatedConv(2, d) for d in dilations), CausalConv(1, 1)])
        self.net.build((None, None, 1))

    def loss_terms(self, x, condition=None, training=True):
        logits = self.net(tf.pad(x, [[0, 0], [1, 0]])[:, :-1, None])[..., 0]
        return {"loss": tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits), -1)}

    def start(self, n, condition=None):
        return {"x": tf.zeros([n, 1]), "net": self.net.start(n)}

    def advance(self, noise, state, condition=None):
        def step(u, state):
            logits, net = self.net.step(state["net"], state["x"])
            x = rng.bernoulli(u[:, None], logits=logits)
            return x[:, 0], {"x": x, "net": net}

        return unroll(step, noise, state)


class Nested(GenerativeModel):
    """A MADE of several masks inside: it trains all of them, by the count of the model that is fitted."""

    def __init__(self, shape, *, masks: int = 3):
        super().__init__(shape, values="binary")
        self.made = tfgen.MADE(shape, hidden=(8,), masks=masks)
        self.laws = self.made.laws

    def loss_terms(self, x, condition=None, training=True):
        return {**self.made.loss_terms(x, training=training), "mask": tf.cast(rng.step() % self.made.masks, tf.float32)}

    def generate(self, noise, condition=None):
        return self.made.generate(noise)


class DBN(GenerativeModel):
    """RBMs one above the other, learnt one after the other."""

    def __init__(self, shape, *, hidden: tuple[int, ...] = (4, 3), epochs: int = 1):
        super().__init__(shape, values="binary")
        sizes = (*self.shape, *hidden)
        self.rbms = [tfgen.RBM((a,), hidden=b) for a, b in itertools.pairwise(sizes)]
        self.stages, self.laws = Stages((epochs,) * (len(hidden) - 1)), laws.uniform(sum(sizes))
        self.after_epoch = functools.partial(self.stages.after_epoch, self)

    def players(self):
        rule = lambda i: {"update": functools.partial(self.learn, i), "turns": self.stages.turns(i)}
        return {f"rbm{i}": Player(variables=[r.W, r.a, r.b], **rule(i)) for i, r in enumerate(self.rbms)}

    def learn(self, i, x, condition=None, training=True):
        for r in self.rbms[:i]:
            x = rng.bernoulli(rng.uniform([tf.shape(x)[0], r.hidden], self.new_seed()), logits=r.hidden_logits(x))
        return self.rbms[i].contrastive_divergence(x, None, training)

    def generate(self, noise, condition=None):
        *u, h = tf.split(noise, [*(r.visible for r in self.rbms), self.rbms[-1].hidden], -1)
        for r, uniforms in zip(self.rbms[::-1], u[::-1], strict=True):
            h = rng.bernoulli(uniforms, logits=r.visible_logits(h))
        return h


class Diffusion(GenerativeModel):  # denoising in many small steps; the noise of each is drawn when its turn comes
    def __init__(self, shape, *, steps: int = 20):
        super().__init__(shape)
        self.pieces, self.laws, self.steps = steps + 1, laws.normal(*self.shape), steps
        self.net = mlp(self.shape[0] + 1, (16,), self.shape[0], name="net")
        self.kept = tf.constant(np.cumprod([1, *(1 - np.linspace(1e-3, 0.3, steps))]), tf.float32)  # ᾱ_0 … ᾱ_T

    def loss_terms(self, x, condition=None, training=True):
        t = 1 + tf.cast(rng.uniform([tf.shape(x)[0], 1], self.new_seed()) * self.steps, tf.int32)
        noise, kept = rng.normal(tf.shape(x), self.new_seed()), tf.gather(self.kept, t)
        guess = self.net(tf.concat([kept**0.5 * x + (1 - kept) ** 0.5 * noise, tf.cast(t, tf.float32)], -1))
        return {"loss": tf.reduce_sum((noise - guess) ** 2, -1)}

    def start(self, n, condition=None):
        return tf.zeros([n, *self.shape]), tf.fill([n, 1], self.steps + 1)

    def advance(self, noise, state, condition=None):
        x, t = state
        now, before = (tf.gather(self.kept, tf.clip_by_value(i, 0, self.steps)) for i in (t, t - 1))
        guess, alpha = self.net(tf.concat([x, tf.cast(t, tf.float32)], -1)), now / before
        mean = (x - (1 - alpha) / tf.maximum(1 - now, 1e-6) ** 0.5 * guess) / alpha**0.5
        x = tf.where(t > self.steps, noise, mean + tf.where(t > 1, (1 - alpha) ** 0.5, 0.0) * noise)
        return x, (x, t - 1)


@keras.saving.register_keras_serializable("sketch")
def squared(v):
    return (v - 2.0) ** 2


@keras.saving.register_keras_serializable("sketch")
def far(v):
    return (v + 2.0) ** 2


OWN_GAME = losses.Game(squared, far, squared, labels=True)  # least squares between 2 and -2
GAN = functools.partial(tfgen.GAN, values="real", latent=2, hidden=(6,))
SKETCHES = {
    "pix2pix": (functools.partial(Pix2Pix, (8, 8, 1), condition=(8, 8, 3)), PICTURES, np.repeat(-PICTURES, 3, -1)),
    "cyclegan": (functools.partial(CycleGAN, (8, 8, 1), condition=(8, 8, 3)), PICTURES, np.repeat(-PICTURES, 3, -1)),
    "infogan_r1": (functools.partial(tfgen.InfoGAN, (2,), latent=2, hidden=(6,), penalties=("r1:1",)), PLANE, None),
    "avb": (functools.partial(AVB, (6,)), BITS, None),
    "iwae_planar": (functools.partial(Latent, (6,)), BITS, None),
    "wavenet": (WaveNet, BITS, None),
    "nested_made": (functools.partial(Nested, (6,)), BITS, None),
    "dbn": (functools.partial(DBN, (6,)), BITS, None),
    "diffusion": (functools.partial(Diffusion, (2,)), PLANE, None),
    "condition_picture": (functools.partial(GAN, (2,), condition=(4, 4, 1)), PLANE, np.abs(PICTURES[:, :4, :4])),
    "own_game": (functools.partial(GAN, (2,), game=OWN_GAME, smoothing=0.1), PLANE, None),
}


@pytest.mark.parametrize("name", SKETCHES)
def test_sketch(name, tmp_path):
    """Fits in one trace a stage, moves every weight, is judged, samples the same by the same seed, and comes back from
    its file with the same samples and the same next epoch."""
    make, x, condition = SKETCHES[name]
    x = x if condition is None else x[: len(condition)]
    model, told = make(), None if condition is None else condition[0]
    model.compile()
    before = [v.numpy() for v in model.trainable_variables]
    fit = functools.partial(model.fit, x, condition, batch_size=8, shuffle=False, verbose=0)
    history = fit(epochs=2).history
    assert all(np.isfinite(values).all() for values in history.values()), history
    still = [v.path for v, was in zip(model.trainable_variables, before, strict=True) if np.array_equal(v, was)]
    assert not still
    assert model.evaluate(x, condition, verbose=0, return_dict=True).keys() <= history.keys()
    model.save(tmp_path / "sketch.keras")
    again = type(model).load(tmp_path / "sketch.keras")
    for one in (model, again):
        one.fit(x, condition, batch_size=8, initial_epoch=2, epochs=3, shuffle=False, verbose=0)
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    a, b = (one.sample(5, told, seed=3).numpy() for one in (model, again))
    np.testing.assert_array_equal(a, b)
    if not isinstance(model.laws, dict) or model.laws:
        assert not np.array_equal(a, model.sample(5, told, seed=4))


def test_a_run_of_a_model_without_a_row(tmp_path):
    """The twelfth: `runs.fit` takes any model on any data."""
    model = Latent((8, 8, 1))
    model.compile()
    digits = tfgen.data.load("digits", values="binary", limit=64, batch=32)
    run = runs.fit(tmp_path / "mine", model, digits, None, {"epochs": 1}, say=lambda line: None)
    assert run.model_path.is_file() and (run.samples / "samples.png").is_file()


def test_a_nested_made_trains_every_mask():
    """Its count is that of the model that is fitted: after three steps each of three masks had its turn."""
    model = Nested((6,))
    model.compile(steps_per_execution=1)
    seen = []
    for _ in range(3):
        model.reset_metrics()
        seen.append(int(model.train_step(tf.constant(BITS[:4]))["mask"]))
    assert sorted(seen) == [0, 1, 2]


def test_nested_rbms_begin_at_the_data_s_rates():
    """Each has its first step when its stage begins, and none before."""
    model = DBN((6,))
    model.compile()
    model.fit(BITS, batch_size=32, epochs=1, verbose=0)
    assert [float(r.begun) for r in model.rbms] == [1, 0]
    model.fit(BITS, batch_size=32, initial_epoch=1, epochs=2, verbose=0)
    assert [float(r.begun) for r in model.rbms] == [1, 1]


def test_pieces_give_what_the_whole_gives():
    """A sample is the same in one piece, in blocks, and with its noise drawn step by step."""
    wavenet, diffusion = WaveNet(), Diffusion((2,))
    seed = rng.as_seed(5)
    noise = wavenet.noise(3, seed, length=12)
    whole = wavenet.generate(noise)
    state, parts = wavenet.start(3), []
    for at in (slice(0, 5), slice(5, 6), slice(6, 12)):
        x, state = wavenet.advance(noise[:, at], state)
        parts.append(x)
    np.testing.assert_array_equal(tf.concat(parts, 1), whole)
    np.testing.assert_array_equal(wavenet.sample(3, seed=5, length=12), whole)
    np.testing.assert_allclose(diffusion.sample(3, seed=5), diffusion.generate(diffusion.noise(3, seed)), rtol=1e-4)
    assert diffusion.noise(3, seed).shape == (3, 21, 2)
    logits = wavenet.net(tf.pad(whole, [[0, 0], [1, 0]])[:, :-1, None])[..., 0]
    np.testing.assert_array_equal(
        tf.cast(noise < tf.sigmoid(logits), tf.float32), whole
    )  # the density is the sampler's


def test_games_and_penalties_of_the_house_are_saved_as_objects(tmp_path):
    model = GAN((2,), game=losses.game("alpha:2"), penalties=(losses.penalty("r1:0.3"),))
    model.compile()
    model.save(tmp_path / "gan.keras")
    critic = tfgen.load(tmp_path / "gan.keras").critic
    assert critic.game.name == "alpha:2" and (critic.penalties[0].name, critic.penalties[0].weight) == ("r1", 0.3)


def test_a_length_is_for_sequences():
    with pytest.raises(ValueError, match="makes no sequences"):
        GAN((2,)).sample(2, length=7)
