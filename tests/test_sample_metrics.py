"""Metrics of samples, each against loops over its definition, a closed form, or a case whose answer is known."""

import itertools
import json
import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from scipy import stats

from tfgen import data, laws, losses, metrics, rng
from tfgen.metrics import classifier, features
from tfgen.metrics.networks import SAVED, paths_of
from tfgen.model import GenerativeModel
from tfgen.runs import Settings, sampled
from tfgen.runs.material import Material

R = np.random.RandomState(0)


@pytest.fixture(autouse=True)
def _same_draws():
    """Whichever tests ran before, in whichever process."""
    R.seed(0)


# -- maximum mean discrepancy ------------------------------------------------------------------------------------------

KERNELS = {
    "gaussian": (
        losses.gaussian([0.5, 2.0]),
        lambda a, b: sum(math.exp(-((a - b) ** 2).sum() / (2 * s**2)) for s in (0.5, 2.0)),
    ),
    "rational": (
        losses.rational_quadratic([0.2, 3.0]),
        lambda a, b: sum((1 + ((a - b) ** 2).sum() / (2 * s)) ** -s for s in (0.2, 3.0)),
    ),
    "polynomial": (losses.polynomial(3), lambda a, b: (a @ b / len(a) + 1) ** 3),
}


def mmd_by_loops(x, y, k, unbiased=True):
    def within(z):
        pairs = [k(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j or not unbiased]
        return sum(pairs) / len(pairs)

    return within(x) + within(y) - 2 * np.mean([k(a, b) for a in x for b in y])


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("name", KERNELS)
def test_squared_mmd_is_its_double_sum(name, unbiased):
    kernel, by_hand = KERNELS[name]
    x, y = R.randn(9, 4), 1.5 * R.randn(12, 4) + 0.3
    assert float(losses.squared_mmd(x, y, kernel, unbiased)) == pytest.approx(
        mmd_by_loops(x, y, by_hand, unbiased), rel=1e-4, abs=1e-6
    )
    if name != "polynomial":  # far from the origin, too: of |x|² - 2 x·y + |y|² no digit would be left there
        assert float(losses.squared_mmd(x + 1000, y + 1000, kernel, unbiased)) == pytest.approx(
            mmd_by_loops(x, y, by_hand, unbiased), rel=5e-3, abs=1e-4
        )


def test_unbiased_mmd_has_the_mean_and_variance_of_theory():
    """Gaussian kernel, x ~ N(0, I), y ~ N(μ, I): E MMD² in closed form; of equal distributions the variance, too.

    With k centred to k°, Var = E k°² (4 / m(m-1) + 4 / m²): the first of pairs within, the second of pairs across
    (Gretton et al. 2012, A.2).
    The mean of 4000 is right to four standard deviations, the variance to a fifth: a scale of m² for m(m-1) is off by
        more.
    """
    m, d, s2, count = 5, 2, 2.0, 4000
    kernel = losses.gaussian([math.sqrt(s2)])
    many = tf.function(
        lambda x, y: tf.map_fn(lambda pair: losses.squared_mmd(*pair, kernel), (x, y), fn_output_signature=tf.float32)
    )
    x, y = R.randn(2, count, m, d).astype("float32")
    equal, mean, squared = many(x, y).numpy(), (s2 / (s2 + 2)) ** (d / 2), (s2 / (s2 + 4)) ** (d / 2)
    seen = (s2 / (s2 + 1)) ** d * ((s2 + 1) / (s2 + 3)) ** (d / 2)  # E (E_y k(x, y))²
    variance = (squared - 2 * seen + mean**2) * (4 / (m * (m - 1)) + 4 / m**2)
    assert abs(equal.mean()) < 4 * math.sqrt(variance / count)
    assert equal.var() == pytest.approx(variance, rel=0.2)
    shifted, mu2 = many(x, y + np.float32(0.7)).numpy(), d * 0.49
    assert abs(shifted.mean() - 2 * mean * (1 - math.exp(-mu2 / (2 * (s2 + 2))))) < 4 * shifted.std() / math.sqrt(count)


@pytest.mark.parametrize("name", KERNELS)
def test_mmd_has_a_finite_and_right_gradient(name):
    """By finite differences of the loops; and where two points are one."""
    kernel, by_hand = KERNELS[name]
    x, y = R.randn(4, 3), R.randn(5, 3)
    v = tf.Variable(x, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = losses.squared_mmd(v, y, kernel)
    step = np.zeros_like(x)
    step[1, 2] = 1e-5
    slope = (mmd_by_loops(x + step, y, by_hand) - mmd_by_loops(x - step, y, by_hand)) / 2e-5
    assert tape.gradient(loss, v).numpy()[1, 2] == pytest.approx(slope, rel=1e-3, abs=1e-5)
    same = tf.Variable(tf.ones([3, 2]))
    with tf.GradientTape() as tape:
        loss = losses.squared_mmd(same, tf.ones([3, 2]), kernel)
    assert np.isfinite(tape.gradient(loss, same)).all() and float(loss) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("n, m", [(4, 3), (4, 4)])  # 21 and 28 pairs: a middle one, and two
def test_median_bandwidth(n, m):
    x, y = R.randn(n, 2), R.randn(m, 2)
    both = np.concatenate([x, y])
    expected = np.median([math.dist(a, b) for a, b in itertools.combinations(both, 2)])
    assert float(losses.median_bandwidth(x, y)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.median_bandwidth(np.ones((2, 2)), np.ones((2, 2)))) > 0


@pytest.mark.parametrize(
    "call",
    [lambda: losses.gaussian([]), lambda: losses.gaussian([1.0, 0.0]), lambda: losses.rational_quadratic([-1.0])],
)
def test_kernels_refuse_what_is_none(call):
    with pytest.raises(ValueError, match="expected one or more numbers above 0"):
        call()


def test_mmd_refuses_what_it_cannot_take():
    with pytest.raises(ValueError, match=r"expected \[n, d\]"):
        losses.squared_mmd(tf.zeros([2, 3, 3]), tf.zeros([2, 3, 3]), losses.polynomial())
    with pytest.raises(ValueError, match="at least 2 on either side"):
        losses.squared_mmd(tf.zeros([1, 3]), tf.zeros([4, 3]), losses.polynomial())


# -- features ----------------------------------------------------------------------------------------------------------


def exact_sample(mean, covariance, n=60):
    """Rows whose mean and covariance are these, not merely in expectation."""
    z = R.randn(n, len(mean))
    z -= z.mean(0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T
    return z @ np.linalg.cholesky(covariance).T + mean


def random_covariance(d):
    root = R.randn(d, d)
    return root @ root.T + 0.1 * np.eye(d)


def test_frechet_distance_of_two_gaussians():
    d = 5
    (a, b), mean = (random_covariance(d), random_covariance(d)), R.randn(d)
    expected = mean @ mean + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    assert metrics.frechet_distance(exact_sample(np.zeros(d), a), exact_sample(mean, b, 80)) == pytest.approx(
        expected, rel=1e-8
    )
    variances, others = np.array([1.0, 4.0, 9.0]), np.array([4.0, 1.0, 1.0])  # commuting: Σ (σ - σ')²
    assert metrics.frechet_distance(
        exact_sample(np.ones(3), np.diag(variances)), exact_sample(np.ones(3), np.diag(others))
    ) == pytest.approx(1 + 1 + 4)


def test_frechet_distance_of_few_examples_in_many_dimensions():
    x = R.randn(10, 40)
    assert metrics.frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(x, x + 0.5) == pytest.approx(40 * 0.25)


def test_kernel_distance():
    x, y = R.randn(30, 3), R.randn(40, 3) + 1
    k = KERNELS["polynomial"][1]
    whole = metrics.kernel_distance(x, y[:30], subsets=3, size=1000)
    assert whole.value == pytest.approx(mmd_by_loops(x, y[:30], k)) and whole.error == pytest.approx(0, abs=1e-12)
    each = [metrics.kernel_distance(x, y, subsets=1, size=10, seed=seed).value for seed in range(200)]
    many = metrics.kernel_distance(x, y, subsets=200, size=10)
    assert many.error * math.sqrt(200) == pytest.approx(np.std(each), rel=0.3)
    assert abs(many.value - mmd_by_loops(x, y, k)) < 4 * many.error
    assert many == metrics.kernel_distance(x, y, subsets=200, size=10)


@pytest.mark.parametrize("piece", [7, 1000])
def test_precision_recall_density_coverage_by_loops(piece, monkeypatch):
    monkeypatch.setattr(features, "PIECE", piece)
    real, fake, k = R.randn(23, 2), 0.7 * R.randn(31, 2) + 1.2, 3

    def radii(x):
        return [sorted(math.dist(a, b) for j, b in enumerate(x) if j != i)[k - 1] for i, a in enumerate(x)]

    def inside(x, y):
        """[x, y]: whether y_j is in the ball of x_i."""
        return np.array([[math.dist(a, b) <= r for b in y] for a, r in zip(x, radii(x), strict=True)])

    got = metrics.precision_recall(real, fake, k)
    assert got == pytest.approx((inside(real, fake).any(0).mean(), inside(fake, real).any(0).mean()))
    assert 0 < got.recall < got.precision < 1  # or they could be exchanged
    got = metrics.density_coverage(real, fake, k)
    assert got == pytest.approx((inside(real, fake).sum() / (k * 31), inside(real, fake).any(1).mean()))
    assert metrics.precision_recall(real, real) == (1, 1) and metrics.precision_recall(real, fake + 100) == (0, 0)


def test_coverage_of_equal_distributions():
    """Naeem et al., section 3.3: of equal counts, 1 - (N-1)…(N-k) / (2N-1)…(2N-k); the density is 1."""
    n, k = 2000, 2
    got = metrics.density_coverage(R.randn(n, 5), R.randn(n, 5), k)
    expected = 1 - math.prod(n - i for i in range(1, k + 1)) / math.prod(2 * n - i for i in range(1, k + 1))
    assert got.coverage == pytest.approx(expected, abs=0.04) and got.density == pytest.approx(1, abs=0.1)


def test_inception_score_by_hand():
    p = np.array([[0.9, 0.1], [0.3, 0.7]])
    mean = p.mean(0)
    expected = math.exp(np.mean([sum(q * math.log(q / m) for q, m in zip(row, mean, strict=True)) for row in p]))
    assert metrics.inception_score(p, splits=1) == pytest.approx((expected, 0))
    onehot = np.eye(4)[np.repeat(np.arange(4), 10)]
    assert metrics.inception_score(onehot, splits=1).value == pytest.approx(4)
    assert metrics.inception_score(onehot, splits=2) == pytest.approx((2, 0))
    assert metrics.inception_score(np.full((40, 4), 0.25)).value == pytest.approx(1)
    uneven = metrics.inception_score(onehot[[0, 10, 20, 30, 0, 0, 0, 0]], splits=2)
    assert uneven == pytest.approx((2.5, 1.5))
    with pytest.raises(ValueError, match="not logits"):
        metrics.inception_score(R.randn(20, 4))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: metrics.frechet_distance(np.ones((3, 2)), np.ones((3, 3))), "second dimensions differ"),
        (
            lambda: metrics.precision_recall(np.ones((3, 2)), np.full((3, 2), np.nan)),
            "fake holds numbers that are not finite",
        ),
        (lambda: metrics.kernel_distance(np.ones(3), np.ones(3)), r"real of shape \(3,\)"),
        (lambda: metrics.density_coverage(np.ones((4, 2)), np.ones((4, 2))), "4 real examples came, and neighbour k=5"),
        (lambda: metrics.inception_score(np.ones((3, 1))), "3 rows came for 10 splits"),
        (
            lambda: metrics.parzen(np.ones((3, 2)), np.ones((3, 2)), np.full((3, 2), np.inf)),
            "test holds numbers that are not finite",
        ),
        (lambda: metrics.parzen(np.ones((3, 2)), np.ones((3, 2)), np.ones((3, 2)), [0.1, 0]), "numbers above 0"),
        (lambda: metrics.nearest_neighbour_test(np.ones((3, 2)), np.ones((4, 2))), "equally many"),
    ],
)
def test_wrong_input_is_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


