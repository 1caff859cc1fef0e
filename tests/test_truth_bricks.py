"""Layers, penalties and nets against their formulas: loops, numpy's SVD, finite differences."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import losses, nets, rng
from tfgen.layers import (
    BatchNormalization,
    GaussianNoise,
    Maxout,
    MinibatchDiscrimination,
    Reference,
    Residual,
    Spectral,
    Strip,
    VirtualBatchNormalization,
    WeightNormalized,
    norms,
)
from tfgen.nets.dcgan import halvings

SEED = tf.constant([3, 5], tf.int64)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# -- penalties: v = xᵀ A x + b·x, whose gradient is (A + Aᵀ) x + b
# -----------------------------------------------------------


def quadratic(x, A, b):
    return ((x @ A) * x).sum(-1) + x @ b


def squared_slope(x, A, b):
    return ((x @ (A + A.T) + b) ** 2).sum(-1)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def penalty_by_hand(name, A, b, real, fake, u):
    if name == "r1":
        return squared_slope(real, A, b) / 2
    if name == "r2":
        return squared_slope(fake, A, b) / 2
    if name == "roth":
        part = lambda x, phi: phi**2 * squared_slope(x, A, b)
        return (part(real, 1 - sigmoid(quadratic(real, A, b))) + part(fake, sigmoid(quadratic(fake, A, b)))) / 2
    return (np.sqrt(squared_slope(u * real + (1 - u) * fake, A, b)) - 1) ** 2


@pytest.mark.parametrize("name", ["r1", "r2", "roth", "gradient_penalty"])
@pytest.mark.parametrize("shape", [(4,), (2, 2, 1)])
def test_penalties_by_hand(name, shape, monkeypatch):
    """The numbers, and their gradient by the critic's weights against finite differences: a gradient through a
    gradient."""
    real, fake, u = (
        numbers(5, 4),
        numbers(5, 4, seed=1),
        np.random.default_rng(2).uniform(size=(5, 1)).astype("float32"),
    )
    A, b = 0.3 * numbers(4, 4, seed=3), numbers(4, seed=4)
    drawn = []
    monkeypatch.setattr(rng, "uniform", lambda size, seed: drawn.append(tuple(size)) or tf.reshape(u, size))
    weights = [tf.Variable(A), tf.Variable(b)]

    def critic(x):
        rows = tf.reshape(x, [5, 4])
        return tf.reduce_sum((rows @ weights[0]) * rows, -1) + tf.linalg.matvec(rows, weights[1])

    with tf.GradientTape() as outer:
        x, y = (tf.reshape(tf.constant(rows), (5, *shape)) for rows in (real, fake))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y])
            v, w = critic(x), critic(y)
        term = losses.penalty(name).term(losses.Play(critic, x, y, v, w, tape))
        total = tf.reduce_sum(term)
    np.testing.assert_allclose(term, penalty_by_hand(name, A, b, real, fake, u), rtol=1e-4)
    assert not drawn or drawn == [(5, *[1] * len(shape))]

    ours = np.concatenate([np.ravel(g) for g in outer.gradient(total, weights)])
    flat = np.concatenate([A.ravel(), b]).astype(float)
    value = lambda f: penalty_by_hand(
        name, f[:16].reshape(4, 4), f[16:], real.astype(float), fake.astype(float), u
    ).sum()
    differences = [(value(flat + 1e-5 * e) - value(flat - 1e-5 * e)) / 2e-5 for e in np.eye(20)]
    np.testing.assert_allclose(ours, differences, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("slope", [0.25, 1.0, 3.0])
def test_a_gradient_penalty_has_two_sides(slope):
    """(|∇v| - 1)² of v = slope · x, below one as above it; R1 and R2 pull to zero from either side."""
    x, tape = tf.ones([4, 1]), tf.GradientTape(persistent=True)
    with tape:
        tape.watch(x)
        y = 2 * x
        v, w = slope * x[:, 0], slope * y[:, 0]
    play = losses.Play(lambda rows: slope * rows[:, 0], x, y, v, w, tape)
    np.testing.assert_allclose(losses.penalty("gradient_penalty").term(play), [(slope - 1) ** 2] * 4, atol=1e-6)
    for name in ("r1", "r2"):
        np.testing.assert_allclose(losses.penalty(name).term(play), [slope**2 / 2] * 4, rtol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_batch_normalisation_is_keras_s(policy):
    """By the fused kernel: outputs, gradients, a gradient through a gradient, and what moves with the batch."""
    ours = BatchNormalization(dtype=policy)
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=policy)
    x = tf.constant(2 + 3 * numbers(6, 4, 3, 5))
    seen = []
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.gamma.assign(1 + 0.3 * numbers(5, seed=1))
        layer.beta.assign(numbers(5, seed=2))
        with tf.GradientTape(persistent=True) as outer:
            outer.watch([x, layer.gamma.value])
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
                total = tf.reduce_sum(tf.cast(y, tf.float32) ** 3)
            slope = tape.gradient(total, x)
            steep = tf.reduce_sum(slope**2)
        gradients = outer.gradient(total, [x, layer.gamma.value]), outer.gradient(steep, [x, layer.gamma.value])
        moving = [layer.moving_mean.numpy(), layer.moving_variance.numpy()]
        calm = layer(x, training=False)
        seen.append([np.float32(y), *gradients[0], *gradients[1], *moving, np.float32(calm)])
        assert y.dtype == calm.dtype == layer.compute_dtype
    loose = {"rtol": 1e-3, "atol": 2e-2} if policy == "float32" else {"rtol": 0.1, "atol": 2.0}
    for mine, yours in zip(*seen, strict=True):
        np.testing.assert_allclose(mine, yours, **loose)
    np.testing.assert_allclose(seen[0][-3], seen[1][-3], rtol=1e-2 if policy != "float32" else 1e-5)
    np.testing.assert_allclose(seen[0][-2], seen[1][-2], rtol=1e-2 if policy != "float32" else 1e-5)


def test_weights_of_penalties():
    assert {name: losses.penalty(name).weight for name in losses.PENALTIES} == {
        "gradient_penalty": 10,
        "r1": 10,
        "r2": 10,
        "roth": 2,
    }
    assert losses.penalty("r1:0.1").weight == 0.1


# -- layers
# --------------------------------------------------------------------------------------------------------------


def test_minibatch_discrimination_by_loops():
    layer, x = MinibatchDiscrimination(3, 2), numbers(5, 4)
    out = np.array(layer(x))
    M = (x @ layer.T.numpy()).reshape(5, 3, 2)
    for i in range(5):
        for k in range(3):
            assert out[i, 4 + k] == pytest.approx(
                sum(np.exp(-np.abs(M[i, k] - M[j, k]).sum()) for j in range(5) if j != i), rel=1e-4
            )
    np.testing.assert_array_equal(out[:, :4], x)
    assert layer.compute_output_shape((None, 4)) == (None, 7)


def test_maxout_by_loops():
    """The largest of each unit's linear functions, which are its neighbours in W; W begins within ±0.005, and not at
    zero."""
    layer = Maxout(3, pieces=2)
    x, W, b = numbers(5, 4), numbers(4, 6, seed=1), numbers(6, seed=2)
    layer.build((None, 4))
    begin = np.abs(layer.get_weights()[0])
    assert 0.003 < begin.max() <= 0.005
    layer.set_weights([W, b])
    expected = [[max(row @ W[:, 2 * unit + j] + b[2 * unit + j] for j in range(2)) for unit in range(3)] for row in x]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 3)])
def test_virtual_batch_normalisation_by_hand(shape):
    """Reference rows by their own moments; any other by those of 4 parts reference and one part itself, whatever its
    neighbours."""
    layer, x = VirtualBatchNormalization(4, epsilon=1e-3), 2 + 3 * numbers(7, *shape)
    layer.build((None, *shape))
    gamma, beta = numbers(3, seed=1), numbers(3, seed=2)
    layer.set_weights([gamma, beta])
    out, rows = np.array(layer(x)), x.astype(float).reshape(7, -1, 3)
    reference = rows[:4].reshape(-1, 3)
    expected = [gamma * (r - reference.mean(0)) / np.sqrt(reference.var(0) + 1e-3) + beta for r in rows[:4]]
    for r in rows[4:]:
        mean = (4 * reference.mean(0) + r.mean(0)) / 5
        square = (4 * (reference**2).mean(0) + (r**2).mean(0)) / 5
        expected.append(gamma * (r - mean) / np.sqrt(square - mean**2 + 1e-3) + beta)
    np.testing.assert_allclose(out, np.array(expected).reshape(out.shape), rtol=1e-3, atol=1e-4)
    neighbours = np.concatenate([x[:5], 100 + x[5:]])
    np.testing.assert_array_equal(np.array(layer(neighbours))[:5], out[:5])
    assert not np.allclose(np.array(layer(neighbours))[5:], out[5:])


def test_the_reference_stands_first_and_comes_off_again():
    reference = Reference(5, told=((2, True),))
    x = numbers(3, 4)
    out = np.array(reference(x))
    np.testing.assert_array_equal(out[5:], x)
    np.testing.assert_array_equal(out[:5], reference(numbers(1, 4, seed=9))[:5])
    np.testing.assert_array_equal(out[:5, 2:], np.eye(2)[[0, 1, 0, 1, 0]])
    np.testing.assert_array_equal(Strip(5)(out), x)
    net = nets.generator_net(4, (2,), hidden=(6,), norm="virtual:5", told=((2, True),))
    np.testing.assert_allclose(np.array(net(x))[0], np.array(net(x[:1]))[0], rtol=1e-5, atol=1e-6)
    assert not reference.trainable_weights
    rows = np.array(
        Reference(400, uniform=True, told=conditions.parts({"label": 3, "attributes": (2,)}))(numbers(1, 9))
    )[:400]
    assert 0.5 < rows[:, :4].std() < 0.65 and np.abs(rows[:, :4]).max() <= 1  # the deviation of a uniform number is .58
    np.testing.assert_array_equal(rows[:, 4:7], np.eye(3)[np.arange(400) % 3])
    assert 0.9 < rows[:, 7:].std() < 1.1


def kernel_matrix(layer):
    return layer.layer.kernel.numpy().reshape(-1, layer.layer.kernel.shape[-1])


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_spectral_normalisation(kind, tmp_path):
    inner = (
        keras.layers.Dense(6, "relu") if kind == "dense" else keras.layers.Conv2D(6, 3, 2, "same", activation="relu")
    )
    layer, x = Spectral(inner), numbers(4, 5) if kind == "dense" else numbers(4, 6, 6, 2)
    net = keras.Sequential([keras.Input(x.shape[1:]), layer])
    inner.bias.assign(numbers(6, seed=1))
    call = tf.function(lambda: net(x, training=True), autograph=False)
    for _ in range(150):
        call()
    sigma = np.linalg.svd(kernel_matrix(layer), compute_uv=False)[0]
    assert sigma != pytest.approx(1, abs=0.05)
    assert np.linalg.svd(kernel_matrix(layer) / sigma, compute_uv=False)[0] == pytest.approx(1)
    plain = (
        keras.layers.Dense(6, "relu") if kind == "dense" else keras.layers.Conv2D(6, 3, 2, "same", activation="relu")
    )
    plain.build(x.shape)
    plain.set_weights([inner.kernel.numpy() / sigma, inner.bias.numpy()])
    np.testing.assert_allclose(net(x), plain(x), rtol=1e-3, atol=1e-4)

    u, elsewhere = layer.u.numpy(), numbers(1, 6, seed=2)
    layer.u.assign(elsewhere)
    net(x, training=False)
    np.testing.assert_array_equal(layer.u.numpy(), elsewhere)
    net(x, training=True)
    assert not np.allclose(layer.u.numpy(), elsewhere)
    layer.u.assign(u)

    kernel = tf.constant(inner.kernel.numpy())
    upstream = numbers(*net.compute_output_shape((4, *x.shape[1:])), seed=3)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(kernel)
        matrix = tf.reshape(kernel, [-1, 6])
        exact = kernel / tf.linalg.svd(matrix, compute_uv=False)[0]
        y = tf.matmul(x, exact) if kind == "dense" else tf.nn.conv2d(x, exact, 2, "SAME")
        theirs = tf.reduce_sum(upstream * tf.nn.relu(y + inner.bias.numpy()))
        ours = tf.reduce_sum(upstream * net(x, training=False))
    expected = tape.gradient(theirs, kernel)
    np.testing.assert_allclose(tape.gradient(ours, inner.kernel.value), expected, atol=1e-3 * np.abs(expected).max())

    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(again(x), net(x))
    np.testing.assert_array_equal(again.layers[-1].u.numpy(), u)


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_weight_normalisation(kind, tmp_path):
    """g v / |v|: it begins as the layer itself; the gradients are those of Salimans and Kingma 2016, Eq. 3; v has no
    scale."""
    make = lambda: (
        keras.layers.Dense(6, "relu") if kind == "dense" else keras.layers.Conv2D(6, 3, 2, "same", activation="relu")
    )
    inner, plain, x = make(), make(), numbers(4, 5) if kind == "dense" else numbers(4, 6, 6, 2)
    net = keras.Sequential([keras.Input(x.shape[1:]), WeightNormalized(inner)])
    plain.build(x.shape)
    inner.bias.assign(numbers(6, seed=1))
    plain.set_weights([inner.kernel.numpy(), inner.bias.numpy()])
    np.testing.assert_allclose(net(x), plain(x), rtol=1e-5, atol=1e-6)
    assert len(net.trainable_variables) == 3

    layer, v, g = net.layers[-1], kernel_matrix(net.layers[-1]), np.linspace(0.5, 3, 6, dtype="float32")
    layer.g.assign(g)
    unit = v / np.linalg.norm(v, axis=0)
    plain.set_weights([(g * unit).reshape(inner.kernel.shape), inner.bias.numpy()])
    np.testing.assert_allclose(net(x), plain(x), rtol=1e-5, atol=1e-5)
    upstream = numbers(*net(x).shape, seed=2)
    with tf.GradientTape(persistent=True) as tape:
        ours, theirs = (tf.reduce_sum(upstream * net(x)), tf.reduce_sum(upstream * plain(x)))
    of_w = tape.gradient(theirs, plain.kernel.value).numpy().reshape(v.shape)
    of_g = (of_w * unit).sum(0)
    np.testing.assert_allclose(tape.gradient(ours, layer.g.value), of_g, rtol=1e-4, atol=1e-4)
    of_v = g / np.linalg.norm(v, axis=0) * (of_w - of_g * unit)
    np.testing.assert_allclose(np.reshape(tape.gradient(ours, inner.kernel.value), v.shape), of_v, rtol=1e-3, atol=1e-4)

    before = net(x)
    inner.kernel.assign(inner.kernel * np.linspace(0.01, 100, 6, dtype="float32"))
    np.testing.assert_allclose(net(x), before, rtol=1e-4, atol=1e-5)
    net.save(tmp_path / "net.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "net.keras")(x), net(x))


@pytest.mark.parametrize("net", nets.NETS)
def test_every_kernel_of_a_weight_normalised_critic_has_its_length(net):
    critic = nets.critic_net((8, 8, 1), net, hidden=(6, 5), width=4, norm="weight")
    paths = [v.path for v in critic.trainable_variables]
    assert sum(path.endswith("kernel") for path in paths) == sum(path.endswith("/g") for path in paths) > 0
    with pytest.raises(ValueError, match="the critic's"):
        nets.generator_net(3, (8, 8, 1), net, hidden=(4,), width=4, norm="weight")


@pytest.mark.parametrize("net", nets.NETS)
def test_every_kernel_of_a_spectral_critic_is_normalised(net):
    """So its slope stays, whatever its weights are: at most one for each layer, if each convolution's stride is as wide
    as its kernel."""
    critic = nets.critic_net((8, 8, 1), net, hidden=(6, 5), width=4, norm="spectral")
    owners = [v.path.split("/")[-3] for v in critic.trainable_variables if v.path.endswith("kernel")]
    assert owners and all("spectral" in owner for owner in owners), owners
    x, steep = tf.constant(numbers(5, 8, 8, 1)), []
    for factor in (1, 100):
        for v in critic.trainable_variables:
            v.assign(v * factor if v.path.endswith("kernel") else v)
        for _ in range(30):
            critic(x, training=True)
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = critic(x, training=False)
        steep.append(np.linalg.norm(np.reshape(tape.gradient(out, x), [5, -1]), axis=1))
    np.testing.assert_allclose(*steep, rtol=0.05)
    with pytest.raises(ValueError, match="the critic's"):
        nets.generator_net(3, (8, 8, 1), net, hidden=(4,), width=4, norm="spectral")
    with pytest.raises(ValueError, match=r"maxout.*take another"):
        nets.critic_net((8,), hidden=(4,), activation="maxout", norm="spectral")


def test_layer_normalisation_is_over_all_of_an_example():
    for shape in ((5, 4, 4, 3), (5, 7)):
        x = 3 * numbers(*shape) + 1
        axes = tuple(range(1, len(shape)))
        expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        np.testing.assert_allclose(norms("layer")[0](x), expected, atol=1e-4)


@pytest.mark.parametrize("norm", ["none", "spectral", "weight", "batch"])
def test_residual_blocks(norm):
    """Sizes; and with a second convolution of zeros and a 1x1 one of ones only the way beside is left: the picture
    itself, doubled, or averaged."""
    x = numbers(2, 4, 6, 3)
    for resample, size, alone in (
        (None, (4, 6), x),
        ("up", (8, 12), x.repeat(2, 1).repeat(2, 2)),
        ("down", (2, 3), x.reshape(2, 2, 2, 3, 2, 3).mean((2, 4))),
    ):
        for filters in (3, 5):
            block = Residual(filters, resample, norm)
            assert block(x).shape == block.compute_output_shape(x.shape) == (2, *size, filters)
            beside = block.convolutions[2:]
            assert len(beside) == (1 if resample or filters != 3 else 0)
            if norm in ("none", "batch") and filters == 3:
                kernels = [v for v in block.weights if v.name == "kernel"]
                kernels[1].assign(np.zeros(kernels[1].shape))
                if beside:
                    kernels[2].assign(np.eye(3)[None, None])
                np.testing.assert_allclose(block(x), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("resample", [None, "up", "down"])
def test_a_residual_block_by_hand(resample):
    """Without a norm: 1x1 of x + 3x3 of relu of 3x3 of relu of x; doubled before the first and behind the 1x1, or
    averaged behind the last and before."""
    x, block = numbers(2, 4, 4, 3), Residual(5, resample)
    block.build(x.shape)
    for v in block.weights:
        v.assign(0.5 * numbers(*v.shape, seed=len(v.shape)))
    double = lambda t: tf.image.resize(t, (8, 8), "nearest") if resample == "up" else t
    halve = lambda t: tf.nn.avg_pool2d(t, 2, 2, "VALID") if resample == "down" else t
    convolve = lambda y, layer: tf.nn.conv2d(y, layer.kernel.value, 1, "SAME") + layer.bias.value
    first, second, beside = block.convolutions
    inside = halve(convolve(tf.nn.relu(convolve(double(tf.nn.relu(x)), first)), second))
    np.testing.assert_allclose(block(x), inside + double(convolve(halve(x), beside)), rtol=1e-3, atol=1e-4)


def test_gaussian_noise_only_in_training():
    layer, x = GaussianNoise(0.5), np.ones((200, 100), "float32")
    np.testing.assert_array_equal(layer(x), x)
    with rng.stream(SEED):
        first, second = layer(x, training=True) - x, layer(x, training=True) - x
    assert np.std(first) == pytest.approx(0.5, rel=0.02) and abs(np.mean(first)) < 0.02
    assert abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]) < 0.05
    with rng.stream(SEED):
        np.testing.assert_array_equal(layer(x, training=True) - x, first)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bach", "one of none, batch"),
        ("spectral:1", "spectral takes no number"),
        ("batch:2", "write batch"),
        ("virtual", "virtual:64"),
        ("virtual:one", "a number behind the colon"),
        ("virtual:1", "virtual:64"),
    ],
)
def test_norms_that_are_none(kind, expected):
    for attempt in (
        norms,
        lambda kind: nets.generator_net(2, (8, 8, 1), "dcgan", norm=kind),
        lambda kind: nets.critic_net((2,), norm=kind),
    ):
        with pytest.raises(ValueError, match=expected) as error:
            attempt(kind)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="take another for the critic"):
        nets.critic_net((2,), norm="virtual:8")


# -- nets
# ----------------------------------------------------------------------------------------------------------------


def kinds(net):
    return [type(layer).__name__ for layer in net.layers]


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (28, 28), (32, 32), (64, 64), (28, 20), (12, 24)], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_dcgan_nets_keep_the_rules(size, channels):
    """Radford et al. 2016: strides, no pooling; no hidden dense layers; batch norm but at the generator's end and the
    critic's begin; (leaky) ReLU."""
    shape = (*size, channels)
    generator = nets.generator_net(5, shape, "dcgan", width=2, norm="batch", last="tanh")
    critic = nets.critic_net(shape, "dcgan", width=2, norm="batch")
    assert generator.input_shape == (None, 5) and generator.output_shape == (None, *shape)
    assert critic.input_shape == (None, *shape) and critic.output_shape == (None, 1)
    made, read = kinds(generator), kinds(critic)
    times = made.count("Conv2DTranspose")
    assert made.count("Dense") == 1 and made[0] == "Dense" and read.count("Dense") == 1 and read[-1] == "Dense"
    assert not {*made, *read} & {"MaxPooling2D", "AveragePooling2D", "UpSampling2D", "GlobalAveragePooling2D"}
    assert all(
        layer.strides == (2, 2)
        for net in (generator, critic)
        for layer in net.layers
        if "Conv2D" in type(layer).__name__
    )
    assert made[-2:] == ["Conv2DTranspose", "Activation"] and made.count("BatchNormalization") == times == made.count(
        "ReLU"
    )
    assert read[:3] == ["Conv2D", "LeakyReLU", "Conv2D"] or times == 1
    assert (
        read.count("BatchNormalization") == times - 1 == read.count("Conv2D") - 1 and read.count("LeakyReLU") == times
    )
    deepest = [layer for layer in critic.layers if type(layer).__name__ == "Conv2D"][-1].output.shape[1:3]
    assert (
        deepest == (size[0] >> times, size[1] >> times)
        and max(deepest) <= 15
        and (min(deepest) < 6 or any(d % 2 for d in deepest))
    )
    if size == (8, 8):
        x = numbers(3, *shape)
        assert critic(x).shape == (3, 1) and np.abs(generator(numbers(3, 5))).max() <= 1


