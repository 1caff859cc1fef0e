"""Energy models and belief nets against enumeration."""

import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfgen import metrics, rng
from tfgen.energy import RBM, Helmholtz
from tfgen.sampling import annealed_importance

STATES = oracles.binary_states(4).astype("float32")
SEED = tf.constant([3, 0], tf.int64)


def randomised(model, scale=0.7):
    """Weights large enough that the distribution is far from uniform."""
    generator = np.random.default_rng(0)
    for v in model.trainable_variables:
        v.assign(generator.normal(scale=scale, size=v.shape))
    for machine in (model, *getattr(model, "rbms", ())):
        if hasattr(machine, "begun"):
            machine.begun.assign(1.0)  # the first step would set its visible biases
    return model


def parameters(rbm):
    return rbm.W.numpy(), rbm.a.numpy(), rbm.b.numpy()


@pytest.fixture(scope="module")
def rbm():
    return randomised(RBM((4,), hidden=3, sweeps=60))


@pytest.fixture(scope="module")
def net():
    return randomised(Helmholtz((4,), hidden=(3, 2)))


def halves(net):
    numpy = lambda weights: [w.numpy() for w in weights]
    return (net.top.numpy(), numpy(net.G), numpy(net.g)), (numpy(net.R), numpy(net.r))


def test_rbm_free_energy(rbm):
    np.testing.assert_allclose(rbm.free_energy(STATES), oracles.rbm_free_energy(STATES, *parameters(rbm)), rtol=1e-5)
    hidden = oracles.binary_states(3).astype("float32")
    joint = np.stack([-rbm.energy(np.tile(v, (8, 1)), hidden).numpy() for v in STATES])
    np.testing.assert_allclose(joint, oracles.rbm_log_joint(*parameters(rbm)), rtol=1e-5, atol=1e-5)


def test_rbm_sampler_frequencies(rbm):
    """60 sweeps from fair coins: the total variation is what 20,000 independent samples of the
    exact distribution show."""
    samples = rbm.sample(20_000, seed=1).numpy()
    counts = np.bincount(samples.astype(int) @ [8, 4, 2, 1], minlength=16) / len(samples)
    exact = np.exp(oracles.rbm_log_prob(STATES, *parameters(rbm)))
    assert oracles.total_variation(counts, exact) < oracles.expected_total_variation(exact, 20_000) + math.sqrt(
        math.log(1e6) / 40_000
    )


@pytest.mark.parametrize("k", [1, 3])
def test_contrastive_divergence_is_its_expectation(k):
    """-(⟨v h⟩_0 - ⟨v h⟩_k), over 200,000 chains, against the exact expectation by the transition matrix."""
    rbm = randomised(RBM((4,), hidden=3, k=k))
    x = STATES[[0, 3, 5, 5, 15]]
    with rng.stream(SEED):
        _, directions = rbm.contrastive_divergence(np.tile(x, (40_000, 1)))
    for ours, exact in zip(directions, oracles.rbm_cd_expected_gradient(x, *parameters(rbm), k=k), strict=True):
        np.testing.assert_allclose(-ours.numpy(), exact, atol=6e-3)