# -- Parzen windows ----------------------------------------------------------------------------------------------------


def test_parzen_by_loops(monkeypatch):
    monkeypatch.setattr(features, "PIECE", 4)
    samples, validation, test, sigmas = R.rand(11, 2, 2), R.rand(6, 2, 2), R.rand(9, 2, 2), (0.05, 0.3, 5.0)

    def log_density(x, sigma):
        return [math.log(np.mean([np.prod(stats.norm.pdf(a.ravel(), s.ravel(), sigma)) for s in samples])) for a in x]

    best = max(sigmas, key=lambda sigma: np.mean(log_density(validation, sigma)))
    got, each = metrics.parzen(samples, validation, test, sigmas), log_density(test, best)
    assert best == 0.3 and got.sigma == best
    assert got.log_prob == pytest.approx(np.mean(each)) and got.error == pytest.approx(np.std(each, ddof=1) / 3)


def test_parzen_nears_the_entropy():
    """Of a standard normal in the plane, -log(2 π e): from below, by little."""
    got = metrics.parzen(R.randn(4000, 2), R.randn(1000, 2), R.randn(3000, 2))
    entropy = math.log(2 * math.pi * math.e)
    assert -entropy - 0.08 < got.log_prob < -entropy + 3 * got.error and 0.1 < got.sigma < 0.5