@pytest.mark.parametrize(
    "size", [(7, 7), (30, 31), (17, 17), (34, 34), (68, 100), (17, 100), (65, 9), (200, 10), (2, 2), (1, 300)], ids=str
)
def test_sizes_that_do_not_halve(size):
    """One line, and the size that it names does halve."""
    for net in ("dcgan", "resnet"):
        for attempt in (
            lambda net=net: nets.generator_net(3, (*size, 1), net),
            lambda net=net: nets.critic_net((*size, 1), net),
        ):
            with pytest.raises(ValueError, match="do not halve") as error:
                attempt()
            assert "\n" not in str(error.value)
    named = re.search(r"such as (\d+)x(\d+)", str(error.value))
    assert halvings((*map(int, named.groups()), 1)) > 0
    with pytest.raises(ValueError, match="net='mlp'"):
        nets.generator_net(3, (5,), "dcgan")


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 20, 3)], ids=str)
def test_other_nets_have_their_shapes(shape):
    generator, critic = (
        nets.generator_net(5, shape, "resnet", width=2, norm="batch"),
        nets.critic_net(shape, "resnet", width=2),
    )
    assert generator.output_shape == (None, *shape) and critic.output_shape == (None, 1)
    assert critic.get_layer("features").output.shape == (None, 2)
    assert (
        kinds(generator).count("Residual") == halvings(shape) and kinds(critic).count("Residual") == halvings(shape) + 1
    )
    for net in ("mlp", "dcgan"):
        encoder, decoder = nets.autoencoder(shape, 6, net, hidden=(7,), width=2, last="tanh")
        assert encoder.input_shape == (None, *shape) and encoder.output_shape == (None, 6) == decoder.input_shape
        assert decoder.output_shape == (None, *shape)
    generator, critic = nets.generator_net(5, shape, hidden=(4, 3)), nets.critic_net(shape, hidden=(4, 3), minibatch=2)
    assert generator.output_shape == (None, *shape) and critic.output_shape == (None, 1)
    assert critic.get_layer("features").output.shape == (None, 3) and critic.layers[-1].input.shape == (None, 5)


