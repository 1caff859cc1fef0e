"""Autoregressive models of vectors: normalised, equal to their definitions, no output sees what comes after it, and the
cached sampler gives what the naive one gives."""

import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfgen import rng
from tfgen.autoregressive import FVSBN, MADE, NADE, EoNADE, NeuralAR
from tfgen.parts import likelihood
from tfgen.sampling import SAMPLE, Choice, naive

STATES = oracles.binary_states(5).astype("float32")
ORDER = (3, 0, 4, 1, 2)


def randomised(**arguments):
    model = MADE((5,), **arguments)
    generator = np.random.default_rng(0)
    for v in model.trainable_variables:
        v.assign(generator.normal(scale=1.2, size=v.shape))
    return model


VARIANTS = [
    {"hidden": (12,)},
    {"hidden": (12, 9, 7), "order": "raster"},
    {"hidden": (), "order": (3, 0, 4, 1, 2)},
    {"hidden": (16,), "masks": 3},
    {"hidden": (2,), "direct": True},
    {"hidden": (8, 8), "order": "raster", "masks": 2, "condition": 3},
]
variants = pytest.mark.parametrize(
    "arguments", VARIANTS, ids=["one", "deep", "logistic, given order", "masks", "direct", "classes"]
)


@variants
def test_sums_to_one_and_follows_the_chain_rule(arguments):
    model = randomised(**arguments)
    for label in range(arguments.get("condition") or 1):
        given = (np.full(32, label),) if "condition" in arguments else ()
        log_p = model.log_prob(STATES, *given).numpy()
        assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-5)
        assert log_p.std() > 0.1
    if arguments.get("masks", 1) == 1:
        places = model.degrees[0].numpy()[0]
        order = np.argsort(places)

        def conditional(prefix):
            x = np.zeros((1, 5), "float32")
            x[0, order[: len(prefix)]] = prefix
            p = 1 / (1 + np.exp(-model.logits(x).numpy()[0, order[len(prefix)]].astype(float)))
            return np.array([1 - p, p])

        np.testing.assert_allclose(log_p, oracles.chain_rule_log_prob(STATES[:, order], conditional), atol=1e-4)


@variants
def test_jacobian_is_zero_where_the_order_forbids(arguments):
    model = randomised(**arguments)
    given = 1 if "condition" in arguments else None
    for mask in range(model.masks):
        places = model.degrees[0].numpy()[mask]
        x = tf.constant(STATES)
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = model.logits(x, None if given is None else tf.fill([32], given), mask)
        total = np.abs(tape.batch_jacobian(logits, x)).sum(0)
        assert oracles.check_jacobian_mask(total, np.argsort(places))
        allowed = places[None, :] < places[:, None]
        if arguments.get("direct"):
            assert (total[allowed] > 0).all()
        elif len(arguments["hidden"]) < 2:  # wide enough for every allowed link to be there
            assert (total[allowed] > 0).mean() > 0.7


@pytest.mark.parametrize("hidden", [(), (12,)])
def test_every_output_of_made_hears_its_condition(hidden):
    logits = randomised(hidden=hidden, condition=2).logits(STATES[:2] * 0, np.arange(2)).numpy()
    assert (np.abs(logits[0] - logits[1]) > 1e-3).all()


def test_when_each_number_is_drawn():
    """Completions are samples of p(unknown | known) where what is known comes first in every order."""
    known = np.isin(np.arange(5), (1, 3))  # the first and the second by ORDER
    for model, foreseen in (
        (NADE((5,), order=ORDER), True),
        (NADE((5,)), False),
        (MADE((5,), order=ORDER, masks=2), True),
        (MADE((5,), masks=4), False),
        (EoNADE((5,), orders=4), True),
    ):
        assert model.foresees(known) == foreseen, type(model)
        assert model.foresees(np.ones(5, bool)) and model.foresees(np.zeros(5, bool))
    np.testing.assert_array_equal(NADE((5,), order=ORDER).ranks()[0], ORDER)


@variants
def test_sampler_frequencies(arguments):
    model = randomised(**arguments)
    told = (1,) if "condition" in arguments else ()
    samples = model.sample(40_000, *told, seed=1).numpy()
    counts = np.bincount(samples.astype(int) @ [16, 8, 4, 2, 1], minlength=32) / 40_000
    exact = np.exp(model.log_prob(STATES, *(np.full(32, 1),) if told else ()).numpy().astype(float))
    exact /= exact.sum()
    assert oracles.total_variation(counts, exact) < oracles.expected_total_variation(exact, 40_000) + math.sqrt(
        math.log(1e6) / 80_000
    )