# -- modes -------------------------------------------------------------------------------------------------------------


def test_modes_by_hand():
    centres, sd = data.MIXTURES["ring"]
    right = np.array([1.0, 0.0])
    points = [centres[0], centres[0], centres[1] + 2.9 * sd * right, centres[2] + 3.1 * sd * right, 2 * centres[3]]
    got = metrics.modes(np.array(points), centres, sd)
    assert (got.found, got.share) == (2, 3 / 5) and got.per_mode.tolist() == [2, 1, 1, 1, 0, 0, 0, 0]
    assert got.reverse_kl == pytest.approx(0.4 * math.log(0.4 * 8) + 3 * 0.2 * math.log(0.2 * 8))


@pytest.mark.parametrize("name, count", [("ring", 8), ("grid", 25)])
def test_modes_of_the_data_themselves(name, count):
    """Within 3 sd in the plane: 1 - exp(-9/2) of them."""
    examples = data.ring(5000, 3) if name == "ring" else data.grid(5000, 3)
    got = metrics.modes(examples.x, *data.MIXTURES[name])
    assert got.found == count == examples.spec and got.per_mode.tolist() == np.bincount(examples.condition).tolist()
    assert got.share == pytest.approx(1 - math.exp(-4.5), abs=0.006) and 0 <= got.reverse_kl < 0.01


