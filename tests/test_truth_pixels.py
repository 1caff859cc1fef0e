"""Autoregressive models of pictures: normalised under every head, nothing sees what comes later, the receptive field is
what is computed, and the cached sampler gives what the naive one gives."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_truth_autoregressive import assert_fast_is_slow, assert_frequencies, moved, sigmoid

from tfgen import rng
from tfgen.autoregressive import RIDE, DiagonalBiLSTM, GatedPixelCNN, Multiscale, PixelCNN, RowLSTM
from tfgen.autoregressive.multiscale import join, split
from tfgen.layers import DiagonalBiLSTM as BiLayer
from tfgen.layers import DiagonalLSTM, skew, unskew
from tfgen.layers import RowLSTM as RowLayer
from tfgen.layers import lines as lines_of
from tfgen.parts import MixtureOfScales, likelihood

SMALL = {"first": 3, "kernel": 3}
NETS = {
    "pixelcnn": lambda shape, **k: PixelCNN(shape, **{"filters": 4, "layers": 2, "first": 3, **k}),
    "gated_pixelcnn": lambda shape, **k: GatedPixelCNN(shape, **{"filters": 4, "layers": 3, **SMALL, **k}),
    "row_lstm": lambda shape, **k: RowLSTM(shape, **{"units": 4, "layers": 1, "first": 3, **k}),
    "diagonal_bilstm": lambda shape, **k: DiagonalBiLSTM(shape, **{"units": 4, "layers": 2, "first": 3, **k}),
    "ride": lambda shape, **k: RIDE(shape, **{"units": 5, "layers": 2, "rows": 1, "scales": 2, **k}),
}
nets = pytest.mark.parametrize("name", NETS)


def pictures(shape, levels=2):
    """All of them."""
    states = itertools.product(range(levels), repeat=int(np.prod(shape)))
    return np.array(list(states), "float32").reshape(-1, *shape)


def total(model, x, condition=None):
    told = None if condition is None else np.repeat(condition[None], len(x), 0)
    return np.exp(model.log_prob(tf.constant(x), told).numpy().astype(float)).sum()


@nets
def test_binary_pictures_sum_to_one(name):
    model = moved(NETS[name]((3, 3, 1), condition={"class": 3, "picture": (3, 3, 1), "vector": (2,)}), 0.4)
    x, dice = pictures((3, 3, 1)), np.random.default_rng(1)
    told = {"class": np.repeat(2, 512), "vector": np.repeat(dice.normal(size=(1, 2)), 512, 0)}
    told["picture"] = np.repeat(dice.normal(size=(1, 3, 3, 1)), 512, 0)
    p = np.exp(model.log_prob(x, told).numpy().astype(float))
    assert p.sum() == pytest.approx(1, abs=1e-4) and p.std() > 1e-4
    for part in told:  # each is heard
        other = {**told, part: 1 - told[part] if part == "class" else told[part] + 1}
        assert np.abs(np.exp(model.log_prob(x, other)) - p).sum() > 1e-3


@nets
def test_colours_of_two_levels_sum_to_one(name):
    model = moved(NETS[name]((1, 2, 3), likelihood="categorical:2"), 0.4)
    assert total(model, pictures((1, 2, 3))) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["pixelcnn", "ride"])
def test_bytes_under_a_mixture_of_logistics_sum_to_one(name):
    model = moved(NETS[name]((1, 2, 1), likelihood="logistic_mixture:2"), 0.2)
    assert total(model, pictures((1, 2, 1), 256)) == pytest.approx(1, abs=1e-3)


def test_ride_s_mixture_of_scales():
    """By its formula; it integrates to one."""
    layer = moved(MixtureOfScales(3, 2, 3, factors=4), 0.3)
    eta, alpha, beta, b, a, shift = (v.numpy().astype(float) for v in layer.weights)
    h, x = np.array([0.5, -1.0, 2.0]), np.linspace(-60, 60, 24_001)
    weights, density = np.zeros((2, 3)), np.zeros(len(x))
    for c, s in np.ndindex(2, 3):
        K = (b * beta[:, c] ** 2) @ b.T
        weights[c, s] = np.exp(eta[c, s] - 0.5 * np.exp(alpha[c, s]) * h @ K @ h)
    for c, s in np.ndindex(2, 3):
        precision, mean = np.exp(alpha[c, s]), a[:, c] @ h + shift[c]
        normal = np.sqrt(precision / 2 / np.pi) * np.exp(-precision / 2 * (x - mean) ** 2)
        density += weights[c, s] / weights.sum() * normal
    parameters = tf.repeat(layer(tf.constant(h[None], tf.float32)), len(x), 0)
    found = np.exp(likelihood("gaussian_mixture:6").each(tf.constant(x, tf.float32), parameters))
    np.testing.assert_allclose(found, density, atol=1e-4)
    assert found.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-3)


# -- what sees what ----------------------------------------------------------------------------------------------------


def awake(model, most=0.2):
    """Small weights above zero: no unit sleeps or saturates, and no slopes cancel."""
    generator = np.random.default_rng(0)
    for v in model.trainable_variables:
        v.assign(generator.uniform(most / 10, most, v.shape))
    return model


def depends(f, shape, low=0.2, high=0.8):
    """[outputs, inputs]: whether each row of outputs f(x) has a slope by each number of x, each by an example of its
    own."""
    dims = int(np.prod(shape))
    x = tf.constant(np.random.default_rng(0).uniform(low, high, (dims, *shape)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        of_its_own = tf.reshape(f(x), [dims, dims, -1]) * tf.eye(dims)[..., None]
    return tf.reshape(tape.gradient(of_its_own, x), [dims, dims]).numpy() != 0


@nets
@pytest.mark.parametrize("which", ["bernoulli", "categorical:3", "logistic_mixture:2", "gaussian_mixture:4"])
def test_no_number_of_a_colour_picture_sees_a_later_one(name, which):
    """R → G → B, pixel by pixel; and each sees the one before it."""
    model = awake(NETS[name]((3, 3, 3), likelihood=which))
    low, high = (model.likelihood.top / 2, model.likelihood.top) if model.values == "bytes" else (0.2, 0.8)
    seen = depends(model.parameters, (3, 3, 3), low, high)
    assert not np.triu(seen).any(), np.argwhere(np.triu(seen))
    last = np.arange(1, 27)
    assert seen[last, last - 1][last % 3 > 0].all() and seen[last, last - 1].sum() > 22


@nets
@pytest.mark.parametrize("shape", [(5, 6), (4, 2)])
def test_the_receptive_field_is_what_is_computed(name, shape):
    model = awake(NETS[name]((*shape, 1)), 0.04 if name == "ride" else 0.2)  # two forget gates add up
    seen = depends(model.parameters, (*shape, 1))
    for place in range(model.places):
        row, column = divmod(place, shape[1])
        np.testing.assert_array_equal(seen[place].reshape(shape), model.field(row, column), f"of {row}, {column}")


def test_the_blind_spot():
    """PixelCNN never sees what lies to the right above its kernels' slope, however many layers; gated, none is left.
    Along diagonals there is one: nothing from the right has seen the last pixel of the row above."""
    deep = PixelCNN((7, 7, 1), filters=2, layers=12, first=3)
    blind = ~deep.field(5, 2) & (np.arange(49).reshape(7, 7) < 5 * 7 + 2)
    assert {tuple(at) for at in np.argwhere(blind)} == {(4, 4), (4, 5), (4, 6), (3, 5), (3, 6), (2, 6)}
    gated = GatedPixelCNN((7, 7, 1), filters=2, layers=6, **SMALL)
    full = DiagonalBiLSTM((7, 7, 1), units=2, layers=1)
    for row, column in np.ndindex(7, 7):
        before = (np.arange(49) < row * 7 + column).reshape(7, 7)
        np.testing.assert_array_equal(gated.field(row, column), before)
        if row and column + 3 < 6:  # beyond the first convolution
            before[row - 1, 6] = False
        np.testing.assert_array_equal(full.field(row, column), before)
    assert deep.field_as_text(5, 2).splitlines()[4:6] == ["####ooo", "##X...."]


@pytest.mark.parametrize("sizes", [{}, {"layers": 7, "kernel": 3}], ids=["as_it_is", "narrow"])
def test_gates_let_a_deep_stack_through(sizes):
    """At the start v of the last layer still varies with what it sees: Glorot's weights left a thousandth of it."""
    keras.utils.set_random_seed(0)
    v = h = np.random.default_rng(0).binomial(1, 0.13, (8, 14, 14, 1)).astype("float32")
    for layer in GatedPixelCNN((14, 14, 1), **sizes).stack:
        v, h = layer(v, h)
    assert 0.05 < np.std(v) < 0.5 and 0.3 < np.std(h) < 3