@variants
def test_made_s_sampler_is_a_pass_for_each_number(arguments):
    """What is summed up on the way gives the samples that whole passes give: eager, traced, under XLA."""
    model = randomised(**arguments)
    noise, told = model.noise(200, rng.as_seed(3)), tf.range(200) % 3 if "condition" in arguments else None
    slow = np.zeros((200, 5), "float32")
    for mask, places in enumerate(model.degrees[0].numpy()):
        its = (noise["mask"].numpy()[:, 0] * model.masks).astype(int) == mask
        for i in np.argsort(places):
            drawn = model.likelihood.pick(noise["x"], model.logits(slow, told, mask)[..., None]).numpy()
            slow[its, i] = drawn[its, i]
    for fast in (model.generate_by, model._decoder(SAMPLE, False), model._decoder(SAMPLE, True)):
        np.testing.assert_array_equal(fast(noise, told, given=None), slow)


def test_the_given_order_is_the_order():
    """Places (3, 0, …): x_1 comes first, so its logit hangs on nothing, and x_0 fourth."""
    model = randomised(hidden=(12,), order=(3, 0, 4, 1, 2))
    logits = model.logits(STATES).numpy()
    assert np.ptp(logits[:, 1]) == 0 and np.ptp(logits[:, 2]) > 0
    with pytest.raises(ValueError, match="order is"):
        MADE((5,), order=(0, 1, 2))


def test_each_mask_is_trained_in_turn():
    model = MADE((5,), masks=3, hidden=(6,))
    assert len({tuple(row) for row in model.degrees[0].numpy()}) == 3
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(np.tile(STATES[[1, 7, 30]], (300, 1)), batch_size=30, epochs=10, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.5
    each = [
        float(
            tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(STATES[[1, 7, 30]], model.logits(STATES[[1, 7, 30]], None, m))
            )
        )
        for m in range(3)
    ]
    assert max(each) < 0.55, each


# -- the others: what each is by its definition, in numpy --------------------------------------------------------------


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def bernoulli(x, p):
    return np.log(np.where(x == 1, p, 1 - p))


def fvsbn(model, x):
    """x in its order, one example."""
    W, b = model.W.kernel.numpy().astype(float), model.W.bias.numpy()
    return sum(bernoulli(x[i], sigmoid(b[i] + W[:i, i] @ x[:i])) for i in range(len(x)))


def neural_ar(model, x):
    W, c, V, b = (v.numpy().astype(float) for v in (*model.W.variables, *model.V.variables))
    d, k, total = len(x), model.hidden, 0.0
    for i in range(d):
        logit = b[i]
        for j in range(i + 1):
            for unit in range(j * k, (j + 1) * k):
                logit += V[unit, i] * np.tanh(c[unit] + W[:j, unit] @ x[:j])
        total += bernoulli(x[i], sigmoid(logit))
    return total


def nade(model, x):
    W, V, b, c = (v.numpy().astype(float) for v in (model.W, model.V, model.b, model.c))
    h = lambda i: sigmoid(c + sum(x[j] * W[j] for j in range(i)))
    return sum(bernoulli(x[i], sigmoid(b[i, 0] + h(i) @ V[i, :, 0])) for i in range(len(x)))


def eonade_each(model, x):
    W, U, c, V, b = (v.numpy().astype(float) for v in (model.W, model.U, model.c, model.V, model.b))
    deep = [[v.numpy().astype(float) for v in layer.variables] for layer in model.deep]
    each = []
    for order in model.orders.numpy():
        total = 0.0
        for t, i in enumerate(order):
            m = np.isin(np.arange(len(x)), order[:t]).astype(float)
            h = np.maximum(0, (x * m) @ W + m @ U + c)
            for A, a in deep:
                h = np.maximum(0, h @ A + a)
            total += bernoulli(x[i], sigmoid(h @ V[:, i] + b[i]))
        each.append(total)
    return each


def eonade(model, x):
    each = eonade_each(model, x)
    return np.logaddexp.reduce(each) - math.log(len(each))


def moved(model, scale=0.8, seed=0):
    generator = np.random.default_rng(seed)
    for v in model.trainable_variables:
        v.assign(v + generator.normal(scale=scale, size=v.shape))
    return model


