"""Boltzmann machines of every kind, deep belief nets, units and the chains behind them, against enumeration."""

import itertools
import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from test_truth_energy import SEED, STATES, randomised

from tfgen import layers, metrics, rng, sampling
from tfgen.energy import DBM, DBN, RBM, Boltzmann, ClassRBM

FIVE = STATES[[0, 3, 5, 5, 15]]


def frequencies(samples, d=4):
    counts = np.bincount(np.asarray(samples).astype(int) @ 2 ** np.arange(d)[::-1], minlength=2**d)
    return counts / len(samples)


def near(found, exact, n):
    """n independent samples of the exact distribution show no more with a probability of 1 - 1e-6; a sampler whose own
    distance from it is twice the bound or more is seen with the same certainty."""
    bound = oracles.expected_total_variation(exact, n) + math.sqrt(math.log(1e6) / (2 * n))
    assert oracles.total_variation(found, exact) < bound


def visible(J, b, d=4):
    """p(v) of the first d units, exact."""
    joint = oracles.boltzmann_log_joint(J, b)
    return np.exp(np.logaddexp.reduce(joint.reshape(2**d, -1), 1) - np.logaddexp.reduce(joint))


# -- the general machine -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine():
    return randomised(Boltzmann((4,), hidden=2, chains=20_000, k=40, sweeps=60))


def parameters(machine):
    return machine.links().numpy().astype(float), machine.b.numpy().astype(float)


def test_boltzmann_energies_and_probabilities(machine):
    J, b = parameters(machine)
    joint = oracles.boltzmann_log_joint(J, b)
    states = oracles.binary_states(6).astype("float32")
    v, h = states[:, :4], states[:, 4:]
    np.testing.assert_allclose(-machine.energy(v, h), joint, atol=1e-5)
    assert float(machine.log_z()) == pytest.approx(np.logaddexp.reduce(joint), abs=1e-6) and machine.states == 64
    np.testing.assert_allclose(machine.probability(v, h), np.exp(joint - np.logaddexp.reduce(joint)), rtol=1e-4)
    np.testing.assert_allclose(machine.probability(STATES), visible(J, b), rtol=1e-4)


def test_boltzmann_samples_and_infers(machine):
    J, b = parameters(machine)
    near(frequencies(machine.sample(20_000, seed=1)), visible(J, b), 20_000)
    joint = oracles.boltzmann_log_joint(J, b).reshape(16, 4)[6]
    inferred = machine.infer(np.tile(STATES[6], (20_000, 1)), sweeps=30, seed=2)
    near(frequencies(inferred, 2), np.exp(joint - np.logaddexp.reduce(joint)), 20_000)


def test_boltzmann_learns_by_the_difference_of_two_correlations(machine):
    """At equilibrium the rule is the exact gradient, link by link; above the diagonal alone."""
    J, b = parameters(machine)
    with rng.stream(SEED):
        _, (dJ, db) = machine.learn(np.tile(FIVE, (4000, 1)))
    exact_J, exact_b = oracles.boltzmann_gradient(FIVE, J, b)
    np.testing.assert_allclose(-dJ.numpy(), np.triu(exact_J, 1), atol=0.02)
    np.testing.assert_allclose(-db.numpy(), exact_b, atol=0.02)
    assert np.abs(exact_J).max() > 0.1


# -- units -------------------------------------------------------------------------------------------------------------


def test_gaussian_units_against_quadrature():
    rbm = randomised(RBM((1,), hidden=3, units="gaussian:0.5", sweeps=40))
    grid = np.linspace(-12, 12, 40_001).astype("float32")
    f = np.exp(-rbm.free_energy(grid[:, None]).numpy().astype(float))
    z = np.trapezoid(f, grid)
    assert float(rbm.log_z()) == pytest.approx(math.log(z), abs=1e-4)
    mean = np.trapezoid(f * grid, grid) / z
    deviation = math.sqrt(np.trapezoid(f * grid**2, grid) / z - mean**2)
    x = rbm.sample(20_000, seed=3).numpy()
    assert abs(x.mean() - mean) < 5 * deviation / math.sqrt(20_000)
    assert x.std() == pytest.approx(deviation, rel=0.03) and deviation > 0.51
    h = oracles.binary_states(3).astype("float32")  # F is -log Σ_h exp(-E)
    x = np.float32([[0.3]])
    E = rbm.energy(np.repeat(x, 8, 0), h).numpy()
    assert float(rbm.free_energy(x)[0]) == pytest.approx(-np.logaddexp.reduce(-E), abs=1e-5)
    forward = metrics.annealed_log_likelihood(rbm, x, chains=200, temperatures=300)[1]
    assert forward.low < math.log(z) < forward.high and forward.high - forward.low < 0.5