# -- two-sample tests --------------------------------------------------------------------------------------------------


def test_nearest_neighbours_by_loops_with_ties(monkeypatch):
    monkeypatch.setattr(features, "PIECE", 5)
    x, y = R.randint(0, 3, (9, 2)).astype(float), R.randint(0, 4, (9, 2)).astype(float)
    both, right = np.concatenate([x, y]), []
    for i, a in enumerate(both):
        others = [(((a - b) ** 2).sum(), (i < 9) == (j < 9)) for j, b in enumerate(both) if j != i]
        least = min(distance for distance, _ in others)
        right.append(np.mean([mine for distance, mine in others if distance == least]))
    got = metrics.nearest_neighbour_test(x, y)
    assert (got.accuracy, got.of_x, got.of_y) == pytest.approx((np.mean(right), np.mean(right[:9]), np.mean(right[9:])))
    assert got.z == pytest.approx((np.mean(right) - 0.5) / math.sqrt(0.25 / 18)) and got.p_value == pytest.approx(
        2 * stats.norm.sf(abs(got.z))
    )


def test_nearest_neighbours_tell_what_differs():
    x = R.randn(300, 3)
    equal = metrics.nearest_neighbour_test(x, R.randn(300, 3))
    assert abs(equal.z) < 4 and equal.accuracy == pytest.approx(0.5, abs=0.1)
    far = metrics.nearest_neighbour_test(x, R.randn(300, 3) + 20)
    assert far[:3] == (1, 1, 1) and far.p_value < 1e-9
    copied = metrics.nearest_neighbour_test(x, x)
    assert copied.accuracy == 0 and copied.p_value < 1e-9