BINARY = {
    "fvsbn": (lambda d=5, **k: FVSBN((d,), **{"order": ORDER, **k}), fvsbn),
    "neural_ar": (lambda d=5, **k: NeuralAR((d,), **{"hidden": 2, "order": ORDER, **k}), neural_ar),
    "nade": (lambda d=5, **k: NADE((d,), **{"hidden": 4, "order": ORDER, **k}), nade),
    "eonade": (lambda d=5, **k: EoNADE((d,), hidden=(5, 4), orders=3, **k), eonade),
}
binary = pytest.mark.parametrize("name", BINARY)
cached = pytest.mark.parametrize("name", ["fvsbn", "neural_ar", "nade"])


@binary
def test_equals_its_definition(name):
    make, definition = BINARY[name]
    model = moved(make())
    order = np.arange(5) if name == "eonade" else np.argsort(model.order.numpy())
    expected = [definition(model, x[order].astype(float)) for x in STATES]
    np.testing.assert_allclose(model.log_prob(STATES), expected, atol=1e-4)


@binary
def test_ten_bits_sum_to_one(name):
    states = oracles.binary_states(10).astype("float32")
    make, _ = BINARY[name]
    model = moved(make(10, condition=3, **({} if name == "eonade" else {"order": "random"})))
    p = [np.exp(model.log_prob(states, np.full(1024, label)).numpy().astype(float)) for label in (0, 2)]
    assert np.sum(p, 1) == pytest.approx(1, abs=1e-4) and np.abs(p[0] - p[1]).sum() > 0.1


def test_ten_bits_of_made_sum_to_one():
    model = moved(MADE((10,), hidden=(8, 6), masks=3, direct=True))
    assert np.exp(model.log_prob(oracles.binary_states(10).astype("float32"))).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("which", ["gaussian_mixture:3", "gaussian"])