# -- the layers by their definitions -----------------------------------------------------------------------------------


def test_skew_and_unskew():
    x = tf.reshape(tf.range(2 * 3 * 4 * 2), [2, 3, 4, 2])
    skewed = skew(x)
    assert skewed.shape == (2, 3, 6, 2)
    for row in range(3):
        np.testing.assert_array_equal(skewed[:, row, row : row + 4], x[:, row])
        assert not np.any(skewed[:, row, :row]) and not np.any(skewed[:, row, row + 4 :])
    np.testing.assert_array_equal(unskew(skewed), x)


def cell(gates, c, above=None):
    """h and c of an LSTM; with a forget gate for the state above, the spatial one of Theis and Bethge."""
    o, f, i, g, *other = np.split(gates, 4 if above is None else 5)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    if above is None:
        return sigmoid(o) * np.tanh(c), c
    c += sigmoid(other[0]) * above
    return np.tanh(sigmoid(o) * c), c


def test_row_lstm_is_its_definition():
    layer, x = moved(RowLayer(2, 3)), np.random.default_rng(1).normal(size=(1, 3, 4, 2)).astype("float32")
    K, bias, U = (v.numpy() for v in (layer.inside.kernel, layer.inside.bias, layer.above))
    h, c = np.zeros((4, 6, 3)), np.zeros((4, 6, 3))  # a row above, and a column to each side, of zeros
    for r, col in np.ndindex(3, 4):
        left = x[0, r, col - 1] @ K[0] if col else 0
        gates = left + x[0, r, col] @ K[1] + bias + np.concatenate(h[r, col : col + 3]) @ U
        h[r + 1, col + 1], c[r + 1, col + 1] = cell(gates, c[r, col + 1])
    np.testing.assert_allclose(layer(x)[0], h[1:, 1:-1], atol=1e-5)


