"""Bounds against quadrature and against models whose posterior is known; objectives by enumeration; what each system
promises besides."""

import functools
import itertools
import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from scipy import stats
from scipy.special import logsumexp

from tfgen import analysis, callbacks, condition, losses, metrics, parts, rng
from tfgen.flows import Planar
from tfgen.nets import mlp
from tfgen.parts import Diagonal
from tfgen.variational import ADGM, AVB, HVAE, HVI, IWAE, JVI, MLVAE, NICE, VAE, SemiADGM

STATES = oracles.binary_states(4).astype("float32")
SEED = tf.constant([3, 0], tf.int64)


@pytest.fixture(scope="module")
def vae():
    model = VAE((4,), latent=2, hidden=(6,), samples=3)
    generator = np.random.default_rng(0)
    for v in model.decoder.trainable_variables:
        v.assign(generator.normal(scale=0.8, size=v.shape))
    kernel, bias = model.q.net.layers[-1].trainable_variables
    kernel.assign(0.3 * kernel)
    bias.assign([0.2, -0.1, 0.9, 0.7])  # q wider than the posterior, so that weights have a variance
    return model


@pytest.fixture(scope="module")
def exact(vae):
    return oracles.vae_log_prob_by_quadrature(STATES, lambda z: vae.decoder(z.astype("float32")).numpy(), 2)


def test_bound_lies_below_and_rises(vae, exact):
    assert np.exp(exact).sum() == pytest.approx(1, abs=1e-5)
    x = np.repeat(STATES, 2000, 0)
    bounds = [vae.bound(x, k=k, seed=k).numpy().reshape(16, -1).mean(-1) for k in (1, 4, 64)]
    assert (bounds[0] < bounds[1]).all() and (bounds[1] < bounds[2]).all() and (bounds[2] < exact + 0.01).all()
    assert np.abs(bounds[2] - exact).max() < 0.1


def test_likelihood_metric_is_the_bound_in_pieces(vae, exact):
    whole = metrics.likelihood(vae, STATES, k=3000, seed=1)
    pieces = metrics.likelihood(vae, STATES, k=3000, seed=1, memory=2**16)
    np.testing.assert_allclose(-whole.each, exact, atol=0.15)
    np.testing.assert_allclose(-pieces.each, exact, atol=0.15)
    assert not np.array_equal(whole.each, pieces.each)


def test_training_loss_is_minus_the_bound(vae):
    x = np.repeat(STATES, 3000, 0)
    with rng.stream(SEED):
        terms = vae.loss_terms(tf.constant(x))
    ours = -terms["loss"].numpy().reshape(16, -1).mean(-1)
    np.testing.assert_allclose(ours, vae.bound(x, k=1, seed=2).numpy().reshape(16, -1).mean(-1), atol=0.15)
    q = vae.q(tf.constant(STATES))
    kl = oracles.kl_normal(q.mean().numpy().astype(float), q.stddev().numpy().astype(float)).sum(-1)
    np.testing.assert_allclose(terms["kl"].numpy().reshape(16, -1)[:, 0], kl, rtol=1e-4)


def test_sampler_frequencies(vae, exact):
    samples = vae.sample(50_000, seed=1).numpy()
    counts = np.bincount(samples.astype(int) @ [8, 4, 2, 1], minlength=16) / 50_000
    p = np.exp(exact) / np.exp(exact).sum()
    assert oracles.total_variation(counts, p) < oracles.expected_total_variation(p, 50_000) + math.sqrt(
        math.log(1e6) / 100_000
    )


def beside(means, raws):
    """What a Gaussian's net gives: a mean and a raw deviation for each number of x."""
    return np.ravel(np.stack([means, raws], -1))


def test_bound_is_tight_where_the_posterior_is_exact():
    """A linear decoder of one latent: x = wz + b + noise; the exact posterior is linear too, and then one sample gives
    log p(x)."""
    model = VAE((3,), latent=1, hidden=(), likelihood="gaussian")
    w, b, sd = np.array([1.0, -2.0, 0.5]), np.array([0.1, 0.2, -0.3]), 0.7
    precision = 1 + (w @ w) / sd**2
    raw = lambda s: math.log(math.expm1(s - 1e-3))
    model.decoder.set_weights([beside(w, np.zeros(3))[None], beside(b, np.full(3, raw(sd)))])
    gain = w / sd**2 / precision
    model.q.net.set_weights([np.stack([gain, np.zeros(3)], 1), np.array([-gain @ b, raw(precision**-0.5)])])
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    exact = oracles.gaussian_vae_log_prob(x, w[:, None], b, sd)
    for k, seed in ((1, 1), (1, 2), (5, 3)):
        np.testing.assert_allclose(model.bound(x, k=k, seed=seed), exact, atol=1e-4)


def test_gaussian_samples_have_the_decoder_s_moments():
    model = VAE((3,), latent=1, hidden=(), likelihood="gaussian")
    model.decoder.set_weights([beside([1.0, -2.0, 0.5], [0, 0, 0])[None], beside([0, 0, 1], [0, 0, 0])])
    sd = math.log(2) + 1e-3
    samples = model.sample(100_000, seed=1).numpy()
    w = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(samples.mean(0), [0, 0, 1], atol=0.03)
    np.testing.assert_allclose(np.cov(samples.T), np.outer(w, w) + sd**2 * np.eye(3), atol=0.06)