def test_nets_end_in_float32():
    """Every net and norm computes in half precision, ends in float32, and has a gradient for every weight."""
    keras.config.set_dtype_policy("mixed_float16")
    shape, z = (8, 8, 1), tf.constant(numbers(4, 3))
    made = [
        *[
            nets.generator_net(3, shape, net, hidden=(4,), width=2, norm=norm, last="tanh")
            for net in nets.NETS
            for norm in ("batch", "layer")
        ],
        *[
            nets.generator_net(3, shape, net, hidden=(4,), width=2, norm="virtual:3", last=last)
            for net in nets.NETS
            for last in ("tanh", None)
        ],
        nets.autoencoder(shape, 3, "mlp", hidden=(4,), last="tanh")[1],
        nets.autoencoder(shape, 3, "dcgan", width=2, last="sigmoid")[1],
        nets.mlp(3, (4,), 2, name="mlp"),
        *[
            nets.critic_net(shape, net, hidden=(4,), width=2, norm=norm, minibatch=2)
            for net in nets.NETS
            for norm in ("none", "spectral", "weight", "layer", "batch")
        ],
        nets.critic_net(shape, hidden=(4,), activation="maxout", dropout=0.2, noise=(0.1, 0.1)),
        nets.autoencoder(shape, 3, "dcgan", width=2)[0],
    ]
    x = tf.constant(numbers(4, *shape))
    for net in made:
        with rng.stream(SEED), tf.GradientTape() as tape:
            out = net(z if net.input_shape == (None, 3) else x, training=True)
            loss = tf.reduce_sum(out**2)
        gradients = tape.gradient(loss, [v.value for v in net.trainable_variables])
        assert out.dtype == tf.float32 and np.isfinite(out).all()
        assert net.name != "generator" or not np.array_equal(out, np.array(out).astype("float16")), (
            "the numbers of the output are half ones"
        )
        assert all(g is not None and np.isfinite(g).all() for g in gradients), net.name
        assert any(layer.compute_dtype == "float16" for layer in net.layers)