def test_contrastive_divergence_is_the_gradient_of_a_difference_of_free_energies(rbm):
    x = STATES[[1, 2, 3, 7, 7, 9]]
    with rng.stream(SEED):
        terms, directions = rbm.contrastive_divergence(x)
    with rng.stream(SEED):
        first, rest = rng.split(rbm.new_seed(), 2)
        v_k, _, _ = rbm.run_chain(
            rng.bernoulli(rng.uniform([6, 3], first), logits=rbm.hidden_logits(tf.constant(x))), rest
        )
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(rbm.free_energy(x)) - tf.reduce_mean(rbm.free_energy(v_k))
    assert float(terms["loss"]) == pytest.approx(float(loss), abs=1e-6)
    for ours, theirs in zip(directions, tape.gradient(loss, [rbm.W.value, rbm.a.value, rbm.b.value]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("hidden", [3, 4, 7])
def test_log_z_by_enumeration(hidden):
    """Over the smaller layer."""
    rbm = randomised(RBM((4,), hidden=hidden))
    assert rbm.states == 2 ** min(hidden, 4)
    assert float(rbm.log_z()) == pytest.approx(oracles.rbm_log_z(*parameters(rbm)), rel=1e-6)
    found = metrics.enumerated_log_likelihood(rbm, STATES)
    assert found.how == "enumerated" and np.exp(-found.each).sum() == pytest.approx(1, abs=1e-5)


def test_log_z_in_pieces():
    """2^13 hidden states, against the sum over 2^14 visible ones."""
    rbm = randomised(RBM((14,), hidden=13))
    visible = -rbm.free_energy(oracles.binary_states(14).astype("float32")).numpy().astype(float)
    assert float(rbm.log_z()) == pytest.approx(np.logaddexp.reduce(visible), rel=1e-6)


def test_log_z_of_a_large_one_is_refused():
    with pytest.raises(ValueError, match=r"2\^30 of them: tfgen.metrics.annealed"):
        RBM((30,), hidden=40).log_z()


def test_visible_biases_start_at_the_log_odds_of_the_data():
    """Set in the first step, and then learnt: with a rate of zero they stay there."""
    rbm = RBM((4,), hidden=3, learning_rate=0.0)
    rbm.compile()
    x = np.array([[1, 1, 0, 0], [1, 0, 0, 1]] * 8, "float32")
    rbm.fit(x, batch_size=16, epochs=2, verbose=0)
    np.testing.assert_allclose(rbm.a.numpy(), np.log([1.01 / 0.01, 1, 0.01 / 1.01, 1]), atol=1e-5)


@pytest.mark.parametrize("start", [None, STATES[:6]])
def test_annealed_log_z(rbm, start):
    exact = oracles.rbm_log_z(*parameters(rbm))
    likelihood, log_z = metrics.annealed_log_likelihood(rbm, STATES, chains=200, temperatures=300, start=start)
    assert log_z.low < exact < log_z.high and log_z.high - log_z.low < 0.5
    np.testing.assert_allclose(-likelihood.each, oracles.rbm_log_prob(STATES, *parameters(rbm)), atol=0.1)


def test_rbm_learns_a_world():
    """CD-1 on four states: the exact log-likelihood rises from -4 log 2 to near the best, -2 log 2."""
    keras.utils.set_random_seed(2)
    rbm = RBM((4,), hidden=12, learning_rate=0.2)
    rbm.compile()
    x = np.tile(STATES[[0, 3, 12, 15]], (600, 1))
    before = oracles.rbm_log_prob(x[:4], *parameters(rbm)).mean()
    rbm.fit(x, batch_size=20, epochs=10, verbose=0)
    after = oracles.rbm_log_prob(x[:4], *parameters(rbm)).mean()
    assert before == pytest.approx(-4 * math.log(2), abs=0.05)
    assert after > -2 * math.log(2) - 0.35


def test_persistent_chains_go_on():
    rbm = RBM((4,), hidden=3, chains=6)
    rbm.compile()
    start = rbm.h.numpy()
    rbm.fit(STATES, batch_size=16, epochs=1, verbose=0)
    middle = rbm.h.numpy()
    rbm.evaluate(STATES, verbose=0)
    np.testing.assert_array_equal(rbm.h.numpy(), middle)
    assert not np.array_equal(middle, start) and set(np.unique(middle)) <= {0.0, 1.0}


def test_persistent_chains_give_the_exact_gradient():
    """Weights held still, 20,000 chains come to the model's own distribution, so that the rule is the gradient of the
    likelihood: neither chains that start anew at each step nor a negative phase from the data would be."""
    rbm = randomised(RBM((4,), hidden=3, chains=20_000))
    x = STATES[[0, 3, 5, 5, 15]]

    @tf.function
    def learn(seed):
        with rng.stream(seed):
            return rbm.contrastive_divergence(x)[1]

    for i in range(40):
        directions = learn(tf.constant([i, 7], tf.int64))
    for ours, exact in zip(directions, oracles.rbm_gradient(x, *parameters(rbm)), strict=True):
        np.testing.assert_allclose(-ours.numpy(), exact, atol=0.014)
    exact = oracles.rbm_gradient(x, *parameters(rbm))
    restarted = oracles.rbm_cd_expected_gradient(x, *parameters(rbm), k=1)
    assert max(np.abs(a - b).max() for a, b in zip(restarted, exact, strict=True)) > 0.03  # it would be seen


@pytest.mark.parametrize("start", [None, STATES[:6]])
def test_annealing_weighs_without_bias_along_three_temperatures(rbm, start):
    """E[w] = Z / Z_0 however few temperatures there are, if each move leaves its own temperature's distribution as it
    is and the chains begin at the first one's: 200,000 weights, within five standard errors."""
    path = rbm.annealing_path(start)
    log_z = annealed_importance(path, chains=200_000, temperatures=3, seed=4)
    exact = oracles.rbm_log_z(*parameters(rbm))
    error = (log_z.high - log_z.value) / 3
    assert abs(log_z.value - exact) < 5 * error and error < 0.01
    rates = rbm.rates.numpy() if start is None else start.mean(0)
    base = np.log((rates + 0.01) / (1.01 - rates))
    assert float(path.log_z_start) == pytest.approx(np.logaddexp(0, base).sum() + 3 * math.log(2), rel=1e-5)
    drawn = path.start(100_000, SEED).numpy().mean(0)
    np.testing.assert_allclose(drawn, 1 / (1 + np.exp(-base)), atol=0.01)


def test_helmholtz_bound(net):
    """k-sample bounds against their exact expectations, for every x, each averaged over 20,000 draws."""
    generative, recognition = halves(net)
    exact = oracles.belief_net_log_prob(STATES, *generative)
    assert np.exp(exact).sum() == pytest.approx(1)
    x = np.repeat(STATES, 20_000, 0)
    for k in (1, 2):
        ours = net.bound(x, k=k, seed=1).numpy().reshape(16, -1).mean(-1)
        np.testing.assert_allclose(ours, oracles.belief_net_iwae(STATES, generative, recognition, k), atol=0.05)
        assert (ours < exact).all()


def test_helmholtz_sampler_frequencies(net):
    samples = net.sample(50_000, seed=2).numpy()
    counts = np.bincount(samples.astype(int) @ [8, 4, 2, 1], minlength=16) / len(samples)
    exact = np.exp(oracles.belief_net_log_prob(STATES, *halves(net)[0]))
    assert oracles.total_variation(counts, exact) < oracles.expected_total_variation(exact, 50_000) + math.sqrt(
        math.log(1e6) / 100_000
    )


def test_wake_is_the_delta_rule(net):
    x = STATES[[1, 4, 7, 7, 14]]
    with rng.stream(SEED):
        _, directions = net.wake(x)
    with rng.stream(SEED):
        layers = net.recognise(tf.constant(x), net.new_seed())
    top, weights, biases = oracles.wake_gradient(x, [h.numpy() for h in layers[1:]], halves(net)[0])
    for ours, exact in zip(directions, [top, *weights, *biases], strict=True):
        np.testing.assert_allclose(-ours.numpy(), exact, atol=1e-5)


def test_sleep_is_the_gradient_of_log_q(net):
    with rng.stream(SEED):
        _, directions = net.sleep(tf.constant(STATES))
    with rng.stream(SEED):
        layers = net.dream(net.noise(16, net.new_seed()))
    variables = [v.value for v in [*net.R, *net.r]]
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(net.log_q(layers))
    for ours, theirs in zip(directions, tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_wake_sleep_learns_a_world():
    """Two states a layer of two can tell apart: the exact log-likelihood comes near -log 2."""
    keras.utils.set_random_seed(1)
    net = Helmholtz((4,), hidden=(2,), learning_rate=0.3)
    net.compile()
    x = np.tile(STATES[[3, 12]], (1000, 1))
    net.fit(x, batch_size=20, epochs=8, verbose=0)
    assert oracles.belief_net_log_prob(x[:2], *halves(net)[0]).mean() > -math.log(2) - 0.4