def test_softmax_units_against_enumeration():
    rbm = randomised(RBM((2,), hidden=3, units="softmax:3", sweeps=40))
    states = np.float32(list(itertools.product(range(3), repeat=2)))
    F = rbm.free_energy(states).numpy().astype(float)
    assert float(rbm.log_z()) == pytest.approx(np.logaddexp.reduce(-F), abs=1e-5)
    x = rbm.sample(20_000, seed=4).numpy()
    near(np.bincount((x @ [3, 1]).astype(int), minlength=9) / 20_000, np.exp(-F - np.logaddexp.reduce(-F)), 20_000)
    with pytest.raises(ValueError, match="softmax:3 units take whole numbers from 0 to 2"):
        fit(rbm, np.full((8, 2), 3.0, "float32"))


@pytest.mark.parametrize("which", ["bernoulli", "gaussian:0.5", "softmax:3"])
def test_units_are_exponential_families(which):
    """The mean is the slope of A, `natural` its inverse, and draws have it."""
    units = layers.units(which)
    eta = tf.constant(np.random.default_rng(0).normal(size=(1, 6)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(eta)
        A = units.log_partition(eta)
    mean = units.mean(eta)
    np.testing.assert_allclose(tape.gradient(A, eta), mean, atol=1e-5)
    np.testing.assert_allclose(units.mean(units.natural(mean)), mean, atol=1e-5)
    u = rng.uniform([40_000, 6 // units.size], SEED)
    np.testing.assert_allclose(tf.reduce_mean(units.pick(u, tf.tile(eta, [40_000, 1])), 0), mean[0], atol=0.03)
    x = units.write(units.pick(u[:5], tf.tile(eta, [5, 1])))
    np.testing.assert_allclose(units.write(units.read(x)), x, atol=1e-6)


# -- what an RBM may be told and asked ---------------------------------------------------------------------------------


def test_class_rbm():
    """p(x, y), p(y | x), p(x) and samples of p(x | y), all against the list of states."""
    rbm = randomised(ClassRBM((4,), condition=3, hidden=3, sweeps=60))
    joint = np.stack([-rbm.free_energy(STATES, np.full(16, y)).numpy() for y in range(3)], 1).astype(float)
    W, a, b = rbm.W.numpy(), rbm.a.numpy(), rbm.b.numpy()
    v = np.concatenate([np.repeat(STATES, 3, 0), np.tile(np.eye(3), (16, 1))], 1)
    np.testing.assert_allclose(joint.reshape(-1), -oracles.rbm_free_energy(v, W, a, b), atol=1e-5)
    assert float(rbm.log_z()) == pytest.approx(np.logaddexp.reduce(joint.reshape(-1)), abs=1e-5)
    posterior = np.exp(joint - np.logaddexp.reduce(joint, 1)[:, None])
    np.testing.assert_allclose(tf.nn.softmax(rbm.classify(STATES)), posterior, atol=1e-5)
    np.testing.assert_allclose(rbm.free_energy(STATES), -np.logaddexp.reduce(joint, 1), atol=1e-5)
    given = np.exp(joint[:, 1] - np.logaddexp.reduce(joint[:, 1]))
    near(frequencies(rbm.sample(20_000, 1, seed=5)), given, 20_000)


def test_class_rbm_learns_to_classify():
    """What no linear machine can say: whether the first pair of bits is the second one."""
    keras.utils.set_random_seed(3)
    rbm = ClassRBM((4,), condition=2, hidden=12, chains=40, learning_rate=0.5)
    rbm.compile()
    x = np.tile(STATES[[0, 3, 12, 15]], (200, 1))
    y = (x[:, 0] != x[:, 3]).astype(int)
    rbm.fit(x, y, batch_size=20, epochs=15, verbose=0)
    p = tf.nn.softmax(rbm.classify(x[:4])).numpy()[np.arange(4), y[:4]]
    assert p.min() > 0.7, p


def test_centred_gradient_is_its_definition():
    rbm = randomised(RBM((4,), hidden=3, centred=True))
    rbm.rates.assign([0.1, 0.6, 0.4, 0.9])
    rbm.activity.assign([0.3, 0.2, 0.7])
    with rng.stream(SEED):
        _, directions, v_k = rbm.contrast(tf.constant(FIVE), training=False)
    mu, lam = rbm.rates.numpy(), rbm.activity.numpy()
    h_0, h_k = (tf.sigmoid(rbm.hidden_logits(v)).numpy() for v in (FIVE, v_k))
    W = (FIVE - mu).T @ (h_0 - lam) / 5 - (v_k.numpy() - mu).T @ (h_k - lam) / 5
    a = FIVE.mean(0) - v_k.numpy().mean(0) - W @ lam
    b = h_0.mean(0) - h_k.mean(0) - W.T @ mu
    for ours, exact in zip(directions, (W, a, b), strict=True):
        np.testing.assert_allclose(-ours.numpy(), exact, atol=1e-6)


def test_decay_and_sparsity():
    """Decay pulls on W alone; sparsity moves what makes units active, and they become so rarely."""
    plain, decayed = (randomised(RBM((4,), hidden=3, weight_decay=w)) for w in (0.0, 0.1))
    found = []
    for rbm in (plain, decayed):
        with rng.stream(SEED):
            found.append(rbm.contrastive_divergence(FIVE, None, False)[1])
    np.testing.assert_allclose(found[1][0] - found[0][0], 0.1 * plain.W.numpy(), atol=1e-6)
    np.testing.assert_allclose(found[1][1], found[0][1])
    rbm = RBM((4,), hidden=6, learning_rate=0.2, sparsity=0.1, sparsity_cost=1.0)
    rbm.compile()
    rbm.fit(np.tile(FIVE, (200, 1)), batch_size=5, epochs=5, verbose=0)
    assert float(tf.reduce_mean(rbm.encode(FIVE))) == pytest.approx(0.1, abs=0.05)  # .5 at the start


def test_contrastive_divergence_nears_the_gradient_with_k():
    """Of the expected rule (tests/test_truth_energy.py holds ours to it), and of ours at k = 25."""
    rbm = randomised(RBM((4,), hidden=3, k=25))
    given = rbm.W.numpy(), rbm.a.numpy(), rbm.b.numpy()
    exact = oracles.rbm_gradient(FIVE, *given)[0]
    away = [np.abs(oracles.rbm_cd_expected_gradient(FIVE, *given, k=k)[0] - exact).max() for k in (1, 3, 10, 25)]
    assert (np.diff(away) < 0).all() and away[-1] < 0.01 < away[0]
    with rng.stream(SEED):
        ours = rbm.contrastive_divergence(np.tile(FIVE, (10_000, 1)))[1][0]
    np.testing.assert_allclose(-ours.numpy(), exact, atol=0.012)


def test_k_follows_its_schedule(tmp_path):
    rbm = RBM((4,), hidden=3, k=(1, 3, 10), k_epochs=2)
    rbm.compile()
    seen = []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(int(rbm.k)))
    rbm.fit(STATES, batch_size=16, epochs=7, verbose=0, callbacks=[look])
    assert seen == [1, 1, 3, 3, 10, 10, 10]


# -- deep machines -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dbm():
    return randomised(DBM((4,), hidden=(3, 2), pretrain=0, rounds=10, chains=20_000, k=15, sweeps=60))


def as_machine(dbm):
    return oracles.layered([w.numpy() for w in dbm.W], [b.numpy() for b in dbm.b])


@pytest.mark.parametrize("hidden", [(3, 2), (5, 2), (2, 2, 3)])
def test_dbm_energy_and_log_z(hidden):
    """Summed over odd layers, over even ones where these are fewer, and with three hidden layers."""
    dbm = randomised(DBM((4,), hidden=hidden, pretrain=0))
    J, b = as_machine(dbm)
    joint = oracles.boltzmann_log_joint(J, b)
    states = oracles.binary_states(4 + sum(hidden)).astype("float32")
    x, *h = np.split(states, np.cumsum((4, *hidden))[:-1], axis=1)
    np.testing.assert_allclose(-dbm.energy(x, h), joint, atol=1e-4)
    assert float(dbm.log_z()) == pytest.approx(np.logaddexp.reduce(joint), abs=1e-5)
    exact = -np.log(visible(J, b)) - np.logaddexp.reduce(joint)
    gap = dbm.free_energy_bound(STATES).numpy() - exact
    assert (gap > -1e-4).all() and gap.mean() < 1.0


def test_mean_field_only_improves_its_bound(dbm):
    bounds = np.stack([dbm._bound(dbm.mean_field(tf.constant(STATES), i)) for i in range(1, 8)])
    assert (np.diff(bounds, axis=0) < 1e-5).all() and (bounds[0] - bounds[-1]).max() > 1e-3


def test_dbm_samples(dbm):
    near(frequencies(dbm.sample(20_000, seed=6)), visible(*as_machine(dbm)), 20_000)


def test_dbm_learns_from_mean_field_and_chains(dbm):
    """Against the exact expectation of the machine, and its own mean field of the data."""
    J, b = as_machine(dbm)
    joint = oracles.boltzmann_log_joint(J, b)
    states, p = oracles.binary_states(9), np.exp(joint - np.logaddexp.reduce(joint))
    v, h_1, h_2 = np.split(states, [4, 7], axis=1)
    q = [m.numpy() for m in dbm.mean_field(tf.constant(FIVE), 10)]
    exact = [q[0].T @ q[1] / 5 - v.T @ (p[:, None] * h_1), q[1].T @ q[2] / 5 - h_1.T @ (p[:, None] * h_2)]
    exact += [m.mean(0) - p @ s for m, s in zip(q, (v, h_1, h_2), strict=True)]
    with rng.stream(SEED):
        for _ in range(2):
            _, directions = dbm.learn_all(tf.constant(FIVE))
    for ours, there in zip(directions, exact, strict=True):
        np.testing.assert_allclose(-ours.numpy(), there, atol=0.02)


def test_chains_of_a_deep_machine_go_on(tmp_path):
    dbm = DBM((4,), hidden=(3, 2), pretrain=1, chains=8)
    dbm.compile()
    start = dbm.odd.numpy()
    dbm.fit(STATES, batch_size=16, epochs=1, verbose=0)
    np.testing.assert_array_equal(dbm.odd.numpy(), start)  # the first layer learns alone
    dbm.fit(STATES, batch_size=16, initial_epoch=1, epochs=3, verbose=0)
    assert not np.array_equal(dbm.odd.numpy(), start) and set(np.unique(dbm.odd)) <= {0.0, 1.0}
    dbm.save(tmp_path / "dbm.keras")
    again = DBM.load(tmp_path / "dbm.keras")
    np.testing.assert_array_equal(again.odd.numpy(), dbm.odd.numpy())
    assert again.stages.now() == 2


@pytest.mark.parametrize("make", [Boltzmann, RBM, DBM], ids=["boltzmann", "rbm", "dbm"])
def test_annealing_forth_and_back_brackets_log_z(make):
    """Mean log weights lie below log Z and, back from exact samples, above it, nearer of more temperatures; of many
    both estimates are right."""
    given = {Boltzmann: {"hidden": 3}, RBM: {"hidden": 5}, DBM: {"hidden": (3, 2), "pretrain": 0}}[make]
    model = randomised(make((4,), **given), scale=2.0)
    exact, path = float(model.log_z()), model.annealing_path()
    if make is RBM:
        p = np.exp(oracles.rbm_log_prob(STATES, model.W.numpy(), model.a.numpy(), model.b.numpy()))
        states = STATES
    elif make is DBM:
        joint = oracles.boltzmann_log_joint(*as_machine(model)).reshape(16, 8, 4)
        p = np.exp(np.logaddexp.reduce(np.logaddexp.reduce(joint, 2), 0) - np.logaddexp.reduce(joint.reshape(-1)))
        states = oracles.binary_states(3)
    else:
        joint = oracles.boltzmann_log_joint(*parameters(model))
        p, states = np.exp(joint - np.logaddexp.reduce(joint)), oracles.binary_states(7)
    draws = np.random.default_rng(0).choice(len(p), 400, p=p / p.sum())
    samples = tf.constant(states[draws], tf.float32)
    forth = sampling.annealed_importance(path, chains=400, temperatures=150)
    back = sampling.reverse_annealed_importance(path, samples=samples, temperatures=150)
    assert forth.low < exact < forth.high and back.low < exact < back.high
    assert max(forth.high - forth.low, back.high - back.low) < 0.6
    assert forth.bound < exact < back.bound and forth.bound > exact - 1
    few = sampling.annealed_importance(path, chains=400, temperatures=3)
    few_back = sampling.reverse_annealed_importance(path, samples=samples, temperatures=3)
    assert few.bound < forth.bound and back.bound < few_back.bound
    own = sampling.reverse_annealed_importance(path, chains=400, temperatures=150, seed=1)  # by its own long chain
    assert own.low - 0.2 < exact < own.high + 0.2


# -- deep belief nets --------------------------------------------------------------------------------------------------


def belief(dbn):
    """p(x) of a net of two hidden layers, by its definition."""
    lower, top = dbn.rbms
    log_top = oracles.rbm_log_prob(oracles.binary_states(lower.hidden), *(v.numpy() for v in (top.W, top.a, top.b)))
    eta = oracles.binary_states(lower.hidden) @ lower.W.numpy().T.astype(float) + lower.a.numpy()
    log_p_x = STATES @ eta.T - np.logaddexp(0, eta).sum(1)
    return np.exp(np.logaddexp.reduce(log_p_x + log_top, 1))


@pytest.fixture(scope="module")
def dbn():
    return randomised(DBN((4,), hidden=(3, 2), sweeps=60))


def test_dbn_density_bound_and_samples(dbn):
    """E[w] / Z is p(x), the bound lies below log p(x) and rises with k, and samples have its frequencies."""
    exact = belief(dbn)
    assert exact.sum() == pytest.approx(1, abs=1e-5)
    log_z, x = float(dbn.log_z()), np.repeat(STATES, 5000, 0)
    log_w = dbn.log_w(x, None, 1, SEED).numpy().reshape(16, -1) - log_z
    np.testing.assert_allclose(np.exp(log_w).mean(1), exact, rtol=0.25)
    bounds = [-dbn.free_energy_bound(x, k=k, seed=1).numpy().reshape(16, -1).mean(1) - log_z for k in (1, 5)]
    assert (bounds[0] < bounds[1] + 0.05).all() and (bounds[1] < np.log(exact)).all()
    found = metrics.enumerated_log_likelihood(dbn, STATES, k=500)
    np.testing.assert_allclose(-found.each, np.log(exact), atol=0.3)
    assert found.how == "a bound, enumerated"
    near(frequencies(dbn.sample(20_000, seed=7)), exact, 20_000)


def test_a_layer_upside_down_leaves_the_model_as_it_was_and_learning_it_raises_the_bound():
    """Hinton, Osindero, Teh 2006: the new layer begins as the mirror image of the one below; then the bound is tight,
    and any layer that gives what q makes of the data a higher likelihood raises it."""
    dbn = DBN((4,), hidden=(3, 4), pretrain=1, up_down=True)
    dbn.compile()
    dbn.fit(np.tile(FIVE, (40, 1)), batch_size=20, epochs=1, verbose=0)
    lower, top = randomised(dbn.rbms[0]), dbn.rbms[1]
    dbn.begin(1)
    before = oracles.rbm_log_prob(FIVE, lower.W.numpy(), lower.a.numpy(), lower.b.numpy())
    h = oracles.binary_states(3).astype("float32")
    logits = dbn.upward_logits(0, tf.constant(FIVE)).numpy().astype(float)
    log_q = logits @ h.T - np.logaddexp(0, logits).sum(1)[:, None]
    eta = h @ lower.W.numpy().T + lower.a.numpy()
    log_p_x = FIVE @ eta.T - np.logaddexp(0, eta).sum(1)

    def bound():
        log_top = oracles.rbm_log_prob(h, *(v.numpy() for v in (top.W, top.a, top.b)))
        return (np.exp(log_q) * (log_p_x + log_top - log_q)).sum(1).mean()

    bounds = [bound()]
    assert bounds[0] == pytest.approx(before.mean(), abs=1e-4)
    weights = np.exp(log_q).mean(0)
    rows = np.repeat(h, np.round(1000 * weights).astype(int), 0)
    for _ in range(25):  # exact ascent of E_q log p(h)
        gradient = oracles.rbm_gradient(rows, *(v.numpy() for v in (top.W, top.a, top.b)))
        for v, g in zip((top.W, top.a, top.b), gradient, strict=True):
            v.assign_add(0.2 * g)
        bounds.append(bound())
    assert (np.diff(bounds) > -1e-5).all() and bounds[-1] > bounds[0] + 1e-3


def test_up_down_is_the_delta_rule_both_ways(dbn):
    x = tf.constant(FIVE)
    with rng.stream(SEED):
        _, directions = dbn.learn_all(x, None, False)
    with rng.stream(SEED):
        awake = dbn.recognise(x, dbn.new_seed())
        _, top, v_k = dbn.top.contrast(awake[-1], False)
        asleep = dbn.dream(v_k, rng.uniform([len(v_k), 4], dbn.new_seed()))
    lower = dbn.rbms[0]
    moved = [lower.W.value, lower.a.value, dbn.R[0].value, dbn.r[0].value]
    with tf.GradientTape() as tape:
        eta = lower.visible_logits(awake[1])
        down = tf.reduce_mean(tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(awake[0], eta), -1))
        logits = dbn.upward_logits(0, asleep[0])
        up = tf.reduce_mean(tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(asleep[1], logits), -1))
        loss = down + up
    for ours, theirs in zip(directions, [*tape.gradient(loss, moved), *top], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_layers_are_learnt_one_by_one():
    """Each stage moves its own layer; q takes over the weights of what was learnt, and keeps them."""
    dbn = DBN((4,), hidden=(3, 2), pretrain=1)
    dbn.compile()
    watched = {"layer0": dbn.rbms[0].W, "layer1": dbn.rbms[1].W, "q": dbn.R[0]}
    moved = []
    for epoch in range(3):
        before = {name: v.numpy() for name, v in watched.items()}
        dbn.fit(np.tile(FIVE, (10, 1)), batch_size=10, initial_epoch=epoch, epochs=epoch + 1, verbose=0)
        moved.append({name for name, v in watched.items() if not np.array_equal(v.numpy(), before[name])})
        if epoch == 0:
            np.testing.assert_array_equal(dbn.R[0].numpy(), dbn.rbms[0].W.numpy())
    assert moved == [{"layer0", "q"}, {"layer1"}, {"layer0", "layer1", "q"}]


@pytest.mark.parametrize("make", [DBN, DBM])
def test_classifiers_begin_at_the_features(make, tmp_path):
    """An ordinary Keras model, whose last hidden layer is what the machine makes of x, and that learns."""
    machine = randomised(make((4,), hidden=(3, 2)))
    classifier = machine.classifier(2)
    features = keras.Model(classifier.inputs, classifier.layers[-1].input).predict(STATES, verbose=0)
    np.testing.assert_allclose(features, machine.encode(STATES), atol=2e-3 if make is DBM else 1e-5)
    classifier.compile("adam", "sparse_categorical_crossentropy")
    before = [v.numpy() for v in classifier.trainable_variables]
    classifier.fit(STATES, STATES[:, 0].astype(int), epochs=3, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, classifier.trainable_variables, strict=True))


# -- chains ------------------------------------------------------------------------------------------------------------


def test_langevin_has_the_variance_of_its_step():
    """Of a parabola of curvature 1 the chain is x' = (1 - ε/2) x + √ε z, of variance 1 / (1 - ε/4)."""
    x, energy = tf.zeros([40_000, 1]), lambda x: 0.5 * tf.reduce_sum(x**2, -1)
    for i in range(60):
        x = sampling.langevin(energy, x, rng.normal(tf.shape(x), rng.fold_in(SEED, i)), step=0.4)
    assert float(tf.math.reduce_variance(x)) == pytest.approx(1 / 0.9, rel=0.03)
    held = sampling.langevin(energy, tf.ones([1, 1]), tf.zeros([1, 1]), step=0.4, clip=0.5, high=0.85)
    assert float(held[0, 0]) == pytest.approx(0.85)  # of .9 by the clipped slope


def test_fantasies_are_the_chain_s_own(machine):
    after = (1, 5, 20)
    found = sampling.fantasies(machine, 6, after, seed=3)
    assert found.shape == (6, 3, 4)
    vars(machine)["sweeps"] = 19
    np.testing.assert_array_equal(found[:, -1], machine._sample_chain(6, rng.as_seed(3), None))
    vars(machine)["sweeps"] = 60
    with pytest.raises(ValueError, match="expected numbers of pieces that rise"):
        sampling.fantasies(machine, 6, (5, 1))


def test_pseudo_likelihood():
    """Against the conditionals of the listed distribution, and estimated from two of four units."""
    rbm = randomised(RBM((4,), hidden=3))
    p = np.exp(oracles.rbm_log_prob(STATES, rbm.W.numpy(), rbm.a.numpy(), rbm.b.numpy()))
    flips = [[int("".join(map(str, r)), 2) for r in (np.abs(STATES - np.eye(4)[i]).astype(int))] for i in range(4)]
    exact = sum(np.log(p / (p + p[flip])) for flip in flips)
    np.testing.assert_allclose(-metrics.pseudo_likelihood(rbm, STATES).each, exact, atol=1e-4)
    many = -metrics.pseudo_likelihood(rbm, np.repeat(STATES, 300, 0), units=2).each.reshape(16, -1).mean(1)
    np.testing.assert_allclose(many, exact, atol=0.25)
    with pytest.raises(ValueError, match="takes real values: the pseudo-likelihood"):
        metrics.pseudo_likelihood(RBM((4,), hidden=3, units="gaussian"), STATES)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: RBM((4,), k=0), "k=0: expected 1 or more"),
        (lambda: Boltzmann((4,), k=0), "k=0: expected 1 or more"),
        (lambda: RBM((4,), units="gauss"), "there are no units 'gauss': take one of gaussian"),
        (lambda: DBN((4,), hidden=(3,)), "two hidden layers or more; one is an rbm"),
        (lambda: DBM((4,), hidden=(3,)), "two hidden layers or more; one is an rbm"),
        (lambda: Boltzmann((20,), hidden=20).log_z(), r"this Boltzmann machine has 2\^40 of them"),
        (lambda: Boltzmann((4,), hidden=30).free_energy(STATES), r"this one has 2\^30 of them"),
        (lambda: DBM((40,), hidden=(30, 30)).log_z(), r"this DBM has 2\^30 states there"),
        (lambda: sampling.annealed_importance(None, temperatures=0), "temperatures=0: expected 1 or more"),
        (lambda: fit(RBM((4,), hidden=3), STATES / 2), "only 0 and 1.*units='gaussian:0.3' for real numbers"),
        (lambda: ClassRBM((4,), condition=(3,)), "expected a number of classes"),
    ],
)
def test_bad_input_is_one_clear_line(make, said):
    with pytest.raises(ValueError, match=said) as error:
        make()
    assert "\n" not in str(error.value)


def fit(model, x):
    model.compile()
    model.fit(x, verbose=0)