@pytest.mark.parametrize("spatial", [False, True])
def test_diagonal_lstm_is_its_definition(spatial):
    layer = moved(DiagonalLSTM(2, 3, spatial=spatial))
    x = np.random.default_rng(1).normal(size=(1, 3, 4, 2)).astype("float32")
    W, bias, U = (v.numpy() for v in (layer.inside.kernel, layer.inside.bias, layer.around))
    h, c = np.zeros((4, 5, 3)), np.zeros((4, 5, 3))
    for r, col in np.ndindex(3, 4):
        gates = x[0, r, col] @ W + bias + np.concatenate([h[r + 1, col], h[r, col + 1]]) @ U
        h[r + 1, col + 1], c[r + 1, col + 1] = cell(gates, c[r + 1, col], c[r, col + 1] if spatial else None)
    np.testing.assert_allclose(layer(x)[0], h[1:, 1:], atol=1e-5)


@pytest.mark.parametrize("offsets, spatial", [((-1, 0, 1), False), ((0, -1), False), ((0, -1), True)])
def test_the_gradient_that_is_written_out(offsets, spatial):
    """That of the same steps one by one, and the numbers of both."""
    dice = np.random.default_rng(1)
    gates = 3 * (4 + spatial)
    given, kernel = (tf.constant(dice.normal(size=s)) for s in ((5, 2, 4, gates), (3 * len(offsets), gates)))
    weights = tf.constant(dice.normal(size=(5, 2, 4, 3)))

    def one_by_one(given, kernel):
        h = c = tf.zeros([2, 4, 3], tf.float64)
        lines = []
        for gates in tf.unstack(given):
            around = [tf.pad(h, [[0, 0], [1, 1], [0, 0]])[:, 1 + o : 5 + o] for o in offsets]
            above = tf.pad(c, [[0, 0], [1, 0], [0, 0]])[:, :-1] if spatial else None
            h, c = lines_of.cell(gates + tf.concat(around, -1) @ kernel, c, above)
            lines.append(h)
        return tf.stack(lines)

    found = []
    for how in (one_by_one, lambda *a: lines_of.recur(*a, offsets, spatial)):
        with tf.GradientTape() as tape:
            tape.watch([given, kernel])
            states = how(given, kernel)
            loss = tf.reduce_sum(weights * states)
        found.append([states, *tape.gradient(loss, [given, kernel])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_what_comes_from_the_right_is_moved_down():
    layer = moved(BiLayer(2, 3))
    x = np.random.default_rng(1).normal(size=(1, 3, 4, 2)).astype("float32")
    right = layer.right(x[:, :, ::-1]).numpy()[:, :, ::-1]
    expected = layer.left(x).numpy()
    expected[:, 1:] += right[:, :-1]
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)


# -- the sampler -------------------------------------------------------------------------------------------------------

TOLD = {"class": 3, "picture": (4, 3, 1)}
CACHED = {
    "of what is told": {"shape": (4, 3, 1), "condition": TOLD},
    "of colours": {"shape": (2, 3, 3), "likelihood": "categorical:3"},
    "of a mixture": {"shape": (3, 2, 2), "likelihood": "logistic_mixture:2"},
}


@nets
@pytest.mark.parametrize("case", CACHED)
def test_cached_is_naive(name, case):
    model, condition = moved(NETS[name](**CACHED[case]), 0.3), None
    if model.condition:
        dice = np.random.default_rng(2)
        condition = {"class": tf.range(64) % 3, "picture": tf.constant(dice.normal(size=(64, 4, 3, 1)), tf.float32)}
    assert_fast_is_slow(model, condition, traced=case == "of what is told")


def test_cached_is_naive_of_real_numbers():
    assert_fast_is_slow(moved(NETS["ride"]((3, 3, 1), likelihood="gaussian_mixture:4"), 0.3), traced=False)


@nets
def test_samples_in_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = NETS[name]((2, 2, 1), condition=3)
    assert set(np.unique(model.generate(model.noise(3, rng.as_seed(0)), tf.range(3)))) <= {0.0, 1.0}


@pytest.mark.parametrize("name", [*NETS, "multiscale"])
def test_frequencies_of_samples_and_completions(name):
    if name == "multiscale":
        model = moved(Multiscale((2, 2, 1), scales=1, filters=4, layers=1, condition=3), 0.3)
    else:
        model = moved(NETS[name]((2, 2, 1), condition=3), 0.4)
    x, told = pictures((2, 2, 1)), tf.fill([20_000], 1)
    p, states = np.exp(model.log_prob(x, np.full(16, 1)).numpy().astype(float)), x.reshape(16, 4)
    noise = model.noise(20_000, rng.as_seed(1))
    assert_frequencies(model.generate(noise, told).numpy(), p / p.sum(), states)
    known = np.broadcast_to([[[1], [1]], [[0], [0]]], (20_000, 2, 2, 1)).astype(bool)  # a prefix in either order
    fits = p * np.all(states[:, :2] == [0, 1], 1)
    given = tf.constant(np.broadcast_to(x[6], (20_000, 2, 2, 1))), tf.constant(known)
    drawn = model.generate_by(noise, told, given=given).numpy()
    assert (drawn[:, 0, :, 0] == [0, 1]).all()
    assert_frequencies(drawn, fits / fits.sum(), states)
    if name == "ride":  # the same by name; what is known further on is kept
        kept = model.complete(x, ~known[0], 1, seed=2).numpy()
        np.testing.assert_array_equal(kept[:, 1], x[:, 1])


# -- multiscale --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape, scales, which, levels",
    [((4, 4, 1), 2, "bernoulli", 2), ((2, 2, 3), 1, "categorical:2", 2), ((2, 4, 1), 1, "categorical:3", 3)],
)
def test_multiscale_sums_to_one(shape, scales, which, levels):
    model = moved(Multiscale(shape, scales=scales, likelihood=which, filters=3, layers=1), 0.3)
    x = pictures(shape, levels)
    whole = sum(total(model, x[i : i + 2**14]) for i in range(0, len(x), 2**14))
    assert whole == pytest.approx(1, abs=1e-3)