def test_rnade_integrates_to_one_and_is_its_definition(which):
    model = moved(NADE((2,), likelihood=which, hidden=5, order=(1, 0)), 0.3)
    line = np.linspace(-12, 12, 481, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    log_p = model.log_prob(grid).numpy().astype(float)
    assert np.exp(log_p).sum() * (line[1] - line[0]) ** 2 == pytest.approx(1, abs=1e-3)
    W, V, b, c, rho = (v.numpy().astype(float) for v in (model.W, model.V, model.b, model.c, model.rho))
    x = np.array([0.7, -0.4], "float32")  # x_1 comes first
    first = np.maximum(0, rho[0] * c) @ V[0] + b[0]
    second = np.maximum(0, rho[1] * (c + x[1] * W[0])) @ V[1] + b[1]
    each = model.likelihood.each(tf.constant(x[[1, 0]]), tf.constant(np.stack([first, second]), tf.float32))
    assert float(model.log_prob(x[None])[0]) == pytest.approx(float(tf.reduce_sum(each)), abs=1e-4)


@pytest.mark.parametrize("which", ["bernoulli", "categorical:3", "logistic_mixture:2", "gaussian_mixture:2"])
@pytest.mark.parametrize("order", ["raster", "random", ORDER])
def test_no_parameter_sees_what_comes_later(which, order):
    model = moved(NADE((5,), likelihood=which, hidden=12, order=order, seed=1))
    x = tf.constant(np.random.default_rng(0).uniform(0.1, 0.9, (3, 5)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        each = tf.unstack(model.parameters(x), axis=1)
    total = np.stack([np.abs(tape.gradient(each[i], x) if each[i].shape else 0).sum(0) for i in range(5)])
    places = model.order.numpy()
    assert oracles.check_jacobian_mask(total, np.argsort(places))
    assert (total[places[None, :] < places[:, None]] > 0).all()


def stepwise(model, x, condition=None):
    """The parameters of every place by `begin` and `step`, which are given x."""
    state, places = model.begin(len(x), condition), tf.unstack(model.inward(tf.constant(x)), axis=1)
    made, before = [], tf.zeros_like(places[0])
    for t, place in enumerate(places):
        features, state = model.step(state, before, tf.constant(t), condition)
        made.append(tf.stack([model.of_channel(c, features, place[:, :c]) for c in range(model.channels)], 1))
        before = place
    return tf.stack(made, 1).numpy()


def assert_fast_is_slow(model, condition=None, n=64, seed=2, traced=True):
    """Logits within 1e-5, and the same symbols but where a uniform is that near a threshold: an example may differ only
    if one of its own was."""
    noise = model.noise(n, rng.as_seed(seed))
    slow = naive(model, noise, condition)
    whole = model.ordered_parameters(slow, condition).numpy()
    np.testing.assert_allclose(stepwise(model, slow.numpy(), condition), whole, atol=1e-5 * max(1, np.abs(whole).max()))
    for compiled in (False, True) if traced else (None,):
        fast = model.generate_by if compiled is None else model._decoder(SAMPLE, compiled)
        fast = fast(noise, condition, given=None)
        if model.values == "real":
            np.testing.assert_allclose(fast, slow, atol=1e-4)
            continue
        apart = np.any((fast != slow).numpy().reshape(n, -1), 1)
        assert apart.mean() < 0.02, (compiled, apart.mean())
        if apart.any() and noise.shape.rank == 3:
            thresholds = sigmoid(whole) if model.values == "binary" else np.cumsum(tf.nn.softmax(whole), -1)
            distance = np.abs(thresholds - noise.numpy()[..., None]).reshape(n, -1).min(1)
            assert (distance[apart] < 1e-5).all()


@cached
def test_cached_is_naive(name):
    assert_fast_is_slow(moved(BINARY[name][0](condition=3)), tf.range(64) % 3)


@pytest.mark.parametrize("which", ["categorical:5", "gaussian_mixture:2"])
def test_cached_is_naive_of_other_numbers(which):
    assert_fast_is_slow(moved(NADE((4,), likelihood=which, hidden=6, order="random"), 0.4))


def assert_frequencies(samples, p, states):
    """In total variation, as far as so many samples show."""
    codes = samples.reshape(len(samples), -1).astype(int) @ (2 ** np.arange(states.shape[1])[::-1])
    counts = np.bincount(codes, minlength=len(p)) / len(samples)
    slack = math.sqrt(math.log(1e6) / 2 / len(samples))
    assert oracles.total_variation(counts, p) < oracles.expected_total_variation(p, len(samples)) + slack


@binary
def test_frequencies_of_samples_and_completions(name):
    """Of x; and of what follows a prefix (EoNADE: of what is not known, wherever it stands), given it."""
    model = moved(BINARY[name][0](condition=3))
    p = np.exp(model.log_prob(STATES, np.full(32, 2)).numpy().astype(float))
    assert_frequencies(model.sample(20_000, 2, seed=1).numpy(), p / p.sum(), STATES)
    known = np.array([0, 1, 0, 1, 0], bool) if name == "eonade" else model.order.numpy() < 2
    x = np.where(known, 1.0, 7.0)
    if name == "eonade":  # one order that begins with the known is one density
        model = moved(EoNADE((5,), hidden=(5, 4), orders=1, condition=3))
        order = [i for flag in (True, False) for i in model.orders.numpy()[0] if known[i] == flag]
        log_p = model.log_prob_in(tf.constant([order] * 32), STATES, model.begin(32, np.full(32, 2)))
        p = np.exp(log_p.numpy().astype(float))
    fits = p * np.all(STATES[:, known] == 1, 1)
    drawn = model.complete(np.tile(x, (20_000, 1)), known, 2, seed=3).numpy()
    assert (drawn[:, known] == 1).all()
    assert_frequencies(drawn, fits / fits.sum(), STATES)


def test_eonade_s_loss_is_the_mean_over_orders_and_places():
    """J(x) by every subset: its probability times what is left, against the mean of many draws."""
    model, x = moved(EoNADE((4,), hidden=(5,))), np.array([[1, 0, 1, 1]], "float32")
    expected = 0.0
    for m in oracles.binary_states(4)[:-1]:
        d = int(m.sum())
        each = tf.nn.sigmoid_cross_entropy_with_logits(x, model.logits(x, m[None])).numpy()[0]
        expected += 4 / (4 - d) * ((1 - m) * each).sum() / 4 / math.comb(4, d)
    with rng.stream(rng.as_seed(1)):
        drawn = model.loss_terms(tf.repeat(tf.constant(x), 40_000, 0))["loss"].numpy()
    assert drawn.mean() == pytest.approx(expected, abs=5 * float(drawn.std()) / 200)


def test_eonade_s_orders_one_by_one():
    model = moved(EoNADE((5,), hidden=(5, 4), orders=3))
    expected = [eonade_each(model, x.astype(float)) for x in STATES]
    np.testing.assert_allclose(model.log_prob_each(STATES), np.transpose(expected), atol=1e-4)


# -- how symbols are chosen --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["bernoulli", "categorical:4", "logistic_mixture:2"])
@pytest.mark.parametrize("temperature, top_k", [(0.5, None), (2.0, 2), (1.0, 1), (0.0, None)])
def test_temperature_and_top_k(which, temperature, top_k):
    """Uniforms at even distances give each value by p^(1/T), of the most likely alone."""
    p, count = likelihood(which), {"bernoulli": 2, "categorical:4": 4}.get(which, 256)
    parameters = np.random.default_rng(3).normal(size=(1, 1, p.size)).astype("float32")
    values = np.arange(count, dtype="float32")
    log_p = p.each(tf.constant(values[:, None]), tf.constant(parameters[0])).numpy()[:, 0].astype(float)
    kept = np.argsort(-log_p)[: 1 if temperature == 0 else top_k or count]
    expected = np.zeros(count)
    expected[kept] = np.exp((log_p[kept] - log_p.max()) / (temperature or 1))
    expected /= expected.sum()
    u = np.repeat(((np.arange(20_000) + 0.5) / 20_000).astype("float32")[:, None], 1, 1)
    noise = np.stack([u, u], -1) if which.startswith("logistic") else u
    drawn = Choice(temperature, top_k).pick(p, tf.constant(noise), tf.constant(np.tile(parameters, (20_000, 1, 1))))
    found = np.bincount(drawn.numpy().astype(int).ravel(), minlength=count) / 20_000
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_of_equal_values_the_smaller_are_kept():
    drawn = Choice(1.0, 2).pick(likelihood("categorical:4"), tf.constant([[0.1], [0.9]]), tf.zeros([2, 1, 4]))
    np.testing.assert_array_equal(drawn, [[0], [1]])


def test_the_most_likely_values_of_a_model():
    model = moved(BINARY["nade"][0]())
    a, b = (model.sample(3, seed=s, temperature=0).numpy() for s in (1, 2))
    np.testing.assert_array_equal(a, b)
    for places in (0, 4):  # the first given nothing, the last given all others
        i = int(np.argsort(model.order.numpy())[places])
        np.testing.assert_array_equal(a[:, i] > 0.5, model.parameters(a).numpy()[:, i, 0] > 0)
    np.testing.assert_array_equal(model.sample(9, seed=4, xla=True), model.sample(9, seed=4))


@pytest.mark.parametrize(
    "broken, said",
    [
        (lambda: FVSBN((3,), order=(0, 0, 1)), "places 0 … 2"),
        (lambda: NADE((3,), order="spiral"), "'spiral' came"),
        (lambda: NADE((3,), order=3), "3 came"),
        (lambda: FVSBN((3,), order=("a", 1, 2)), "in any order"),
        (lambda: NADE((784,), order=(0,) * 784), "something else \\(\\(0, 0"),
        (lambda: EoNADE((3,), hidden=()), "give it one or more"),
        (lambda: FVSBN((3,)).sample(2, top_k=1.5), "top_k=1.5: expected a whole number"),
        (lambda: FVSBN((3,)).sample(2, temperature="hot"), "temperature='hot'"),
        (lambda: NADE((3,), likelihood="categorical:4").complete([[0.5, 0, 0]], True), "whole numbers from 0 to 3"),
        (lambda: NADE((3,), condition=2).complete([[1, 0, 0]], True), "^x came without a condition"),
        (lambda: NeuralAR((3,), hidden=0), "hidden=0"),
        (lambda: EoNADE((3,), orders=0), "orders=0"),
        (lambda: FVSBN((3,)).sample(2, temperature=-1.0), "temperature=-1.0: expected a number, 0"),
        (lambda: FVSBN((3,)).sample(2, top_k=0), "top_k=0"),
        (lambda: NADE((3,), likelihood="gaussian").sample(2, temperature=0.5), "real numbers: leave them out"),
        (lambda: FVSBN((3,)).complete([[2, 0, 0]], [True, False, False]), "takes binary values"),
        (lambda: NADE((3,), likelihood="categorical:4").complete([[9, 0, 0]], [True, False, False]), "0 to 3"),
        (lambda: FVSBN((3,)).complete([[1, 0, 0]], [True, False]), "a bool for each number"),
        (lambda: FVSBN((3,), condition=(2,)).sample(2, np.zeros((2, 3))), "condition of shape"),
    ],
)
def test_bad_input_gets_one_line(broken, said):
    with pytest.raises(ValueError, match=said) as error:
        broken()
    assert "\n" not in str(error.value)