# -- every posterior and prior: E_q[w] = p(x) --------------------------------------------------------------------------

LABELS = np.arange(16) % 2
TWO = functools.partial(VAE, (4,), latent=2, hidden=(6,))
SYSTEMS = {
    "full": functools.partial(TWO, posterior="full"),
    "planar": functools.partial(TWO, posterior="planar:2"),
    "radial": functools.partial(TWO, posterior="radial:2", condition=2),
    "householder": functools.partial(TWO, posterior="householder:2"),
    "iaf": functools.partial(TWO, posterior="iaf:2", flow_hidden=(5,), condition=2),
    "coupling": functools.partial(TWO, posterior="coupling:2", flow_hidden=(5,)),
    "affine": functools.partial(TWO, posterior="affine:2", flow_hidden=(5,)),
    "mixture": functools.partial(TWO, prior="mixture:3"),
    "flow": functools.partial(TWO, prior="flow:2"),
    "hvi": functools.partial(HVI, (4,), latent=2, hidden=(6,), iterations=2, leaps=2, reverse_hidden=(5,), step=0.1),
    "hvi_0": functools.partial(HVI, (4,), latent=2, hidden=(6,), iterations=0),
    "adgm": functools.partial(ADGM, (4,), latent=2, auxiliary=1, hidden=(6,), condition=2),
    "semi_adgm": functools.partial(SemiADGM, (4,), latent=2, auxiliary=1, hidden=(6,), condition=3),
    "avb": functools.partial(AVB, (4,), latent=2, hidden=(6,), basis=2, basis_hidden=(5,), critic_hidden=(5,)),
    "ml_vae": functools.partial(MLVAE, (4,), content=1, style=1, hidden=(6,), condition=2),
    "hvae": functools.partial(HVAE, (4,), latent=1, between=1, hidden=(6,), upper_hidden=(4,)),
}


def moved(model, scale=0.3):
    """Away from where training begins; posteriors a little wider than the prior, so that weights have a variance."""
    dice = np.random.default_rng(4)
    for v in model.trainable_variables:
        v.assign(v + dice.normal(scale=scale, size=v.shape))
    for net, d in gaussians(model):
        kernel, bias = net.layers[-1].trainable_variables
        kernel.assign(0.3 * kernel)
        place = np.arange(bias.shape[0]) // d
        bias.assign(np.where((place == 1) | (place == 3), 1.8, 0.1))
    if isinstance(model, AVB):
        model.v.layers[-1].kernel.assign(4 * model.v.layers[-1].kernel)
    for net in getattr(model, "r", ()):  # it stands above the fraction: no wider than momentum itself
        net.layers[-1].kernel.assign(0.3 * net.layers[-1].kernel)
    return model


def gaussians(model):
    """Nets that give d means and then d raw deviations."""
    if isinstance(model, ADGM):
        return [(model.q_a, model.auxiliary), (model.q_z, model.latent), (model.p_a, model.auxiliary)]
    if isinstance(model, HVAE):
        return [(model.q_h.net, model.between), (model.q_z, model.latent), (model.p_h, model.between)]
    if isinstance(model, MLVAE):
        return [(model.q, 1)]
    if isinstance(model, HVI):
        return [(model.q.net, model.latent)]
    q = getattr(model, "q", None)
    base = getattr(q, "base", q)
    return [(base.net, model.latent)] if hasattr(base, "net") else []


def grid(points=241, limit=7.0):
    """z [points², 2], and what each stands for."""
    line = np.linspace(-limit, limit, points)
    return np.array(list(itertools.product(line, line))).astype("float32"), (line[1] - line[0]) ** 2


def exact_log_px(model, told):
    """log ∫ p(x, z) dz over two dimensions of latent variables (of hvae h and z), [16] for every state."""
    z, area = grid()
    if isinstance(model, HVAE):
        p_h = model.upper(model.p_h, tf.constant(z[:, :1]), None).numpy()
        sd = np.logaddexp(0, p_h[:, 1]) + 1e-3
        log_prior = stats.norm.logpdf(z[:, 0]) + stats.norm.logpdf(z[:, 1], p_h[:, 0], sd)
        z = z[:, 1:]
    elif isinstance(model, MLVAE):
        log_prior = stats.norm.logpdf(z).sum(-1)
    else:
        log_prior = model.prior.log_prob(tf.constant(z)).numpy()
    label = None if told is None else tf.fill([len(z)], told)
    logits = model.parameters(tf.constant(z), label).numpy()[..., 0]
    log_px = -np.logaddexp(0, -logits) @ STATES.T - np.logaddexp(0, logits) @ (1 - STATES.T)
    return logsumexp(log_px + log_prior[:, None], 0) + math.log(area)