def test_groups_of_pixels():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    groups = split(x)
    np.testing.assert_array_equal(groups[1], x[:, ::2, 1::2])
    np.testing.assert_array_equal(join([tf.constant(g) for g in groups]), x)
    assert Multiscale((28, 28, 1), filters=2, layers=1).passes == 49 + 6


def test_a_group_sees_those_before_it_alone():
    """log p as a sum over the groups of one scale: the slope of a term by a pixel of a later group is zero."""
    model = moved(Multiscale((4, 4, 1), scales=1, filters=4, layers=1), 0.3)
    x = np.random.default_rng(0).uniform(0.2, 0.8, (3, 4, 4, 1)).astype("float32")
    groups = [tf.constant(g) for g in split(x)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(groups)
        made = [model.features(0, g, tf.concat(groups[:g], -1), None) for g in (1, 2, 3)]
    for g, h in enumerate(made, 1):
        slopes = [tape.gradient(h, one) for one in groups]
        assert [s is not None and bool(np.abs(s).max() > 0) for s in slopes] == [i < g for i in range(4)]


def test_the_field_of_multiscale():
    """By the slopes of what each net says of each pixel of its group; and what is drawn before what."""
    model = awake(Multiscale((8, 12, 1), scales=2, filters=2, layers=1))
    x = tf.constant(np.random.default_rng(0).uniform(0.2, 0.8, (1, 8, 12, 1)), tf.float32)
    rank = model.ranks()[0][..., 0]
    assert (np.unique(rank, return_counts=True)[1] == [*[1] * 6, *[6] * 3, *[24] * 3]).all()
    for row, column in ((0, 1), (3, 10), (5, 5), (2, 4), (6, 6), (2, 8), (4, 8)):
        scale = 0 if row % 2 or column % 2 else 1 if row % 4 or column % 4 else 2
        step = 2**scale
        with tf.GradientTape() as tape:
            tape.watch(x)
            if scale == 2:
                made = model.base.parameters(x[:, ::4, ::4])[0, row // 4, column // 4]
            else:
                r, c = row // step, column // step
                group = 2 * (r % 2) + c % 2
                groups = split(x[:, ::step, ::step])[:group]
                made = model.features(scale, group, tf.concat(groups, -1), None)[0, r // 2, c // 2]
        seen = tape.gradient(made, x)[0, ..., 0].numpy() != 0
        np.testing.assert_array_equal(model.field(row, column), seen, f"of {row}, {column}")
        assert not (seen & ~model.before(row, column)).any()


def test_multiscale_samples_are_the_same_under_xla_and_by_choice():
    model = moved(Multiscale((2, 4, 1), likelihood="logistic_mixture:2", scales=1, filters=4, layers=1), 0.2)
    a, b = model.sample(8, seed=1).numpy(), model.sample(8, seed=1, xla=True).numpy()
    assert np.mean(a != b) < 0.01 and set(a.ravel()) <= set(range(256))
    np.testing.assert_array_equal(*(model.sample(2, seed=s, temperature=0).numpy() for s in (1, 2)))


@pytest.mark.parametrize(
    "broken, said",
    [
        (lambda: Multiscale((6, 8, 1), scales=2), "can be halved 2 times"),
        (lambda: PixelCNN((8, 8)), "pictures \\[height, width, channels\\]"),
        (lambda: PixelCNN((8, 8, 1), kernel=4), "kernel=4: expected an odd number"),
        (lambda: GatedPixelCNN((8, 8, 1), first=1), "first=1: expected an odd number, 3"),
        (lambda: GatedPixelCNN((8, 8, 1), first=(3, 3)), "expected an odd number, 3"),
        (lambda: GatedPixelCNN((8, 8, 1)).field(8, 0), "rows are 0 … 7"),
        (lambda: GatedPixelCNN((8, 8, 1), likelihood="gaussian_global"), "every number has parameters of its own"),
        (lambda: RIDE((4, 4, 1), likelihood="gaussian_mixture:6", scales=4), "no multiple"),
        (lambda: NETS["pixelcnn"]((2, 2, 1), condition=(3,)).sample(2, np.zeros(4)), "shape"),
        (lambda: NETS["pixelcnn"]((2, 2, 1)).complete(np.full((1, 2, 2, 1), 0.5), True), "takes binary values"),
        (lambda: NETS["row_lstm"]((2, 2, 1)).sample(1, temperature=-0.1), "temperature=-0.1"),
    ],
)
def test_bad_input_gets_one_line(broken, said):
    with pytest.raises(ValueError, match=said) as error:
        broken()
    assert "\n" not in str(error.value)


def test_oracle_of_what_depends():
    """The test's own eye: it sees a link that is there, and none that is not."""
    W = np.tril(np.ones((4, 4), "float32"), -1)
    np.testing.assert_array_equal(depends(lambda x: x @ W.T, (4,)), W > 0)