def test_mmd_test_by_loops():
    x, y = R.randn(6, 2), R.randn(8, 2) + 0.8
    kernel, k = KERNELS["gaussian"]
    got = metrics.mmd_test(x, y, kernel, permutations=40, seed=5)
    observed = mmd_by_loops(x, y, k)
    both, random, as_large = np.concatenate([x, y]), np.random.RandomState(5), 0
    for _ in range(40):
        mine = random.permutation(14)[:6]
        as_large += mmd_by_loops(both[mine], np.delete(both, mine, 0), k) >= observed
    assert got.squared_mmd == pytest.approx(observed, rel=1e-4)
    assert got.p_value == pytest.approx((1 + as_large) / 41) and 1 < as_large < 39


def test_mmd_test_is_honest():
    """Under the null its p-value is uniform (Kolmogorov and Smirnov accept 60 of them at 1e-3); of other distributions
    it is the least there is."""
    found = [metrics.mmd_test(R.randn(12, 2), R.randn(12, 2), permutations=99, seed=i).p_value for i in range(60)]
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    assert metrics.mmd_test(R.randn(50, 2), R.randn(50, 2) + 2, permutations=99).p_value == 0.01
    assert metrics.mmd_test(np.ones((5, 2)), np.ones((5, 2)), permutations=19).p_value == 1


# -- networks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "mnist", "fashion_mnist"])
def test_shipped_classifiers(name):
    """They load and are what their cards say; the embedded set can be counted again."""
    path, card_path = paths_of(name)
    card, network = json.loads(card_path.read_text()), metrics.feature_network(name)
    assert path.stat().st_size < 2**20 and card["command"].startswith(f"python -m tfgen.metrics.classifier {name}")
    assert network.shape == tuple(card["data"]["shape"]) and network.classes == card["data"]["classes"] == 10
    x, labels = (
        data.arrays("digits", "test", values="unit", condition="labels")
        if name == "digits"
        else (R.rand(7, *network.shape), None)
    )
    seen, probabilities = network(x)
    assert seen.shape == (len(x), card["features"]) and np.isfinite(seen).all() and (seen.std(0) > 0).any()
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    test = card["test"]
    assert (
        test["error"]
        == test["wrong"] / test["examples"]
        <= {"digits": 0.02, "mnist": 0.006, "fashion_mnist": 0.085}[name]
    )
    if labels is not None:
        assert test["examples"] == len(x) == 360 and (probabilities.argmax(1) != labels).sum() == test["wrong"]


def test_networks_take_any_values_in_pieces():
    x = data.digits("test").x[:23]
    whole, network = metrics.feature_network("digits"), metrics.feature_network("digits")
    network.batch = 5
    expected = whole.features(x, "bytes")
    np.testing.assert_allclose(network.features(x.astype("float32") / 255), expected, atol=1e-4)
    np.testing.assert_allclose(network.features(x.astype("float32") / 127.5 - 1, "signed"), expected, atol=1e-4)
    np.testing.assert_allclose(network.probabilities(x, "bytes"), whole.probabilities(x, "bytes"), atol=1e-5)
    bare = metrics.FeatureNetwork("mine", keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]))
    np.testing.assert_allclose(bare.features(x, "bytes"), x.reshape(23, -1) / 255, atol=1e-6)
    assert bare.probabilities(x, "bytes") is None
    assert metrics.to_unit(np.array([-2.0, 0.0, 1.0]), "signed").tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda: metrics.feature_network("svhn"),
            "no classifier of svhn .digits, fashion_mnist, mnist and inception_v3 are there.*metrics.classifier svhn",
        ),
        (
            lambda: metrics.feature_network("digits").features(np.zeros((3, 28, 28, 1))),
            r"takes images \[n, 8, 8, 1\], and \(3, 28, 28, 1\) came",
        ),
        (lambda: metrics.feature_network("digits").features(np.zeros((3, 8, 8, 1)), "real"), "values='real'"),
        (lambda: metrics.to_unit(np.array([np.nan]), "unit"), "not finite"),
        (lambda: classifier.train_classifier("ring"), "ring has no pictures"),
        (lambda: classifier.train_classifier("bars"), "bars has no labels"),
    ],
)
def test_networks_refuse_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