@pytest.mark.parametrize("name", SYSTEMS)
def test_weights_are_those_of_p(name):
    """The mean of w is p(x) for every x and class, and that of log w lies below log p(x); p sums to one."""
    keras.utils.set_random_seed(3)
    model = moved(SYSTEMS[name]())
    classes = [None] if model.condition is None else range(2)
    for label in classes:
        told = None if label is None else tf.fill([16], label)
        exact = exact_log_px(model, label if name != "ml_vae" else None)
        assert np.exp(exact).sum() == pytest.approx(1, abs=1e-3)
        log_w = np.float64(model.log_w(tf.constant(STATES), told, 4000, rng.as_seed(7)))
        w = np.exp(log_w - exact[:, None])
        error = w.std(1) / math.sqrt(w.shape[1])
        assert (np.abs(w.mean(1) - 1) < 5 * error + 1e-3).all(), (w.mean(1), error)
        assert error.max() < 0.1, f"no power: {error.max()}"
        assert (log_w.mean(1) < exact + 0.01).all() and (log_w.mean(1) < exact - 1e-3).any()
    if name == "semi_adgm":  # without a label p(x) = Σ_y p(x | y) / 2
        both = logsumexp([exact_log_px(model, y) for y in range(2)], 0) - math.log(2)
        log_w = np.float64(model.log_w(tf.constant(STATES), tf.fill([16], 2), 4000, rng.as_seed(8)))
        np.testing.assert_allclose(np.exp(log_w - both[:, None]).mean(1), 1, atol=0.1)


@pytest.mark.parametrize("name", SYSTEMS)
def test_half_precision(name):
    """Weights are float32, and near those of whole precision."""
    found = {}
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(3)
        model = moved(SYSTEMS[name]())
        told = None if model.condition is None else LABELS
        found[policy] = model.log_w(tf.constant(STATES), told, 3, rng.as_seed(7))
    assert found["mixed_float16"].dtype == tf.float32
    np.testing.assert_allclose(*found.values(), rtol=0.02, atol=0.2)


@pytest.mark.parametrize("name", ["mixture", "flow", "hvae", "ml_vae", "adgm"])
def test_samples_are_those_of_p(name):
    """Frequencies of every state against quadrature."""
    keras.utils.set_random_seed(3)
    model = moved(SYSTEMS[name]())
    told = None if model.condition is None else 1
    n = 40_000
    counts = np.bincount(model.sample(n, told, seed=2).numpy().astype(int) @ [8, 4, 2, 1], minlength=16) / n
    if name == "ml_vae":  # one content for all of a group: another seed, another group
        drawn = [model.sample(40, told, seed=s).numpy() for s in range(300)]
        counts, n = np.bincount(np.concatenate(drawn).astype(int) @ [8, 4, 2, 1], minlength=16) / 12_000, 300
    p = np.exp(exact_log_px(model, told if name != "ml_vae" else None))
    allowed = oracles.expected_total_variation(p / p.sum(), n) + math.sqrt(math.log(1e4) / (2 * n))
    assert oracles.total_variation(counts, p / p.sum()) < allowed


# -- objectives --------------------------------------------------------------------------------------------------------


def expected(objective, k, w=(0.2, 3.0), p=0.4):
    """E[objective] over k weights that are w[1] with probability p, else w[0]: every count of them."""
    counts = np.arange(k + 1)
    log_w = np.log(np.where(np.arange(k) < counts[:, None], w[1], w[0]))
    return float(stats.binom.pmf(counts, k, p) @ np.array(objective(tf.constant(log_w))))


def test_bias_shrinks_by_its_order():
    """log E[w] less the expectation falls as 1/k for iwae, 1/k² and 1/k³ for the jackknife; the first two are bounds
    and iwae rises."""
    truth, ks = math.log(0.4 * 3 + 0.6 * 0.2), np.array([24, 32, 48])
    bias = {
        name: np.array([truth - expected(losses.objective(name), k) for k in ks]) for name in ("iwae", "jvi:1", "jvi:2")
    }
    slopes = {name: np.polyfit(np.log(ks), np.log(np.abs(b)), 1)[0] for name, b in bias.items()}
    assert slopes["iwae"] == pytest.approx(-1, abs=0.15)
    assert slopes["jvi:1"] == pytest.approx(-2, abs=0.3) and slopes["jvi:2"] < -2.6
    rising = [expected(losses.iwae, k) for k in (1, 2, 5, 20)]
    assert np.all(np.diff(rising) > 0) and rising[-1] < truth
    assert rising[0] == pytest.approx(expected(losses.elbo, 7))  # the mean of log w, whatever k
    over = [
        expected(losses.objective("jvi:2"), 3, w, p) - math.log(p * w[1] + (1 - p) * w[0])
        for w, p in (((0.01, 1.0), 0.5), ((0.5, 1.0), 0.2))
    ]
    assert max(over) > 0  # it is no bound


def test_jackknife_by_hand():
    log_w = np.log([[1.0, 2.0, 4.0]])
    pairs = [math.log(1.5), math.log(2.5), math.log(3.0)]
    first = 3 * math.log(7 / 3) - 2 * np.mean(pairs)
    second = 9 / 2 * math.log(7 / 3) - 4 * np.mean(pairs) + 1 / 2 * np.mean(log_w)
    np.testing.assert_allclose(losses.objective("jvi:1")(tf.constant(log_w)), [first], rtol=1e-6)
    np.testing.assert_allclose(losses.objective("jvi:2")(tf.constant(log_w)), [second], rtol=1e-6)


