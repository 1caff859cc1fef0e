"""Every part by its properties: what a likelihood, a posterior, a flow, a pool, an average, a critic must be."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfgen import condition as conditions
from tfgen import laws, losses, rng
from tfgen.flows import Planar
from tfgen.nets import mlp
from tfgen.parts import Average, Critic, Diagonal, Flowed, History, Pool, Stages, likelihood

SEED = tf.constant([3, 1], tf.int64)
DICE = np.random.default_rng(0)


# -- likelihoods: a density, its mean, and draws of it -----------------------------------------------------------------

COUNTED = {"bernoulli": np.arange(2), "categorical:5": np.arange(5), "logistic_mixture:3": np.arange(256)}


@pytest.mark.parametrize("name", COUNTED)
def test_a_likelihood_sums_to_one_and_is_drawn(name):
    """Over every value; its mean is that of the density, and 20,000 draws have its frequencies."""
    p, values = likelihood(name), COUNTED[name].astype("float32")
    parameters = p.split(tf.constant(DICE.normal(size=(3, 2 * p.size)).astype("float32")))  # 3 rows of 2 numbers
    assert parameters.shape == (3, 2, p.size)
    x = tf.constant(np.tile(values[:, None, None], (1, 3, 2)))
    mass = np.exp(p.each(x, parameters[None]))
    np.testing.assert_allclose(mass.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(p.log_prob(x, parameters[None]), np.log(mass).sum(-1), rtol=1e-4, atol=1e-4)
    if name != "logistic_mixture:3":  # whose mean takes each logistic before it is cut
        np.testing.assert_allclose(p.mean(parameters), (mass * np.array(x)).sum(0), atol=1e-4)
    n = 20_000
    noise = p.drawn_from(2).draw(n, SEED)
    drawn = np.array(p.pick(noise, tf.repeat(parameters[:1], n, 0)))
    assert drawn.shape == (n, 2) and set(np.unique(drawn)) <= set(values.tolist())
    for i in range(2):
        counts = np.array([(drawn[:, i] == v).mean() for v in values])
        allowed = np.sqrt(mass[:, 0, i] * (1 - mass[:, 0, i]) / n).sum() / 2
        assert np.abs(counts - mass[:, 0, i]).sum() / 2 < 1.5 * allowed + 0.01


@pytest.mark.parametrize(("name", "size"), [("gaussian", 2), ("gaussian:0.5", 1)])
def test_gaussian_likelihoods(name, size):
    p = likelihood(name)
    parameters = p.split(tf.constant(DICE.normal(size=(4, 3 * size)).astype("float32")))
    x, sd = DICE.normal(size=(4, 3)), 0.5
    if size == 2:
        sd = np.logaddexp(0, parameters[..., 1]) + 1e-3
    expected = stats.norm.logpdf(x, parameters[..., 0], sd)
    np.testing.assert_allclose(p.each(tf.constant(x, tf.float32), parameters), expected, rtol=1e-4, atol=1e-5)
    z = DICE.normal(size=(4, 3)).astype("float32")
    np.testing.assert_allclose(p.pick(z, parameters), parameters[..., 0] + sd * z, rtol=1e-5)
    assert p.drawn_from(3) == laws.normal(3)


def test_a_mixture_of_gaussians():
    """Its density, its mean, and draws by their distribution function."""
    p, parameters = likelihood("gaussian_mixture:3"), DICE.normal(size=(1, 1, 9)).astype("float32")
    logits, means, raw = np.split(parameters[0, 0].astype(float), 3)
    weights = np.exp(logits) / np.exp(logits).sum()
    x = DICE.normal(size=(50, 1)).astype("float32")
    expected = np.log(stats.norm.pdf(x, means, np.exp(raw)) @ weights)
    np.testing.assert_allclose(p.each(tf.constant(x), tf.constant(parameters))[:, 0], expected, atol=1e-4)
    np.testing.assert_allclose(p.mean(tf.constant(parameters)), [[weights @ means]], rtol=1e-4)
    drawn = p.pick(p.drawn_from(1).draw(20_000, SEED), tf.repeat(tf.constant(parameters), 20_000, 0)).numpy().ravel()
    assert stats.kstest(drawn, lambda x: stats.norm.cdf(x[:, None], means, np.exp(raw)) @ weights).pvalue > 1e-3


def test_tails_of_a_logistic_mixture_keep_their_digits():
    """Far from every mean log p falls along a line, where a difference of sigmoids is zero; and it has a slope."""
    p = likelihood("logistic_mixture:1")
    parameters = tf.Variable([[[0.0, -0.9, -4.0]]])
    x = tf.constant([[[200.0]], [[201.0]]])
    with tf.GradientTape() as tape:
        log_p = p.each(x[:, 0], parameters)[:, 0]
    scale = np.exp(-4.0)
    assert float(log_p[0] - log_p[1]) == pytest.approx(1 / 127.5 / scale, rel=1e-3)
    assert np.isfinite(log_p).all() and np.abs(tape.gradient(log_p, parameters)).max() > 1


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("bernouli", "bernoulli"),
        ("bernoulli:2", "takes no number"),
        ("categorical:1", "a whole number, 2 or more"),
        ("logistic_mixture:2.5", "a whole number"),
        ("gaussian:0", "above 0"),
        ("gaussian:x", "a number behind the colon"),
    ],
)
def test_likelihoods_that_are_none(which, expected):
    with pytest.raises(ValueError, match=expected) as error:
        likelihood(which)
    assert "\n" not in str(error.value)


# -- posteriors and flows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flows", [0, 3])
def test_a_posterior_is_a_density_of_its_samples(flows):
    """E_q[p / q] = 1 for any density p that q covers: 200,000 samples; and gradients reach every weight."""
    keras.utils.set_random_seed(2)
    q = Diagonal.mlp(3, (4,), 2)
    if flows:
        q = Flowed(q, [Planar(2) for _ in range(flows)])
        for v in q.trainable_variables:
            v.assign(v + DICE.normal(scale=0.3, size=v.shape))
    x = tf.constant([[0.3, -1.0, 0.5]])
    with tf.GradientTape() as tape:
        z, log_q = q.sample_and_log_prob(x, 200_000, SEED)
        spread = tf.reduce_mean(log_q) + tf.reduce_mean(z**2)
    assert z.shape == (1, 200_000, 2) and log_q.shape == (1, 200_000)
    assert all(g is not None for g in tape.gradient(spread, [v.value for v in q.trainable_variables]))
    mean, sd = np.mean(z, (0, 1)), 0.7 * np.std(z, (0, 1))
    log_p = stats.norm.logpdf(z, mean, sd).sum(-1)
    weights = np.exp(log_p - log_q)
    assert weights.mean() == pytest.approx(1, abs=6 * weights.std() / np.sqrt(weights.size))


def test_objectives_of_weights():
    log_w = np.log([[1.0, 3.0], [2.0, 2.0]]).astype("float32")
    np.testing.assert_allclose(losses.iwae(tf.constant(log_w)), np.log([2.0, 2.0]), rtol=1e-6)
    np.testing.assert_allclose(losses.elbo(tf.constant(log_w)), [np.log(3) / 2, np.log(2)], rtol=1e-6)
    assert losses.objective("iwae") is losses.iwae and losses.objective(losses.elbo) is losses.elbo
    with pytest.raises(ValueError, match="take one of"):
        losses.objective("iwea")


# -- state: pool, average, history, stages -----------------------------------------------------------------------------


def test_a_pool_fills_and_then_gives_half_of_it_back():
    pool = Pool(50, (1,))
    given, seen = [], 0
    for step in range(40):
        new = np.arange(seen, seen + 10, dtype="float32")[:, None]
        with rng.stream(rng.fold_in(SEED, step)):
            old = np.array(pool.exchange(tf.constant(new)))
        if seen < 50:
            np.testing.assert_array_equal(old, new)
        else:
            given += [(o, n) for o, n in zip(old[:, 0], new[:, 0], strict=True)]
        seen += 10
    back = np.array([o != n for o, n in given])
    assert 0.4 < back.mean() < 0.6 and all(o <= n for o, n in given)
    returned = [o for o, n in given if o != n]
    assert len(returned) == len(set(returned))  # what was given back is in the pool no more


def test_an_average_of_a_net_is_the_average_of_its_weights():
    net = mlp(2, (3,), 1, name="net")
    average, values = Average(net, 0.9), []
    for step in (1, 2, 3):
        for v in net.trainable_variables:
            v.assign(DICE.normal(size=v.shape))
        values.append([v.numpy() for v in net.trainable_variables])
        with rng.stream(SEED, step=tf.constant(step, tf.int64)):
            average.after_turn()
    expected = [0.81 * a + 0.09 * b + 0.1 * c for a, b, c in zip(*values, strict=True)]
    for ours, theirs in zip(average.averages, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)
    x = DICE.normal(size=(4, 2)).astype("float32")
    net.set_weights(expected)
    np.testing.assert_allclose(average(tf.constant(x)), net(x), rtol=1e-5, atol=1e-6)


def test_history_is_the_mean_of_the_past():
    v, past = keras.Variable([0.0, 0.0]), []
    history = History([v])
    for step in (1, 2, 3):
        v.assign(DICE.normal(size=2))
        past.append(v.numpy())
        with rng.stream(SEED, step=tf.constant(step, tf.int64)):
            history.after_turn()
    np.testing.assert_allclose(history.past[0].numpy(), np.mean(past, 0), rtol=1e-5)
    assert float(history.distance()) == pytest.approx(((v.numpy() - np.mean(past, 0)) ** 2).sum(), rel=1e-5)


def test_stages_are_counted_in_epochs():
    stages, seen = Stages((2, 1)), []

    class Model:
        traced = 0

        def trace_again(self):
            self.traced += 1

    model = Model()
    for _ in range(5):
        seen.append((stages.now(), [stages.turns(i) for i in range(3)]))
        stages.after_epoch(model)
    assert [now for now, _ in seen] == [0, 0, 1, 2, 2] and model.traced == 2
    assert all(turns == [int(i == now) for i in range(3)] for now, turns in seen)


# -- the critic --------------------------------------------------------------------------------------------------------


def patches(shape):
    conv = keras.layers.Conv2D(1, 3, 2, "same", activation="tanh")
    return keras.Sequential([keras.Input(shape), conv, keras.layers.Conv2D(1, 1, dtype="float32")])


def test_a_critic_of_patches_pays_the_mean_over_them():
    critic = Critic(patches((4, 4, 1)), game="least_squares")
    real, fake = (tf.constant(DICE.normal(size=(3, 4, 4, 1)).astype("float32")) for _ in range(2))
    v, w = np.array(critic(real)), np.array(critic(fake))
    assert v.shape == (3, 2, 2)
    terms = critic.terms(critic.play(real, fake))
    np.testing.assert_allclose(terms["loss"], ((v - 1) ** 2 / 2 + w**2 / 2).mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(critic.fooled(fake), ((w - 1) ** 2 / 2).mean((1, 2)), rtol=1e-5)
    with tf.GradientTape() as tape:
        tape.watch(real)
        mean = losses.each(critic(real))
    slope = tf.reduce_sum(tape.gradient(mean, real) ** 2, [1, 2, 3])
    r1 = Critic(critic.net, penalties=("r1:1",))
    np.testing.assert_allclose(r1.terms(r1.play(real, fake))["r1"], slope / 2, rtol=1e-4)


def test_what_stands_beside_what():
    """Beside maps: pictures as channels in their size, the rest everywhere the same; beside others: one vector."""
    spec = {"label": 3, "picture": (2, 2, 2), "numbers": (2,)}
    told = {"label": np.array([1, 2]), "picture": DICE.normal(size=(2, 2, 2, 2)), "numbers": DICE.normal(size=(2, 2))}
    told = {name: tf.constant(part, tf.int32 if name == "label" else tf.float32) for name, part in told.items()}
    maps, rows = tf.zeros([2, 4, 4, 1]), tf.zeros([2, 5])
    seen = np.array(conditions.beside(spec, maps, told))
    assert seen.shape[1:] == conditions.beside_shape(spec, (4, 4, 1)) == (4, 4, 1 + 3 + 2 + 2)
    hot = np.eye(3)[[1, 2]]
    for y, x in itertools.product(range(4), range(4)):
        np.testing.assert_array_equal(seen[:, y, x, 1:4], hot)
        np.testing.assert_array_equal(seen[:, y, x, 4:6], told["picture"][:, y // 2, x // 2])
        np.testing.assert_array_equal(seen[:, y, x, 6:], told["numbers"])
    flat = np.array(conditions.beside(spec, rows, told))
    assert flat.shape[1:] == conditions.beside_shape(spec, (5,)) == (5 + 3 + 8 + 2,)
    np.testing.assert_array_equal(flat[:, 8:16], np.reshape(told["picture"], (2, -1)))


@pytest.mark.parametrize("endless", [False, True])
def test_laws_draw_what_they_say(endless):
    law = laws.uniform(None if endless else 1500, low=-1.0)
    x = laws.draw(law, 20, SEED, 1500)
    assert x.shape == (20, 1500) and float(tf.reduce_min(x)) < -0.99 < 0.99 < float(tf.reduce_max(x)) < 1
    assert stats.kstest(np.ravel(x), stats.uniform(-1, 2).cdf).pvalue > 1e-4
    assert stats.kstest(np.ravel(laws.normal(500).draw(20, SEED)), "norm").pvalue > 1e-4
    if endless:
        np.testing.assert_array_equal(laws.draw(law, 20, SEED, 1200), x[:, :1200])
    assert laws.draw(laws.normal(None, 3), 2, SEED, 5).shape == (2, 5, 3)
    both = laws.draw({"a": laws.normal(3), "b": laws.normal(3)}, 4, SEED)
    assert not np.array_equal(both["a"], both["b"])


def test_a_pool_of_two_replicas_gives_back_what_it_was_given(mirrored):
    """However unevenly they filled their blocks."""
    with mirrored.scope():
        pool = Pool(8, (1,))

    @tf.function
    def step(parts):
        def exchange(x):
            with rng.stream(SEED):
                return pool.exchange(x)

        return mirrored.run(exchange, (parts,))

    for count in (1, 2, 1, 3, 1, 2, 3, 3):
        sizes = iter((2, count))
        ones = mirrored.experimental_distribute_values_from_function(lambda _, sizes=sizes: tf.ones([next(sizes), 1]))
        for given in mirrored.experimental_local_results(step(ones)):
            np.testing.assert_array_equal(given, np.ones_like(given))