def test_inception_without_a_network(monkeypatch):
    monkeypatch.setattr(
        keras.applications, "InceptionV3", lambda **_: (_ for _ in ()).throw(OSError("no route\nto host"))
    )
    with pytest.raises(ValueError, match=r"cannot be fetched \(no route\): try where there is a network"):
        metrics.feature_network("inception_v3")


def test_inception_sees_what_its_authors_fed_it(monkeypatch):
    """With weights of its first moment, for those of ImageNet are not at hand: grey pictures as RGB, of 299x299, in
    -1..1 by Keras's own rule."""
    keras.utils.set_random_seed(0)
    model = keras.applications.InceptionV3(weights=None)
    monkeypatch.setattr(keras.applications, "InceptionV3", lambda weights: model)
    network, signed = metrics.feature_network("inception_v3"), R.uniform(-1, 1, (2, 28, 28, 1)).astype("float32")
    features, probabilities = network(signed, "signed")
    large = tf.image.resize(np.repeat((signed + 1) / 2, 3, -1), (299, 299), "bilinear")
    seen = keras.applications.inception_v3.preprocess_input(255 * large.numpy())
    pooled, said = keras.Model(model.input, [model.get_layer("avg_pool").output, model.output])(seen, training=False)
    assert features.shape == (2, 2048) and probabilities.shape == (2, 1000)
    np.testing.assert_allclose(features, pooled, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(probabilities, said, rtol=1e-3)
    assert np.abs(features[0] - features[1]).max() > 1e-4 * np.abs(features).max()
    assert metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-6)


def test_shift():
    """Every image is one of its nine places, all of which occur; the same seed, the same places."""
    x = tf.constant(R.rand(200, 4, 5, 2), tf.float32)
    moved, padded = classifier.shift(x, 1, rng.as_seed(3)).numpy(), np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    places = [
        [np.array_equal(m, p[i : i + 4, j : j + 5]) for i in range(3) for j in range(3)]
        for m, p in zip(moved, padded, strict=True)
    ]
    assert (np.sum(places, 1) == 1).all() and (np.sum(places, 0) > 5).all()
    np.testing.assert_array_equal(moved, classifier.shift(x, 1, rng.as_seed(3)))


def test_a_classifier_is_trained_and_carded(tmp_path, capsys):
    path = classifier.train_classifier("digits", epochs=2, folder=tmp_path)
    card = json.loads(path.with_suffix(".json").read_text())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["digits_classifier.json", "digits_classifier.keras"]
    assert card["test"]["error"] < 0.95 and "epoch 2 of 2" in capsys.readouterr().out
    assert SAVED.name == "saved_models" and not keras.saving.load_model(path).compiled


# -- judges ------------------------------------------------------------------------------------------------------------


class Replay(GenerativeModel):
    """Samples are examples, drawn again; it classifies and clusters by rules that a test knows.

    Arguments:
        name: of the data. split: of them. condition: whether it is told labels.
    """

    def __init__(self, shape, *, condition=None, name="digits", split="train"):
        source = data.open_source(name, split, condition=() if name == "bars" else "labels")
        super().__init__(shape, condition, "real" if source.real else "unit")
        vars(self).update(x=source.x if source.real else source.x.astype("float32") / 255, labels=source.condition)

    @property
    def laws(self):
        return laws.uniform()

    def generate(self, noise, condition=None):
        if condition is None:
            return tf.gather(self.x, tf.cast(noise * len(self.x), tf.int32))
        same = tf.cast(condition[:, None] == self.labels, tf.float32)  # [n, examples]
        chosen = tf.cumsum(same, 1) > noise[:, None] * tf.reduce_sum(same, 1, keepdims=True)
        return tf.gather(self.x, tf.argmax(chosen, 1))


def case(model, name="digits", limit=None, said=None, seed=0):
    """The model before its judges."""
    material = Material(Settings("replay", data=name, condition=("labels",) if model.condition else ()), model)
    source = material.open("test", limit)
    say = (said if said is not None else []).append
    return sampled.Case(material, source, *material.arrays(source), "test", limit, seed, say)


def judge(model, name, *, n, **options):
    return sampled.of_samples(case(model, name, **options), n, None)