def jackknife_of_sets(log_w, order):
    """By every set of weights."""
    k, total = log_w.shape[-1], 0.0
    for j in range(order + 1):
        sets = [tf.gather(log_w, places, axis=-1) for places in itertools.combinations(range(k), k - j)]
        c = (-1) ** j * (k - j) ** order / (math.factorial(order - j) * math.factorial(j))
        total += c * tf.reduce_mean([losses.iwae(part) for part in sets], 0)
    return total


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("order", "k"), [(1, 2), (1, 6), (2, 3), (2, 6)])
def test_a_jackknife_of_any_weights(order, k, compiled):
    """Values and gradients are those of all sets, whether one weight has everything, two do, or all are alike."""
    dice = np.random.default_rng(k)
    log_w = dice.uniform(-50, 50, (20, k)).round()
    log_w[0], log_w[1, :2], log_w[2] = 0, log_w[1].max(), dice.normal(size=k)

    def found(objective):
        x = tf.constant(log_w)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = objective(x)
        return value, tape.gradient(value, x)

    ours = tf.function(found, autograph=False, jit_compile=True) if compiled else found
    for a, b in zip(ours(losses.objective(f"jvi:{order}")), found(lambda x: jackknife_of_sets(x, order)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_a_jackknife_of_many_weights():
    """Of numbers far from zero its large coefficients take no digits, and a thousand weights take no more memory than
    themselves."""
    log_w = np.random.default_rng(0).normal(-300, 1, (2, 1000)).astype("float32")
    w = np.exp(np.float64(log_w) + 300)
    all_of, one, two = (w.sum(-1).reshape(2, *[1] * j) for j in range(3))
    one, pairs = np.log((one - w) / 999), np.log((two - w[:, None] - w[..., None]) / 998)
    pairs = pairs[:, ~np.eye(1000, dtype=bool)].mean(-1)
    expected = 1000**2 / 2 * np.log(all_of / 1000) - 999**2 * one.mean(-1) + 998**2 / 2 * pairs - 300
    estimate = tf.function(losses.objective("jvi:2"), autograph=False)
    np.testing.assert_allclose(estimate(tf.constant(log_w)), expected, atol=1e-3)


def test_the_doubly_reparameterised_gradient():
    """The same expectation as the pathwise one with less variance in the encoder, and the very same in the decoder."""
    gradients = {}
    for kind in ("pathwise", "doubly"):
        keras.utils.set_random_seed(3)
        model = moved(IWAE((4,), latent=2, hidden=(6,), samples=5, gradient=kind))
        model.q.net.layers[-1].bias.assign([0.7, -0.5, 1.2, 0.8])
        q, p = model.q.net.layers[-1].bias.value, model.decoder.layers[-1].kernel.value
        x = tf.constant(STATES[[3, 9]])

        @tf.function
        def gradient(seed, model=model, q=q, p=p, x=x):
            with rng.stream(seed), tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([q, p])
                loss = tf.reduce_mean(model.loss_terms(x)["loss"])
            return loss, *tape.gradient(loss, [q, p])

        runs = [gradient(rng.as_seed(i)) for i in range(300)]
        gradients[kind] = [np.stack([np.ravel(part) for part in parts]) for parts in zip(*runs, strict=True)]
    (loss, q, p), (loss_2, q_2, p_2) = gradients.values()
    np.testing.assert_allclose(loss_2, loss, rtol=1e-4)
    np.testing.assert_allclose(p_2, p, atol=1e-5)
    error = np.sqrt((q.var(0) + q_2.var(0)) / len(q))
    assert (np.abs(q.mean(0) - q_2.mean(0)) < 4.5 * error).all() and np.abs(q.mean(0)).max() > 8 * error.mean()
    assert q_2.var(0).sum() < 0.7 * q.var(0).sum()


# -- posteriors and parts ----------------------------------------------------------------------------------------------


def test_a_full_gaussian_can_be_exact():
    """Two latent dimensions that x correlates: one sample of the exact posterior gives log p(x), whatever it is; and
    the divergence in closed form is the mean of log q - log p."""
    model = VAE((3,), latent=2, hidden=(), likelihood="gaussian:0.7", posterior="full")
    W, b, sd = np.array([[1.0, 0.3], [-2.0, 1.0], [0.5, 0.8]]), np.array([0.1, 0.2, -0.3]), 0.7
    model.decoder.set_weights([W.T, b])
    covariance = np.linalg.inv(np.eye(2) + W.T @ W / sd**2)
    gain, L = covariance @ W.T / sd**2, np.linalg.cholesky(covariance)
    raw = [math.log(math.expm1(s - 1e-3)) for s in np.diag(L)]
    bias = np.concatenate([-gain @ b, raw, [L[1, 0]]])
    model.q.net.set_weights([np.concatenate([gain.T, np.zeros((3, 3))], 1), bias])
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    exact = oracles.gaussian_vae_log_prob(x, W, b, sd)
    np.testing.assert_allclose(model.bound(x, k=1, seed=1), exact, atol=1e-4)
    z, log_q, kl = model.q.sample_and_kl(tf.constant(x), 20_000, SEED)
    measured = np.mean(log_q - model.prior.log_prob(z), 1)
    np.testing.assert_allclose(np.sum(kl, -1), measured, atol=0.06)
    np.testing.assert_allclose(np.cov(z[0].numpy().T), covariance, atol=0.02)


def test_one_deviation_for_all():
    """gaussian_global: the decoder gives means, and a weight is the deviation of every number."""
    model = moved(VAE((3,), latent=1, hidden=(4,), likelihood="gaussian_global"))
    z, x = tf.constant([[0.4], [1.0]]), tf.constant([[0.1, 0.2, 0.3], [1.0, 0.0, -1.0]])
    sd = np.logaddexp(0, model.shared.numpy()[0]) + 1e-3
    assert model.decoder.output_shape == (None, 3) and model.shared.shape == (1,)
    expected = stats.norm.logpdf(x, model.decode(z), sd).sum(-1)
    np.testing.assert_allclose(model.log_px(x, z[:, None])[:, 0], expected, rtol=1e-4)


def test_beta_and_warm_up():
    """The loss is reconstruction + β KL; β is a weight that a schedule sets, and rises during the warm-up."""
    x = tf.constant(STATES)
    for model, step, beta in ((TWO(beta=0.3), 1, 0.3), (TWO(warm_up=10), 4, 0.4), (TWO(warm_up=10, beta=2.0), 90, 2.0)):
        with rng.stream(SEED, step=tf.constant(step, tf.int64)):
            terms = model.loss_terms(x)
        np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + beta * terms["kl"], rtol=1e-5)
    model = TWO()
    model.compile()
    model.fit(STATES, epochs=2, verbose=0, callbacks=[callbacks.Schedule("beta", lambda epoch: 0.25 * (epoch + 1))])
    assert float(model.beta) == 0.5
    iwae = IWAE((4,), latent=2, hidden=(6,), beta=0.5)
    with rng.stream(SEED):
        seed = rng.new_seed()
    found = iwae.infer(x, None, 5, seed)
    with rng.stream(SEED):
        loss = iwae.loss_terms(x)["loss"]
    np.testing.assert_allclose(loss, -losses.iwae(found.log_px + 0.5 * found.log_ratio), rtol=1e-4)


# -- systems -----------------------------------------------------------------------------------------------------------


def test_the_critic_of_avb_learns_a_ratio():
    """Between two Gaussians: log N(1, .6²) - log N(0, 1). And the moments of q are those of its samples."""
    keras.utils.set_random_seed(1)
    model = AVB((1,), latent=1, basis=2, critic_hidden=(32,), hidden=(4,), critic_learning_rate=5e-3)
    noise = lambda n: rng.normal([n, 1], rng.new_seed())
    model.draw = lambda seen, seed: (1 + 0.6 * noise(tf.shape(seen)[0]), tf.zeros([1]), tf.ones([1, 1, 1]))
    model.compile()
    critic = model.players()["critic"]
    variables, optimizer = [v.value for v in critic.variables], model.optimizers["critic"]

    @tf.function
    def step(seed):
        with rng.stream(seed), tf.GradientTape() as tape:
            loss = tf.reduce_mean(critic.loss(tf.zeros([1000, 1]), None, training=True)["loss"])
        optimizer.apply(tape.gradient(loss, variables), critic.variables)

    for i in range(500):
        step(rng.as_seed(i))
    z = np.linspace(-0.5, 2.2, 20).astype("float32")[:, None]
    ratio = stats.norm.logpdf(z, 1, 0.6) - stats.norm.logpdf(z)
    np.testing.assert_allclose(model.critic(tf.constant(z), tf.zeros([20, 1])), ratio[:, 0], atol=0.3)

    model = moved(AVB((3,), latent=2, basis=3, hidden=(4,)))
    x = tf.constant(np.repeat([[1.0, 0.0, 1.0]], 40_000, 0).astype("float32"))
    z, _, _ = model.draw(model.seen(x), SEED)
    means = [model.draw(model.seen(x[:1]), rng.as_seed(i))[1:] for i in range(40)]  # each by 128 probes
    np.testing.assert_allclose(np.mean([m for m, _ in means], 0)[0], np.mean(z, 0), atol=0.05)
    covariances = [factor.numpy()[0] @ factor.numpy()[0].T for _, factor in means]
    np.testing.assert_allclose(np.mean(covariances, 0), np.cov(z, rowvar=False), rtol=0.1)


def test_a_group_s_posterior_is_the_product():
    """On a line: Π N(c; μ_i, σ_i²), normalised; and what a batch loses is the sum over examples and groups."""
    keras.utils.set_random_seed(1)
    model = moved(MLVAE((4,), condition=5, content=1, style=1, hidden=(6,)))
    x, groups = tf.constant(STATES[:6]), tf.constant([3, 3, 0, 3, 0, 1])
    style, alone = model.evidence(x)
    together = tf.cast(groups[:, None] == groups, tf.float32)
    mean, sd = (part.numpy()[:, 0] for part in model.content_of(alone, together))
    line = np.linspace(-20, 20, 8001)
    for g in (0, 1, 3):
        inside = groups.numpy() == g
        log_q = stats.norm.logpdf(
            line[:, None], alone.mean().numpy()[inside, 0], alone.stddev().numpy()[inside, 0]
        ).sum(-1)
        q = np.exp(log_q - logsumexp(log_q))
        np.testing.assert_allclose(mean[inside], q @ line, rtol=1e-4)
        np.testing.assert_allclose(sd[inside], np.sqrt(q @ line**2 - (q @ line) ** 2), rtol=1e-3)
    with rng.stream(SEED):
        terms = model.loss_terms(x, groups)
    of_style = oracles.kl_normal(style.mean().numpy(), style.stddev().numpy()).sum()
    of_groups = oracles.kl_normal(mean[[0, 2, 5]], sd[[0, 2, 5]]).sum()
    assert float(tf.reduce_sum(terms["kl"])) == pytest.approx(of_style + of_groups, rel=1e-4)
    z = model.encode_groups(x, groups).numpy()
    np.testing.assert_array_equal(z[0, 1], z[1, 1])
    assert len(set(z[:, 1])) == 3
    np.testing.assert_allclose(model.encode(x, groups)[5], z[5], rtol=1e-5)  # a group of one
    swapped = model.swap(x[:2], x[4:])
    expected = tf.stack([style.mean()[1, 0], alone.mean()[4, 0]])[None]
    np.testing.assert_allclose(swapped[1, 0], model.decode(expected)[0], rtol=1e-5)


def test_all_of_a_group_have_one_content():
    """With its own style each: in training, too."""
    model = MLVAE((4,), condition=3, content=1, style=1, hidden=(6,))
    seen = []
    model.log_px = lambda x, z: seen.append(z) or tf.zeros(z.shape[:2])
    model.infer(tf.constant(STATES[:4]), tf.constant([2, 2, 0, 2]), 3, SEED)
    style, content = np.split(seen[0].numpy(), 2, -1)
    np.testing.assert_allclose(content[0], content[1], rtol=1e-6)
    assert np.abs(content[0] - content[2]).min() > 1e-3 and np.abs(style[0] - style[1]).min() > 1e-6


@pytest.mark.parametrize("prior", ["logistic", "normal"])
def test_nice_integrates_to_one(prior):
    """On a grid, told each of two classes; it is the density of its samples, and its inverse leads back."""
    keras.utils.set_random_seed(1)
    model = moved(NICE((2,), hidden=(8,), prior=prior, condition=2), 0.2)
    z, area = grid(401, 30.0)
    for label in range(2):
        log_p = model.log_prob(tf.constant(z), tf.fill([len(z)], label)).numpy()
        assert np.exp(np.float64(log_p)).sum() * area == pytest.approx(1, abs=5e-3)
    x = model.sample(5000, 1, seed=3)
    h = model.encode(x, tf.ones([5000], tf.int32)).numpy()
    law = stats.logistic if prior == "logistic" else stats.norm
    assert min(stats.kstest(h[:, i], law.cdf).pvalue for i in range(2)) > 1e-4
    np.testing.assert_allclose(model.decode(tf.constant(h), tf.ones([5000], tf.int32)), x, atol=1e-3)


def test_a_class_is_learnt_from_few_labels():
    """Two kinds of bits, one label of each kind among 60 examples: the others are classified."""
    keras.utils.set_random_seed(0)
    dice = np.random.default_rng(0)
    kinds = dice.integers(0, 2, 240)
    x = (dice.random((240, 8)) < np.where(np.arange(8) < 4, kinds[:, None], 1 - kinds[:, None]) * 0.8 + 0.1).astype(
        "float32"
    )
    labels = np.where(np.arange(240) < 24, kinds, 2)
    model = SemiADGM((8,), condition=3, latent=1, auxiliary=1, hidden=(16,))
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(x, labels, epochs=25, batch_size=60, verbose=0)
    assert (model.classify(tf.constant(x)).numpy().argmax(1) == kinds).mean() > 0.9
    one = model.sample(200, 1, seed=1).numpy()
    assert one[:, :4].mean() > one[:, 4:].mean() + 0.3
    none = model.sample(200, 2, seed=1).numpy()  # no label: either kind
    assert abs(none[:, :4].mean() - 0.5) < 0.2


# -- what is looked at -------------------------------------------------------------------------------------------------


def test_estimates_are_functions_of_the_same_weights():
    model = moved(TWO(condition=2))
    names = ("elbo", "iwae", "jvi:1", "jvi:2")
    found = metrics.estimates(model, STATES, LABELS, objectives=names, k=8, seed=1, batch=16)
    seed = rng.fold_in(rng.as_seed(1), 0)
    log_w = model.log_w(tf.constant(STATES), LABELS, 8, rng.fold_in(seed, 0))
    for name in names:
        np.testing.assert_allclose(found[name].each, -losses.objective(name)(log_w).numpy(), rtol=1e-4)
    assert found["elbo"].nats > found["iwae"].nats > found["jvi:1"].nats
    given = {"k": 8, "seed": 1, "batch": 16, "memory": 1}  # one sample at a time
    iwae = metrics.estimates(model, STATES, LABELS, objectives=["iwae"], **given)["iwae"]
    np.testing.assert_allclose(iwae.each, metrics.likelihood(model, STATES, LABELS, **given).each, rtol=1e-5)
    assert np.abs(iwae.each - found["iwae"].each).min() > 1e-4  # other pieces, other draws
    with pytest.raises(ValueError, match="no posterior"):
        metrics.estimates(NICE((4,)), STATES, objectives=("elbo",))


def test_pieces_fit_the_widest_maps():
    """Of a convolutional net the maps are wider than any number of filters."""
    from tfgen.metrics.likelihood import _widest

    assert _widest(VAE((12, 12, 1), net="conv", width=8, latent=2)) == 6 * 6 * 8
    assert _widest(VAE((4,), hidden=(50,))) == 100


def test_active_units():
    """A dimension whose posterior is the prior is none; the divergence of the other is the oracle's."""
    model = VAE((3,), latent=2, hidden=(), likelihood="gaussian")
    raw = math.log(math.expm1(1 - 1e-3))
    kernel = np.zeros((3, 4))
    kernel[:, 0] = [1.0, -0.5, 0.2]
    model.q.net.set_weights([kernel, np.array([0, 0, math.log(math.expm1(0.5)), raw])])
    x = np.random.default_rng(0).normal(size=(700, 3)).astype("float32")
    units = analysis.active_units(model, x)
    mean = x @ kernel[:, 0]
    np.testing.assert_allclose(units.variance, [mean.var(), 0], atol=1e-4)
    expected = oracles.kl_normal(mean[:50].astype(float), np.full(50, 0.501)).mean()
    np.testing.assert_allclose(analysis.active_units(model, x[:50]).kl, [expected, 0], atol=1e-3)
    assert units.active == 1
    assert analysis.active_units(TWO(prior="mixture:3"), STATES).kl is None


def test_tensorboard_has_a_curve_for_each_dimension(tmp_path):
    """Of a diagonal posterior under the normal prior its divergence on what is held out, whose sum is that of the term;
    of others none."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    many = np.concatenate([STATES, STATES[:8], STATES[:12]])
    models = {"diagonal": TWO(), "planar": TWO(posterior="planar:1"), "mixture": TWO(prior="mixture:3")}
    for name, model in models.items():
        model.compile(run_eagerly=True)
        monitor = callbacks.Monitor(tmp_path / name, held_out=(many, None), samples=4)
        reconstruct, shown = model.reconstruct, []
        model.reconstruct = lambda x, told, make=reconstruct, shown=shown: shown.append(len(x)) or make(x, told)
        model.fit(STATES, validation_data=(many, None), verbose=0, callbacks=[monitor])
        assert shown == [32]
        events = EventAccumulator(str(tmp_path / name), {"tensors": 0}).Reload()
        curves = [tag for tag in events.Tags()["tensors"] if tag.startswith("kl_of_dimensions/")]
        assert len(curves) == (2 if name == "diagonal" else 0)
        if curves:
            found = {t: float(tf.make_ndarray(events.Tensors(t)[0].tensor_proto)) for t in (*curves, "kl/held_out")}
            assert sum(found[tag] for tag in curves) == pytest.approx(found["kl/held_out"], rel=1e-4)


def test_a_manifold_is_a_grid_of_quantiles():
    model = VAE((2,), latent=2, hidden=(), likelihood="gaussian:1")
    model.decoder.set_weights([np.eye(2), np.zeros(2)])  # x is z
    grid = analysis.manifold(model, 3)
    q = stats.norm.ppf(5 / 6)
    np.testing.assert_allclose(grid[0], [[-q, q], [0, q], [q, q]], atol=1e-5)
    np.testing.assert_allclose(grid[2, 1], [0, -q], atol=1e-5)
    for other in (VAE((2,), latent=3), NICE((2,), hidden=(4,))):
        with pytest.raises(ValueError, match="two latent dimensions"):
            analysis.manifold(other)


# -- nets and the door -------------------------------------------------------------------------------------------------

PICTURES = (np.random.default_rng(0).random((32, 12, 12, 1)) < 0.3).astype("float32")
TOLD = np.random.default_rng(1).integers(0, 3, 32)


@pytest.mark.parametrize("system", [VAE, HVI, ADGM, AVB, HVAE])
def test_convolutions_told_a_class(system):
    model = system((12, 12, 1), condition=3, net="conv", width=2, latent=2)
    model.compile(run_eagerly=True)
    before = [v.numpy() for v in model.trainable_variables]
    model.fit(PICTURES, TOLD, epochs=1, batch_size=32, verbose=0)
    assert not any(np.array_equal(v, was) for v, was in zip(model.trainable_variables, before, strict=True))
    assert model.reconstruct(tf.constant(PICTURES), tf.constant(TOLD)).shape == PICTURES.shape
    assert any(isinstance(layer, keras.layers.Conv2D) for layer in model._flatten_layers())


def test_nets_of_one_s_own(tmp_path):
    """They see x in its shape, are saved with the model, and are refused in one line where they do not fit."""
    told = condition.beside_shape(3, (12, 12, 1))
    layers = keras.layers
    encoder = keras.Sequential(
        [keras.Input(told), layers.Conv2D(2, 3, 2, activation="relu"), layers.Flatten(), layers.Dense(4)]
    )
    decoder = keras.Sequential([keras.Input((5,)), layers.Dense(144), layers.Reshape((12, 12, 1))])
    model = VAE((12, 12, 1), condition=3, latent=2, encoder=encoder, decoder=decoder)
    model.compile()
    model.fit(PICTURES, TOLD, epochs=1, verbose=0)
    model.save(tmp_path / "own.keras")
    again = VAE.load(tmp_path / "own.keras")
    np.testing.assert_array_equal(again.reconstruct(tf.constant(PICTURES), TOLD), model.reconstruct(PICTURES, TOLD))
    with pytest.raises(ValueError, match="encoder: it takes"):
        VAE((12, 12, 1), condition=3, latent=3, encoder=encoder)
    with pytest.raises(ValueError, match="decoder: it takes"):
        VAE((12, 12, 1), latent=2, decoder=decoder)


def test_files_from_before_there_was_beta():
    """They load, and it stays what the arguments say; no other weight may be missing."""
    model, store = HVI((4,), latent=2, hidden=(6,), beta=0.5), {}
    model.save_own_variables(store)
    model.load_own_variables({i: value for i, value in store.items() if value.shape})
    assert float(model.beta) == 0.5
    without = dict(list(store.items())[:-2])
    with pytest.raises(ValueError, match="expected 4 variables, but received 2"):
        model.load_own_variables(without)


def test_predict_reconstructs():
    """What fits no noise and is an example is reconstructed; noise becomes samples as ever."""
    model = VAE((12, 12, 1), latent=2, hidden=(4,))
    np.testing.assert_allclose(model.predict(PICTURES, verbose=0), model.reconstruct(PICTURES), atol=1e-5)
    noise = model.noise(3, 1)
    np.testing.assert_allclose(model.predict(noise, verbose=0), model(noise), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TWO(latent=0), "latent=0: expected 1"),
        (lambda: TWO(samples=0), "samples=0"),
        (lambda: TWO(posterior="planer:2"), "planar"),
        (lambda: TWO(posterior="planar:1.5"), "whole number"),
        (lambda: TWO(posterior="diagonal:3"), "diagonal takes no number, write diagonal"),
        (lambda: TWO(posterior="full:0"), "full takes no number, write full"),
        (lambda: TWO(prior="mixture:0"), "1 or more"),
        (lambda: TWO(prior="uniform"), "there is no prior"),
        (lambda: TWO(net="cnn"), "net='cnn'"),
        (lambda: TWO(net="conv"), "net='mlp'"),
        (lambda: HVI((4,), net="conv", latent=2, encoder=mlp(4, (), 4, name="own")), "net='mlp'"),
        (lambda: metrics.likelihood(TWO(), STATES, k=0), "k=0: expected 1 or more"),
        (lambda: metrics.estimates(TWO(), STATES, objectives=("elbo",), k=0), "k=0: expected 1 or more"),
        (lambda: TWO().bound(STATES, k=0), "k=0"),
        (lambda: JVI((4,), samples=1), "2 samples or more"),
        (lambda: JVI((4,), objective="jvi:3"), "order 1 or 2"),
        (lambda: IWAE((4,), gradient="doubly", posterior="planar:2"), "posterior='diagonal'"),
        (lambda: MLVAE((4,), condition=(2,)), "number of groups"),
        (lambda: SemiADGM((4,), condition=2), "one for examples without a label"),
        (lambda: AVB((4,), samples=3), "leave it out"),
        (lambda: NICE((1,)), "two or more"),
        (lambda: losses.objective("iwae:2"), "takes no number"),
    ],
)
def test_what_does_not_fit_gets_one_line(make, said):
    with pytest.raises(ValueError, match=said) as error:
        make()
    assert "\n" not in str(error.value)


def test_no_flow_is_the_diagonal():
    assert isinstance(TWO(posterior="planar:0").q, Diagonal)
    assert all(isinstance(flow, Planar) for flow in TWO(posterior="planar:3").q.flows)
    assert isinstance(parts.posterior("iaf:0", 2, lambda outputs: mlp(3, (), outputs, name="q")), Diagonal)


def test_data_that_the_likelihood_does_not_take():
    model = TWO(likelihood="categorical:4")
    model.compile()
    with pytest.raises(ValueError, match="takes bytes values, whole numbers from 0 to 3"):
        model.fit(np.full((8, 4), 7.0, "float32"), verbose=0)
    bits = TWO()
    bits.compile()
    with pytest.raises(ValueError, match="binary values"):
        bits.fit(np.full((8, 4), 0.5, "float32"), verbose=0)
