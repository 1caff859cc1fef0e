"""Belief nets that learn by their posterior or by reweighted samples, and deep energies, against enumeration and
autodiff."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from test_truth_energy import SEED, STATES, randomised
from test_truth_machines import frequencies, near

from tfgen import metrics, rng
from tfgen.energy import SBN, DeepEnergy, Helmholtz


def exact(net):
    return oracles.belief_net_log_prob(STATES, net.top.numpy(), [w.numpy() for w in net.G], [b.numpy() for b in net.g])


@pytest.fixture(scope="module")
def sbn():
    return randomised(SBN((4,), hidden=(3, 2), k=25, temperatures=10), scale=1.0)


def posterior(net, x):
    """Of all hidden states in the order of `binary_states`, for one x."""
    generative = net.top.numpy(), [w.numpy() for w in net.G], [b.numpy() for b in net.g]
    log_joint = oracles._generative_log_joint(x[None], oracles._hidden_configurations(list(net.sizes)), generative)[0]
    return np.exp(log_joint - np.logaddexp.reduce(log_joint))


def test_sbn_density_and_samples(sbn):
    log_p = exact(sbn)
    np.testing.assert_allclose(sbn.exact_log_prob(STATES), log_p, atol=1e-5)
    found = metrics.enumerated_log_likelihood(sbn, STATES)
    assert found.how == "enumerated" and np.exp(-found.each).sum() == pytest.approx(1, abs=1e-4)
    near(frequencies(sbn.sample(20_000, seed=1)), np.exp(log_p), 20_000)


@pytest.mark.parametrize("how", ["listed", "sampled"])
def test_sbn_posterior(sbn, how):
    """Of the list exactly, by 25 sweeps of Gibbs sampling as near as 20,000 samples can tell."""
    x = STATES[6]
    layers = getattr(sbn, how)(tf.constant(np.tile(x, (20_000, 1))), SEED)
    near(frequencies(np.concatenate(layers[1:], 1), 5), posterior(sbn, x), 20_000)


def test_sbn_learns_by_the_gradient_of_log_p(sbn):
    """The delta rule on posterior samples is the gradient of log p(x, h), and its mean that of log p(x)."""
    x = STATES[[1, 4, 7, 7, 14]]
    with rng.stream(SEED):
        _, directions = sbn.learn(tf.constant(x))
    with rng.stream(SEED):
        layers = sbn.infer(tf.constant(x), sbn.new_seed())
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(sbn.log_p(layers))
    for ours, theirs in zip(directions, tape.gradient(loss, [v.value for v in sbn.generative]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    with rng.stream(SEED):
        _, mean = sbn.learn(tf.constant(np.tile(x, (4000, 1))))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(sbn.exact_log_prob(tf.constant(x)))
    for ours, theirs in zip(mean, tape.gradient(loss, [v.value for v in sbn.generative]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_sbn_bound(sbn):
    """Annealed weights have the mean p(x) however few temperatures there are; their logs lie below."""
    x = np.repeat(STATES, 2000, 0)
    log_w = sbn.log_w(tf.constant(x), 1, SEED).numpy().reshape(16, -1)
    np.testing.assert_allclose(np.exp(log_w).mean(1), np.exp(exact(sbn)), rtol=0.15)
    assert (log_w.mean(1) < exact(sbn) + 0.02).all() and (exact(sbn) - log_w.mean(1)).mean() < 0.5
    more = sbn.bound(x[::100], k=20, seed=1).numpy().reshape(16, -1).mean(1)
    assert (more > log_w.mean(1) - 0.1).all() and more.mean() > log_w.mean()


def test_sbn_learns_a_world():
    keras.utils.set_random_seed(1)
    net = SBN((4,), hidden=(2,), learning_rate=0.3)
    net.compile()
    x = np.tile(STATES[[3, 12]], (500, 1))
    net.fit(x, batch_size=20, epochs=6, verbose=0)
    assert exact(net)[[3, 12]].mean() > -np.log(2) - 0.4


def test_a_large_belief_net_is_not_listed():
    with pytest.raises(ValueError, match=r"here are 2\^30: see `bound`"):
        SBN((4,), hidden=(30,)).exact_log_prob(STATES)


def test_reweighted_wake_sleep():
    """Both nets descend the weighted sum of -log p - log q with the weights held; of many samples the generative one
    has the exact gradient of log p(x), where wake-sleep has not."""
    net, x = randomised(Helmholtz((4,), hidden=(3, 2), samples=4)), tf.constant(STATES[[1, 4, 7, 14]])
    with rng.stream(SEED):
        terms, directions = net.wake(x)
    with rng.stream(SEED):
        layers = net.recognise(tf.repeat(x, 4, 0), net.new_seed())
    variables = [v.value for v in [*net.generative, *net.recognition]]
    with tf.GradientTape() as tape:
        log_p, log_q = (tf.reshape(f(layers), [-1, 4]) for f in (net.log_p, net.log_q))
        share = tf.stop_gradient(tf.nn.softmax(log_p - log_q))
        loss = -tf.reduce_mean(tf.reduce_sum(share * (log_p + log_q), -1))
    for ours, theirs in zip(directions, tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(terms["bound"], tf.reduce_logsumexp(log_p - log_q, -1) - np.log(4), atol=1e-5)
    away = []
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(net.exact_log_prob(x))
    gradient = tape.gradient(loss, [v.value for v in net.generative])
    for samples in (1, 200):
        vars(net)["samples"] = samples
        with rng.stream(SEED):
            _, directions = net.wake(tf.repeat(x, 20_000 // samples, 0))
        away.append(max(float(tf.reduce_max(tf.abs(a - b))) for a, b in zip(directions, gradient, strict=False)))
    assert away[1] < 0.06 < away[0] / 3, away


# -- deep energies -----------------------------------------------------------------------------------------------------


def energy(**options):
    given = {"values": "real", "net": "mlp", "hidden": (16,), "noise": None, "clip": None, **options}
    return DeepEnergy((2,), **given)


def test_contrast_is_the_gradient_of_the_loss():
    """With examples and chains held still, by differences."""
    model = energy(chains=8)
    dice = np.random.default_rng(0)
    x, x_neg = (tf.constant(dice.normal(size=(6, 2)), tf.float32) for _ in range(2))
    for v in model.net.trainable_variables:
        v.assign(dice.normal(scale=0.5, size=v.shape))
    terms, gradient = model.contrast(x, x_neg)
    E, E_neg = model.free_energy(x).numpy(), model.free_energy(x_neg).numpy()
    loss = E.mean() - E_neg.mean() + 0.1 * ((E**2).mean() + (E_neg**2).mean())
    assert float(terms["loss"]) == pytest.approx(loss, abs=1e-5)
    for v, g in zip(model.net.trainable_variables, gradient, strict=True):
        d, here = dice.normal(size=v.shape), v.numpy()
        ends = []
        for sign in (1, -1):
            v.assign(here + sign * 1e-2 * d)
            ends.append(float(model.contrast(x, x_neg)[0]["loss"]))
        v.assign(here)
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(float(np.sum(g * d)), rel=0.02, abs=1e-3)


def test_the_buffer_goes_on():
    """As many places as the batch has examples move, by as many steps as were asked for; a share of 0 begins none
    anew."""
    model = energy(chains=32, steps=2, step=1e-4, fresh=0.0)
    before = model.buffer.numpy()
    with rng.stream(SEED):
        model.learn(tf.constant(np.random.default_rng(0).normal(size=(8, 2)), tf.float32))
    moved = np.abs(model.buffer.numpy() - before).max(1)
    assert (moved > 0).sum() == 8 and moved.max() < 0.1
    with rng.stream(SEED):
        model.learn(tf.zeros([8, 2]), training=False)
    assert (np.abs(model.buffer.numpy() - before).max(1) > 0).sum() == 8


def test_a_deep_energy_learns_two_places():
    """Samples come to lie where the data do, and the energy is low there."""
    keras.utils.set_random_seed(1)
    dice = np.random.default_rng(0)
    x = (0.3 * dice.normal(size=(2000, 2)) + 2 * np.sign(dice.normal(size=(2000, 1)))).astype("float32")
    model = energy(hidden=(64, 64), chains=500, steps=15, step=0.1, learning_rate=3e-3, sweeps=150)
    model.compile()
    model.fit(x, batch_size=100, epochs=12, verbose=0)
    samples = model.sample(500, seed=1).numpy()
    distance = np.minimum(*(np.linalg.norm(samples - centre, axis=1) for centre in (2.0, -2.0)))
    assert np.mean(distance < 1.2) > 0.8 and 0.15 < np.mean(samples[:, 0] > 0) < 0.85
    E = model.free_energy(tf.constant([[2.0, 2.0], [-2.0, -2.0], [2.0, -2.0], [0.0, 0.0]])).numpy()
    assert E[:2].max() < E[2:].min()