def test_judges_of_a_perfect_sampler():
    """Other examples of the same set: what is measured is what samples of the data themselves get."""
    found = judge(Replay((8, 8, 1), condition=10), "digits", n=500)
    assert {
        "frechet",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "inception_score",
        "nearest_neighbour",
        "parzen",
    } < set(found)
    value = {name: figure["value"] for name, figure in found.items()}
    assert all(
        "500 samples" in f["how"] or "360 samples" in f["how"] or "500 windows" in f["how"] for f in found.values()
    )
    assert (
        value["label_accuracy"] > 0.97
        and value["precision"] > 0.6
        and value["coverage"] > 0.8
        and value["inception_score"] > 8
    )
    assert abs(value["kernel_distance"]) < 1 and value["nearest_neighbour"] == pytest.approx(0.5, abs=0.12)


def test_judges_of_points():
    found = judge(Replay((2,), name="grid"), "grid", n=1000, limit=400)
    assert found["modes"]["value"] == 25 and found["high_quality"]["value"] == pytest.approx(
        1 - math.exp(-4.5), abs=0.015
    )
    assert found["reverse_kl"]["value"] < 0.05 and found["mmd_p_value"]["value"] > 0.01
    assert (
        "400 samples against 400 examples" in found["nearest_neighbour"]["how"]
        and abs(found["nearest_neighbour"]["value"] - 0.5) < 0.1
    )
    poor = Replay((2,), name="grid")
    vars(poor).update(x=poor.x[poor.labels < 3])
    found = judge(poor, "grid", n=1000, limit=400)
    assert found["modes"]["value"] == 3 and found["reverse_kl"]["value"] == pytest.approx(math.log(25 / 3), abs=0.01)
    assert found["mmd_p_value"]["value"] < 0.01


def test_judges_say_what_they_leave_out():
    said = []
    found = judge(Replay((4, 4, 1), name="bars"), "bars", n=50, limit=40, said=said)
    assert set(found) == {"parzen"} and len(said) == 1 and "no classifier of bars" in said[0]
    assert judge(Replay((8, 8, 1)), "digits", n=50, limit=5, said=said) == {} and "at least 10" in said[1]
    model = Replay((8, 8, 1))
    assert [
        sampled.default_samples(case(model if d == "digits" else Replay((2,), name="ring"), d, 20), s)
        for d, s in (("digits", None), ("ring", None), ("ring", 70))
    ] == [10_000, 2_500, 70]
    model.log_prob = lambda x: x
    assert sampled.default_samples(case(model, limit=20), None) == 0
    with pytest.raises(ValueError, match="at least 10"):
        sampled.default_samples(case(model, limit=20), 9)


def test_samples_are_drawn_in_pieces_of_their_own():
    model = Replay((2,), name="grid")
    x = case(model, "grid", 20, seed=3).draw(1100)
    assert x.shape == (1100, 2) and len(np.unique(x, axis=0)) > 1080  # of 100,000 examples: about six are drawn twice
    np.testing.assert_array_equal(x, case(model, "grid", 20, seed=3).draw(1100))
    x = case(Replay((8, 8, 1), condition=10, split="test"), limit=20).draw(20)
    assert x.shape == (20, 8, 8, 1)


def test_labels_and_clusters_by_hand():
    model, x = Replay((8, 8, 1)), np.zeros((6, 2), "float32")
    material = SimpleNamespace(model=model, labels=lambda split, limit: (np.array([0, 0, 0, 1, 1, 2]), 3))
    hand = sampled.Case(material, None, x, None, "test", None, 0, str)
    assert sampled.decisions(hand) == {}
    model.classify = lambda x, condition: tf.one_hot([0, 0, 1, 1, 1, 1], 3)
    model.cluster = lambda x, condition: tf.constant([7, 7, 7, 7, 4, 4])  # 7 is 0 but for one, 4 is 1 or 2
    found = sampled.decisions(hand)
    assert found["error"]["value"] == pytest.approx(100 * 2 / 6) and "percent of 6" in found["error"]["how"]
    assert (
        found["clustering_error"]["value"] == pytest.approx(100 * 2 / 6)
        and "2 clusters" in found["clustering_error"]["how"]
    )
    assert found["error"]["error"] == pytest.approx(100 * math.sqrt(2 / 6 * 4 / 6 / 6))
