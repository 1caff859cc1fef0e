"""The adversarial family: games by hand and at their optimum, divergences and their bounds, dynamics at the equilibrium, the engine and its tricks."""

import itertools

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from scipy import integrate, stats

from tfgen import adversarial, callbacks, losses, rng
from tfgen.adversarial import BEGAN, GAN, GMMN, Adversarial, Composed, Disco, InfoGAN, JointGAN
from tfgen.model import GenerativeModel, Player

SEED = tf.constant([3, 5], tf.int64)
F_GAMES = ["alpha:2", "weighted_jensen_shannon:0.7", *losses.DIVERGENCES]
ALL_GAMES = ["alpha:2", "weighted_jensen_shannon:0.7", "practical_kl", "bregman_pearson:0.3", *losses.GAMES]


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softplus(v):
    return np.logaddexp(0, v)


def parts(name):
    """A game's loss as a sum: what it makes of outputs on real and on generated examples, up to a constant between them."""
    game = losses.game(name)
    other = lambda v: tf.zeros_like(v) + 0.3  # noqa: E731
    return lambda v: game.critic(v, other(v)), lambda v: game.critic(other(v), v) - game.critic(other(v), other(v))


def one_line(expected, attempt):
    with pytest.raises(ValueError, match=expected) as error:
        attempt()
    assert "\n" not in str(error.value)


def repeat(count, body, *state):
    """body(i, *state) -> state, `count` times in one graph. (Without autograph, which would rewrite the library too.)"""
    loop = lambda: tf.while_loop(lambda i, *_: i < count, lambda i, *old: (i + 1, *body(i, *old)), (0, *state))  # noqa: E731
    return [t.numpy() for t in tf.function(loop, autograph=False)()[1:]]


def adam(variables, rate, steps):
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01))
    optimizer.build(variables)
    return optimizer


# -- f-divergences: f, the domain of f* and the activation as Nowozin et al. 2016 list them (tables 1, 2, 5, 6) ----------------------------------------


def f_of(name):
    kind, _, number = name.partition(":")
    pi, a = float(number or 0.3), float(number or 0.5)
    log = np.log
    return {
        "total_variation": lambda u: abs(u - 1) / 2,
        "kl": lambda u: u * log(u),
        "reverse_kl": lambda u: -log(u),
        "pearson": lambda u: (u - 1) ** 2,
        "neyman": lambda u: (1 - u) ** 2 / u,
        "squared_hellinger": lambda u: (np.sqrt(u) - 1) ** 2,
        "jeffrey": lambda u: (u - 1) * log(u),
        "jensen_shannon": lambda u: -(u + 1) * log((1 + u) / 2) + u * log(u),
        "weighted_jensen_shannon": lambda u: pi * u * log(u) - (1 - pi + pi * u) * log(1 - pi + pi * u),
        "gan": lambda u: u * log(u) - (u + 1) * log(u + 1),
        "alpha": lambda u: (u**a - 1 - a * (u - 1)) / (a * (a - 1)),
    }[kind]


def activation_of(name):
    """The activation, and the interval of T that it may reach."""
    kind, _, number = name.partition(":")
    pi, a = float(number or 0.3), float(number or 0.5)
    whole = (-np.inf, np.inf)
    identity = (lambda v: v, whole)
    return {
        "total_variation": (lambda v: np.tanh(v) / 2, (-0.5, 0.5)),
        "kl": identity,
        "reverse_kl": (lambda v: -np.exp(-v), (-np.inf, 0)),
        "pearson": identity,
        "neyman": (lambda v: 1 - np.exp(-v), (-np.inf, 1)),
        "squared_hellinger": (lambda v: 1 - np.exp(-v), (-np.inf, 1)),
        "jeffrey": identity,
        "jensen_shannon": (lambda v: np.log(2) - softplus(-v), (-np.inf, np.log(2))),
        "weighted_jensen_shannon": (lambda v: -pi * np.log(pi) - pi * softplus(-v), (-np.inf, -pi * np.log(pi))),
        "gan": (lambda v: -softplus(-v), (-np.inf, 0)),
        "alpha": identity if a > 1 else (lambda v: 1 / (1 - a) - softplus(-v), (-np.inf, 1 / (1 - a))),
    }[kind]


_U = np.exp(np.linspace(-18, 18, 180001))  # u = 1 is one of them


def conjugate_of(name):
    """f*(t) = sup_u u t - f(u), the supremum over a grid of u."""
    values = f_of(name)(_U)
    return np.vectorize(lambda t: np.max(_U * t - values))


BREGMAN = {
    "bregman_pearson": (lambda r: (r - 1) ** 2 / 2, lambda r: r - 1),
    "bregman_kl": (lambda r: r * np.log(r) - r + 1, np.log),
    "bregman_logistic": (lambda r: r * np.log(r) - (1 + r) * np.log((1 + r) / 2), lambda r: np.log(r / (1 + r)) + np.log(2)),
}


def bregman_of(name):
    """f, f' and the share of p in what the ratio compares p with."""
    kind, _, share = name.partition(":")
    return *BREGMAN[kind], float(share or 0)


def by_hand(name, real, fake):
    """The losses of critic and generator, from the papers' formulas."""
    log_critic = -np.log(sigmoid(real)) - np.log(1 - sigmoid(fake))
    if name == "minimax":
        return log_critic, np.log(1 - sigmoid(fake))
    if name == "non_saturating":
        return log_critic, -np.log(sigmoid(fake))
    if name == "least_squares":
        return (real - 1) ** 2 / 2 + fake**2 / 2, (fake - 1) ** 2 / 2
    if name == "wasserstein":
        return fake - real, -fake
    if name == "hinge":
        return np.maximum(0, 1 - real) + np.maximum(0, 1 + fake), -fake
    if name.startswith("bregman"):
        (f, slope, share), r, r_real = bregman_of(name), np.log(1 + np.exp(fake)), np.log(1 + np.exp(real))
        fixed = lambda r: slope(r) * r - f(r)  # noqa: E731
        return share * fixed(r_real) + (1 - share) * fixed(r) - slope(r_real), (1 - share) * f(r)
    bare = name.removeprefix("practical_")
    (g, _), conjugate = activation_of(bare), conjugate_of(bare)
    return conjugate(g(fake)) - g(real), -g(fake) if bare != name else -conjugate(g(fake))


# -- games -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_GAMES)
def test_games_by_hand(name):
    real, fake = np.array([0.7, -0.4, 2.0, 0.0]), np.array([-1.3, 0.2, 1.5, -0.6])
    critic, generator = by_hand(name, real, fake)
    game = losses.game(name)
    r, f = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    np.testing.assert_allclose(game.critic(r, f), critic, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(game.generator(f), generator, rtol=1e-5, atol=1e-5)


def test_bgan_is_fgan_but_for_its_generator():
    """With T = f'(r) both critics minimise one loss; f-GAN's generator descends f(r) - r f'(r), b-GAN's f(r)."""
    f, slope = BREGMAN["bregman_kl"]
    v = np.linspace(-3, 3, 13)
    r = np.log(1 + np.exp(v))
    t = tf.constant(slope(r) + 1, tf.float32)  # r log r - r + 1 and the r log r of "kl" are one divergence, their slopes 1 apart
    bgan, fgan = losses.game("bregman_kl"), losses.game("kl")
    w = tf.constant(v, tf.float32)
    np.testing.assert_allclose(fgan.critic(t, t), bgan.critic(w, w), atol=5e-5)
    np.testing.assert_allclose(fgan.generator(t), f(r) - r * slope(r) - 1, atol=5e-5)
    np.testing.assert_allclose(bgan.generator(w), f(r), atol=5e-5)


def test_smoothing_by_hand():
    """The label of real examples is 0.9; generated ones keep theirs."""
    real, fake = np.array([0.7, -2.0]), np.array([-1.3, 0.4])
    r, f = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    cross = -0.9 * np.log(sigmoid(real)) - 0.1 * np.log(1 - sigmoid(real)) - np.log(1 - sigmoid(fake))
    for name, expected in (("minimax", cross), ("non_saturating", cross), ("least_squares", (real - 0.9) ** 2 / 2 + fake**2 / 2)):
        np.testing.assert_allclose(losses.smoothed(name, 0.1).critic(r, f), expected, rtol=1e-5)
        np.testing.assert_array_equal(losses.smoothed(name, 0.1).generator(f), losses.game(name).generator(f))
        np.testing.assert_array_equal(losses.smoothed(name, 0.0).critic(r, f), losses.game(name).critic(r, f))
    for name in {*ALL_GAMES} - {"minimax", "non_saturating", "least_squares"}:
        one_line("minimax, non_saturating, least_squares", lambda name=name: losses.smoothed(name, 0.1))
    one_line("expected a share", lambda: losses.smoothed("minimax", 1.0))
    model = Composed((2,), latent=2, hidden=(3,), smoothing=0.1, game="minimax")
    with rng.stream(SEED):
        terms = model.critic_terms(tf.ones([5, 2]))
    v, w = np.float64(terms["real"]), np.float64(terms["fake"])
    np.testing.assert_allclose(terms["loss"], 0.9 * softplus(-v) + 0.1 * softplus(v) + softplus(w), rtol=1e-5)


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (lambda: losses.game("non_saturatng"), "non_saturating"),
        (lambda: losses.game("practical_kll"), "take one of .*kl"),
        (lambda: losses.game("practical_hinge"), "hinge"),
        (lambda: losses.game("kl:3"), "takes no number"),
        (lambda: losses.game("hinge:3"), "hinge"),
        (lambda: losses.game("weighted_jensen_shannon:2"), "between 0 and 1"),
        (lambda: losses.game("alpha:1"), "take one of these"),
        (lambda: losses.game("alpha:0"), "reverse_kl"),
        (lambda: losses.game("alpha:x"), "a number behind the colon"),
        (lambda: losses.game("alpha:nan"), "a number behind the colon"),
        (lambda: losses.game("bregman_kl:1"), "expected a share from 0 to below 1"),
        (lambda: losses.game("hinge:1"), "hinge takes no number"),
        (lambda: losses.divergence("neymann"), "neyman"),
        (lambda: losses.penalty("r1:abc"), "a number behind the colon"),
        (lambda: losses.penalty("r1:nan"), "a number behind the colon"),
        (lambda: losses.penalty("r1:-1"), "above 0"),
        (lambda: losses.penalty("gradient_penalti"), "gradient_penalty"),
    ],
)
def test_names_that_are_none(attempt, expected):
    one_line(expected, attempt)


@pytest.mark.parametrize("name", ALL_GAMES)
def test_games_stay_finite(name):
    """Outputs from -30 to 30: losses and gradients are finite in float32, and right where the mathematics is smooth.

    Far out of this range they end: exp overflows at 88 (kl, reverse_kl, neyman, squared_hellinger, jeffrey); alpha below 1 is cut where softplus(-v)
    falls under 2e-12, near 27, with a gradient of zero.
    """
    grid = np.linspace(-30, 26 if name == "alpha" else 30, 57)
    game = losses.game(name)

    def look(dtype):
        v = tf.constant(grid, dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(v)
            three = game.critic(v, tf.zeros_like(v)), game.critic(tf.zeros_like(v), v), game.generator(v)
        return [np.array(t) for loss in three for t in (loss, tape.gradient(loss, v))]

    for single, double in zip(look(tf.float32), look(tf.float64), strict=True):
        assert np.isfinite(single).all()
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-6)


# -- f-divergences ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", F_GAMES)
def test_conjugates(name):
    """u t - f(u) <= f*(t), with equality at t = f'(u); T reaches only where f* is finite; f* of the activation is `composed`; f'(1) the threshold."""
    d = losses.divergence(name)
    u = tf.constant(np.exp(np.linspace(-4, 4, 65)), tf.float64)  # u = 1 is one of them
    with tf.GradientTape() as tape:
        tape.watch(u)
        f = d.f(u)
    slope = tape.gradient(f, u)
    np.testing.assert_allclose(f, f_of(name)(u.numpy()), atol=1e-6)
    np.testing.assert_allclose(u * slope - f, d.conjugate(slope), atol=1e-6)
    assert float(slope[32]) == pytest.approx(d.threshold, abs=1e-6)

    v = tf.constant(np.linspace(-6, 6, 121), tf.float64)
    t, (activation, (low, high)) = d.activation(v), activation_of(name)
    np.testing.assert_allclose(t, activation(v.numpy()), rtol=1e-6, atol=1e-6)
    assert (t.numpy() >= low).all() and (t.numpy() <= high).all() and (np.diff(t) > 0).all()
    assert t[0] < d.threshold < t[-1]
    gap = d.conjugate(t) - (u[:, None] * t - f[:, None])
    assert np.min(gap) > -1e-6
    np.testing.assert_allclose(d.composed(v), d.conjugate(t), rtol=1e-6, atol=1e-6)


def test_bounds_of_two_gaussians():
    """Critics of p = Normal(0.5, 0.9²) and q = Normal(0, 1), all trained at once on their population objectives: the bound rises to the divergence
    and never passes it. The divergence by quadrature, and in closed form where there is one."""
    grid = np.linspace(-9, 9, 721)
    log_p, log_q = stats.norm.logpdf(grid, 0.5, 0.9), stats.norm.logpdf(grid, 0, 1)
    width = grid[1] - grid[0]
    exact = []
    for name in F_GAMES:
        exact.append(integrate.trapezoid(np.exp(log_q) * f_of(name)(np.exp(log_p - log_q)), grid))
        closed = {"alpha": "alpha:0.5"}.get(name, name)
        if closed in ("kl", "reverse_kl", "jeffrey", "squared_hellinger", "pearson", "neyman") or closed.startswith("alpha"):
            assert exact[-1] == pytest.approx(oracles.gaussian_divergence(closed, (0.5, 0.9), (0, 1)), rel=1e-6)
    exact = np.array(exact)

    places = tf.constant(grid[::4], tf.float32)
    p, q = (tf.constant(4 * width * np.exp(log[::4]), tf.float32) for log in (log_p, log_q))
    seen = tf.stack([places, places**2 - 1], -1)
    divergences = [losses.divergence(name) for name in F_GAMES]
    draw = np.random.default_rng(0).normal
    shapes = ((0.4, 2, 16), (0.3, 1, 16), (0.1, 16, 1), (0.1, 2, 1))
    W = [keras.Variable(draw(0, scale, (len(F_GAMES), *shape)).astype("float32")) for scale, *shape in shapes]
    optimizer = adam(W, 0.02, 500)

    def step(i, _, highest):
        with tf.GradientTape() as tape:
            outputs = tf.unstack((tf.tanh(seen @ W[0] + W[1]) @ W[2] + seen @ W[3])[..., 0])
            bounds = tf.stack([tf.reduce_sum(p * d.activation(v) - q * d.composed(v)) for d, v in zip(divergences, outputs, strict=True)])
            loss = -tf.reduce_sum(bounds)
        optimizer.apply(tape.gradient(loss, [w.value for w in W]), W)
        return bounds, tf.maximum(highest, bounds)

    bounds, highest = repeat(500, step, tf.zeros([len(F_GAMES)]), tf.fill([len(F_GAMES)], -1e9))
    least = np.array([float(f_of(name)(np.float64(1))) for name in F_GAMES])  # E_q[f(p / q)] of p = q
    assert (highest <= exact + 1e-5).all(), dict(zip(F_GAMES, highest - exact, strict=True))
    reached = (bounds - least) / (exact - least)
    assert reached.min() > 0.98, dict(zip(F_GAMES, reached, strict=True))


# -- discrete worlds: a table in place of a net ------------------------------------------------------------------------

P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.4])


def test_optimal_critics_of_a_discrete_world():
    """Descent of every game at once over tables [game, state] of outputs: each ends at the critic and at the value that its paper proves."""
    tables = keras.Variable(np.zeros((len(ALL_GAMES), 4), "float32"))
    optimizer = adam([tables], 0.1, 700)
    p, q = (tf.constant(d, tf.float32) for d in (P, Q))
    bounded = tf.constant([[name == "wasserstein"] for name in ALL_GAMES])  # to -1..1: free, it has no best critic

    def step(i, _):
        with tf.GradientTape() as tape:
            each = zip(map(parts, ALL_GAMES), tf.unstack(tables.value), strict=True)
            values = tf.stack([tf.reduce_sum(p * real(v)) + tf.reduce_sum(q * fake(v)) for (real, fake), v in each])
            loss = tf.reduce_sum(values)
        optimizer.apply([tape.gradient(loss, tables.value)], [tables])
        tables.assign(tf.where(bounded, tf.clip_by_value(tables, -1.0, 1.0), tables))
        return (-values,)

    values = dict(zip(ALL_GAMES, repeat(700, step, tf.zeros([len(ALL_GAMES)]))[0], strict=True))
    table = dict(zip(ALL_GAMES, tables.numpy().astype(float), strict=True))
    ratio, best, apart = P / Q, oracles.optimal_critic(P, Q), oracles.total_variation(P, Q)
    for name in ("minimax", "non_saturating"):
        np.testing.assert_allclose(sigmoid(table[name]), best, atol=1e-3)
        assert values[name] == pytest.approx(oracles.gan_value(P, Q, best), abs=1e-4)
        assert values[name] == pytest.approx(2 * oracles.jensen_shannon(P, Q) - np.log(4), abs=1e-4)
    np.testing.assert_allclose(table["least_squares"], best, atol=1e-3)
    assert values["hinge"] == pytest.approx(-2 * (1 - apart), abs=1e-3)
    np.testing.assert_array_equal(table["wasserstein"], np.sign(P - Q))
    assert values["wasserstein"] == pytest.approx(2 * apart, abs=1e-5)
    for name in (name for name in ALL_GAMES if name.startswith("bregman")):  # the table is the density ratio, the generator descends its f-divergence
        f, _, share = bregman_of(name)
        relative = P / (share * P + (1 - share) * Q)
        np.testing.assert_allclose(softplus(table[name]), relative, rtol=0.02)
        descended = np.sum(Q * np.array(losses.game(name).generator(tf.constant(table[name], tf.float32))))
        assert descended == pytest.approx((1 - share) * np.sum(Q * f(relative)), rel=0.02)
    for name in F_GAMES:
        assert values[name] == pytest.approx(np.sum(Q * f_of(name)(ratio)), abs=2e-3), name
        if name != "total_variation":  # whose T goes to ±1/2, and v to infinity
            up, down = (f_of(name)(ratio * (1 + sign * 1e-5)) for sign in (1, -1))
            np.testing.assert_allclose(activation_of(name)[0](table[name]), (up - down) / (2e-5 * ratio), atol=5e-3, rtol=0.05)


def test_the_wasserstein_game_on_the_line():
    """Over all tables whose slope is at most one the critic's best value is the earth mover's distance."""
    places, p, q = np.array([0.0, 0.5, 0.7, 2.0, 3.0]), np.array([0.4, 0.1, 0.1, 0.1, 0.3]), np.array([0.1, 0.5, 0.1, 0.25, 0.05])
    slopes = tf.Variable(np.zeros(4, "float32"))
    real, fake = parts("wasserstein")

    def step(i, _):
        with tf.GradientTape() as tape:
            v = tf.concat([[0.0], tf.cumsum(slopes * np.diff(places).astype("float32"))], 0)
            loss = tf.reduce_sum(p.astype("float32") * real(v)) + tf.reduce_sum(q.astype("float32") * fake(v))
        slopes.assign(tf.clip_by_value(slopes - 0.5 * tape.gradient(loss, slopes), -1.0, 1.0))
        return (-loss,)

    assert repeat(300, step, 0.0)[0] == pytest.approx(stats.wasserstein_distance(places, places, p, q), abs=1e-5)
    np.testing.assert_array_equal(slopes, np.sign(np.cumsum(q - p)[:-1]))  # larger on what is real


# -- Dirac-GAN (Mescheder et al. 2018): the data at 0, the generator at θ, the critic ψ x --------------------------------


def dirac(game, penalties=(), noise=0.0, psi=0.0, theta=0.0):
    """The engine's own losses as a vector field: (ψ, θ) -> -(dL_critic / dψ, dL_generator / dθ), in this order."""
    critic = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    critic.set_weights([np.full((1, 1), psi)])
    generator.set_weights([np.zeros((1, 1)), np.full(1, theta)])
    model = Adversarial((1,), generator, critic, game=game, penalties=penalties, instance_noise=noise)
    psi, theta = critic.trainable_variables[0].value, generator.trainable_variables[1].value

    def field():
        with tf.GradientTape() as one, tf.GradientTape() as two:
            first = tf.reduce_mean(model.critic_terms(tf.zeros([2, 1]))["loss"])
            second = tf.reduce_mean(model.generator_terms(tf.zeros([2, 1]))["loss"])
        return -one.gradient(first, psi)[0, 0], -two.gradient(second, theta)[0]

    return field, psi, theta


def eigenvalues(*args, **kwargs):
    """Of the Jacobian of simultaneous gradient descent's field at the equilibrium (0, 0), by imaginary part."""
    field, psi, theta = dirac(*args, **kwargs)

    with tf.GradientTape(persistent=True) as tape:
        values = field()
    rows = [tape.gradient(v, [psi, theta], unconnected_gradients="zero") for v in values]
    found = np.linalg.eigvals(np.array([[float(tf.squeeze(g)) for g in row] for row in rows]))
    return found[np.lexsort((found.real, found.imag))]


def pair(half_trace, determinant):
    """The eigenvalues of a 2x2 matrix."""
    root = np.sqrt(complex(half_trace**2 - determinant))
    found = np.array([half_trace - root, half_trace + root])
    return found[np.lexsort((found.real, found.imag))]


def test_eigenvalues_of_dirac_gan(monkeypatch):
    """f(t) = -log(1 + exp(-t)), f'(0) = 1/2, f''(0) = -1/4. Section 3 and lemmas D.1 to D.8 of the paper; Roth's from ∂²/∂ψ² (γ/2)(1/4 + 1/4) ψ² = γ/2."""
    np.testing.assert_allclose(eigenvalues("minimax"), [-0.5j, 0.5j], atol=1e-6)
    np.testing.assert_allclose(eigenvalues("non_saturating"), [-0.5j, 0.5j], atol=1e-6)
    np.testing.assert_allclose(eigenvalues("wasserstein"), [-1j, 1j], atol=1e-6)
    for gamma in (0.4, 3.0):  # a spiral, and two real ones
        for name in ("r1", "r2"):
            np.testing.assert_allclose(eigenvalues("minimax", (f"{name}:{gamma}",)), pair(-gamma / 2, 0.25), atol=1e-6)
        np.testing.assert_allclose(eigenvalues("minimax", (f"roth:{gamma}",)), pair(-gamma / 4, 0.25), atol=1e-6)
        np.testing.assert_allclose(eigenvalues("wasserstein", (f"r1:{gamma}",)), pair(-gamma / 2, 1), atol=1e-6)
    # noise of ±1, whose second moment is that of a normal one: f''(0) σ² ± sqrt(f''(0)² σ⁴ - f'(0)²)
    monkeypatch.setattr(rng, "normal", lambda shape, seed: tf.constant([[1.0], [-1.0]]))
    for sd in (0.7, 2.0):
        np.testing.assert_allclose(eigenvalues("minimax", noise=sd), pair(-(sd**2) / 4, 0.25), atol=1e-6)


def test_who_converges():
    """1000 steps of simultaneous descent from near the equilibrium: without a penalty away from it, with R1 into it, WGAN-GP and WGAN not into it."""
    games = {
        "none": dirac("minimax", psi=0.2, theta=0.2),
        "r1": dirac("minimax", ("r1:1",), psi=0.2, theta=0.2),
        "r2": dirac("non_saturating", ("r2:1",), psi=0.2, theta=0.2),
        "roth": dirac("minimax", ("roth:2",), psi=0.2, theta=0.2),
        "wgan": dirac("wasserstein", psi=0.2, theta=0.2),
        "wgan_gp": dirac("wasserstein", ("gradient_penalty:10",), psi=0.2, theta=0.2),
    }
    size = 0.1

    def step(i, far):
        with rng.stream(SEED):
            moves = [field() for field, _, _ in games.values()]
        norms = []
        for (_, psi, theta), (up, right) in zip(games.values(), moves, strict=True):
            norms.append(tf.sqrt(psi.assign_add([[size * up]])[0, 0] ** 2 + theta.assign_add([size * right])[0] ** 2))
        return (tf.where(i < 700, far, tf.maximum(far, tf.stack(norms))),)  # the farthest of the last 300 steps

    far = dict(zip(games, repeat(1000, step, tf.zeros([len(games)]))[0], strict=True))
    start = np.hypot(0.2, 0.2)
    assert far["r1"] < 1e-4 and far["r2"] < 1e-4 and far["roth"] < 1e-4, far
    assert far["none"] > 1.5 * start and far["wgan"] > 2 * start and far["wgan_gp"] > start, far


# -- the engine --------------------------------------------------------------------------------------------------------


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def summing(units, bias=0.0):
    """A critic that adds up what it sees."""
    net = keras.Sequential([keras.Input(units if isinstance(units, tuple) else (units,)), keras.layers.Flatten(), keras.layers.Dense(1)])
    net.set_weights([np.ones_like(net.get_weights()[0]), np.full(1, bias)])
    return net


def constant(shape, latent=2, told=0):
    """A generator of zeros."""
    net = keras.Sequential([keras.Input((latent + told,)), keras.layers.Dense(int(np.prod(shape))), keras.layers.Reshape(shape)])
    net.set_weights([np.zeros_like(w) for w in net.get_weights()])
    return net


def test_packing_puts_neighbours_side_by_side():
    vectors, pictures = tf.constant(numbers(4, 3)), tf.constant(numbers(4, 2, 3, 2))
    model = Adversarial((3,), constant((3,)), summing(6), packing=2)
    np.testing.assert_array_equal(model._pack(vectors, True), [np.concatenate([vectors[0], vectors[1]]), np.concatenate([vectors[2], vectors[3]])])
    beside = np.stack([np.concatenate([pictures[2 * i], pictures[2 * i + 1]], -1) for i in range(2)])
    np.testing.assert_array_equal(Adversarial((2, 3, 2), constant((2, 3, 2)), summing((2, 3, 4)), packing=2)._pack(pictures, True), beside)
    five = np.concatenate([vectors, numbers(1, 3, seed=1)])
    sums = five.sum(-1)
    for training, expected in ((True, [sums[0] + sums[1], sums[2] + sums[3]]), (False, [sums[0] + sums[1], sums[2] + sums[3], sums[4] + sums[0]])):
        with rng.stream(SEED):
            terms = model.critic_terms(tf.constant(five), training=training)
        np.testing.assert_allclose(terms["real"], expected, rtol=1e-5)
        np.testing.assert_array_equal(terms["fake"], np.zeros(len(expected)))
    model.compile(run_eagerly=True)
    assert model.evaluate(five, batch_size=2, verbose=0, return_dict=True)["critic_fake"] == 0
    assert Adversarial.seen_shape((4, 4, 1), 3, 2, maps=True) == (4, 4, 8)
    assert Adversarial.seen_shape((4, 4, 1), 3, 2) == (38,) and Adversarial.seen_shape((5,), 3, 2) == (16,)


def test_the_critic_is_told_the_condition():
    """Pictures: the labels of a pack as channels, the same everywhere; vectors, and pictures as vectors: behind the examples."""
    x, labels = numbers(4, 2, 2, 1), np.array([2, 1, 0, 1])
    hot = np.eye(3)[labels]
    for maps, shape in ((True, (2, 2, 1)), (False, (2, 2, 1)), (False, (4,))):
        seen_shape, rows = Adversarial.seen_shape(shape, 3, 2, maps=maps), x.reshape(4, *shape)
        model = Adversarial(shape, constant(shape, told=3), summing(seen_shape), condition=3, packing=2)
        seen, call = [], model.critic.call
        vars(model.critic)["call"] = lambda pack, call=call, seen=seen, **kwargs: seen.append(np.array(pack)) or call(pack, **kwargs)
        model._judge(labels, True)(model._pack(tf.constant(rows), True))
        told = np.stack([np.concatenate([hot[2 * i], hot[2 * i + 1]]) for i in range(2)])
        assert seen[0].shape == (2, *seen_shape)
        if maps:
            np.testing.assert_array_equal(seen[0][..., :2], np.stack([np.concatenate([x[0], x[1]], -1), np.concatenate([x[2], x[3]], -1)]))
            np.testing.assert_array_equal(seen[0][..., 2:], np.broadcast_to(told[:, None, None], (2, 2, 2, 6)))
        else:
            np.testing.assert_array_equal(seen[0], np.concatenate([rows.reshape(2, 8), told], -1))


def test_averages_over_three_steps():
    """The moving average and the mean of the past begin at the weights after the first step, and the price of the distance from the past is paid."""
    model = Composed((2,), latent=2, hidden=(3,), average=0.9, history=0.5, penalties=("clip:0.05",), game="wasserstein", learning_rate=0.01)
    model.compile(steps_per_execution=1)
    x, noise = numbers(8, 2), numbers(5, 2, seed=3)
    slow, past = None, {"critic": [], "generator": []}
    for _ in range(3):
        model.train_step(tf.constant(x))
        weights = [v.numpy() for v in model.generator.variables]
        slow = weights if slow is None else [0.9 * old + 0.1 * new for old, new in zip(slow, weights, strict=True)]
        for name, net in (("critic", model.critic), ("generator", model.generator)):
            past[name].append([v.numpy() for v in net.trainable_variables])
            for i, mean in enumerate(model.past[name]):
                np.testing.assert_allclose(mean.numpy(), np.mean([then[i] for then in past[name]], 0), atol=1e-6)
        assert max(np.abs(v.numpy()).max() for v in model.critic.trainable_variables) == pytest.approx(0.05)
    for ours, expected in zip(model.averages, slow, strict=True):
        np.testing.assert_allclose(ours.numpy(), expected, atol=1e-6)
    twin = keras.models.clone_model(model.generator)
    twin.set_weights(slow)
    np.testing.assert_allclose(model.generate(tf.constant(noise)), twin(noise), atol=1e-6)
    assert np.abs(model.generator(noise) - twin(noise)).max() > 1e-4
    for name, terms in (("critic", model.critic_terms), ("generator", model.generator_terms)):
        with rng.stream(SEED):
            paid = terms(tf.constant(x))
        far = sum(((w[-1] - np.mean(w, 0)) ** 2).sum() for w in zip(*past[name], strict=True))
        with rng.stream(SEED):
            vars(model)["history_weight"] = 0.0
            free = terms(tf.constant(x))
            vars(model)["history_weight"] = 0.5
        np.testing.assert_allclose(paid["loss"] - free["loss"], 0.5 * far, rtol=1e-3)


def test_feature_matching_by_hand():
    model = Composed((2,), latent=2, hidden=(3,), critic_hidden=(4,), feature_matching=True)
    x = numbers(6, 2)
    with rng.stream(SEED):
        loss = model.generator_terms(tf.constant(x))["loss"]
    with rng.stream(SEED):
        fake = np.array(model.generator(model.noise(6, rng.new_seed())))
    W, b, *_ = model.critic.get_weights()
    leaky = lambda v: np.where(v > 0, v, 0.2 * v)  # noqa: E731
    assert float(loss) == pytest.approx(((leaky(x @ W + b).mean(0) - leaky(fake @ W + b).mean(0)) ** 2).sum(), rel=1e-4)
    one_line("named 'features'", lambda: Adversarial((2,), constant((2,)), summing(2), feature_matching=True))


def test_a_batch_too_small_for_turns_and_packs():
    model = GAN((2,), values="real", latent=2, hidden=(3,), turns=2, packing=2)
    model.compile(run_eagerly=True)
    one_line("a step needs 4", lambda: model.fit(numbers(6, 2), batch_size=3, verbose=0))
    one_line("leave a batch of 2", lambda: model.fit(numbers(6, 2), batch_size=4, verbose=0))
    model.fit(numbers(8, 2), batch_size=4, verbose=0)
    assert int(model.optimizers["critic"].iterations) == 4 and int(model.optimizers["generator"].iterations) == 2


def test_turns_see_their_share(monkeypatch):
    """Turn t of the critic sees x[t::3]; the generator's conditions are those of its first share."""
    model = Adversarial((1,), constant((1,), told=4), summing(5), condition=4, turns=3)
    model.compile()
    seen = {"critic": [], "generator": []}
    for name in seen:
        terms = getattr(model, f"{name}_terms")
        spy = lambda x, c, training=True, name=name, terms=terms: seen[name].append((np.ravel(x), np.array(c))) or terms(x, c, training)  # noqa: E731
        vars(model)[f"{name}_terms"] = spy
    made = []
    vars(model)["_fake"] = lambda x, c, training, fake=model._fake: made.append(np.array(c)) or fake(x, c, training)
    x, c = np.arange(6, dtype="float32"), np.array([0, 1, 2, 3, 0, 1])
    model.train_step((tf.constant(x[:, None]), tf.constant(c)))
    for t, (values, told) in enumerate(seen["critic"]):
        np.testing.assert_array_equal(values, x[t::3])
        np.testing.assert_array_equal(told, c[t::3])
    assert len(seen["critic"]) == 3
    np.testing.assert_array_equal(seen["generator"][0][0], x)
    np.testing.assert_array_equal(made[3], c[::3])


def test_schedule_moves_a_penalty():
    """Nothing learns, and the generator makes zeros: between two epochs the critic's loss differs by the weight alone."""
    model = Adversarial((2,), constant((2,)), summing(2), penalties=("r1:7",))
    assert float(model.r1) == 7
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    weights = (0.5, 2.0, 0.0)
    history = model.fit(numbers(8, 2), batch_size=8, epochs=3, verbose=0, callbacks=[callbacks.Schedule("r1", lambda epoch: weights[epoch])]).history
    assert history["critic_r1"] == pytest.approx([1.0] * 3)  # |(1, 1)|² / 2
    assert np.array(history["critic_loss"]) - history["critic_loss"][2] == pytest.approx(np.array(weights), abs=1e-5)


# -- papers with a class of their own ----------------------------------------------------------------------------------


def test_began_by_hand():
    model = BEGAN((3,), latent=2, hidden=(4,), gamma=0.5, rate=0.1)
    x = numbers(6, 3)
    for start, rate, gamma, expected in ((0.3, 0.1, 0.5, None), (0.9, 1000.0, 5.0, 1.0), (0.2, 1000.0, 0.001, 0.0)):
        model.k.assign(start)
        model.gamma, model.rate = gamma, rate
        with rng.stream(SEED):
            critic, generator = model.critic_terms(tf.constant(x)), model.generator_terms(tf.constant(x))
        with rng.stream(SEED):
            fakes = [np.array(model.generator(2 * rng.uniform([6, 2], rng.new_seed()) - 1)) for _ in range(2)]
        lost = lambda v: np.abs(v - np.array(model.decoder(model.encoder(v)))).mean(-1)  # noqa: E731
        real, first, second = lost(x), lost(fakes[0]), lost(fakes[1])
        np.testing.assert_allclose(critic["loss"], real - start * first, rtol=1e-4, atol=1e-6)
        assert float(critic["convergence"]) == pytest.approx(real.mean() + abs(gamma * real.mean() - first.mean()), rel=1e-5)
        np.testing.assert_allclose(generator["loss"], second, rtol=1e-4)
        moved = start + rate * (gamma * real.mean() - second.mean())
        assert float(model.k) == pytest.approx(np.clip(moved, 0, 1) if expected is None else expected, abs=1e-6)
        assert expected is not None or 0 < moved < 1
        before = float(model.k)
        with rng.stream(SEED):
            model.generator_terms(tf.constant(x), training=False)
        assert float(model.k) == before


class _Third:
    """A generator on three states: 0 with probability 1/2, 1 with 0.3, 2 with 0.2."""

    input_shape = (None, 1)

    def __call__(self, z, training=False):
        state = tf.cast(z[:, 0] >= 0.0, tf.float32) + tf.cast(z[:, 0] >= 0.6, tf.float32)
        return tf.stack([state, -state], -1)


def test_joint_gan_takes_a_candidate_by_its_share():
    """Of three candidates one is taken by p(y | x): the exact frequencies by enumeration of all 27 triples. Without a label, the generator's own."""
    prior, shares = np.array([0.5, 0.3, 0.2]), np.array([[0.9, 0.1], [0.4, 0.6], [0.02, 0.98]])
    model = JointGAN((2,), condition=3, values="real", latent=1, hidden=(2,), critic_hidden=(2,), candidates=3)
    states = lambda x: tf.cast(x[:, 0], tf.int32)  # noqa: E731
    vars(model).update(generator=_Third(), classify=lambda x: tf.gather(tf.constant(np.log(shares) + 5, tf.float32), states(x)))
    n = 40000
    for label in (0, 1, 2):
        exact = np.zeros(3)
        for triple in itertools.product(range(3), repeat=3):
            weight = shares[list(triple), label] if label < 2 else np.ones(3)
            for state, share in zip(triple, weight / weight.sum(), strict=True):
                exact[state] += np.prod(prior[list(triple)]) * share
        x = model.sample(n, label, seed=label)
        np.testing.assert_array_equal(x[:, 0], -x[:, 1])
        share = np.bincount(states(x), minlength=3) / n
        assert oracles.total_variation(share, exact) < oracles.expected_total_variation(exact, n) + np.sqrt(np.log(1e6) / (2 * n))
        if label == 2:
            np.testing.assert_allclose(exact, prior)
        else:
            assert oracles.total_variation(exact, prior) > 0.1


def test_joint_gan_by_hand():
    """D = Z / (Z + 1) on unlabelled and generated examples, cross-entropy on labelled ones, with labels 2 = none."""
    model = JointGAN((2,), condition=3, values="real", latent=2, hidden=(3,), critic_hidden=(4,), noise_in=0.0, noise_hidden=0.0)
    x, labels = numbers(5, 2), np.array([0, 2, 1, 2, 2])
    with rng.stream(SEED):
        terms = model.critic_terms(tf.constant(x), tf.constant(labels), training=False)
    with rng.stream(SEED):
        fake = np.array(model.generator(2 * rng.uniform([5, 2], rng.new_seed()) - 1, training=False))
    logits, fake_logits = (np.float64(model.classify(tf.constant(rows))) for rows in (x, fake))
    Z, fake_Z = (np.exp(rows).sum(-1) for rows in (logits, fake_logits))
    p = np.exp(logits) / Z[:, None]
    assert float(terms["labelled"]) == pytest.approx(-(np.log(p[0, 0]) + np.log(p[2, 1])) / 2, rel=1e-4)
    assert float(terms["unlabelled"]) == pytest.approx(-np.log(Z / (Z + 1))[[1, 3, 4]].mean(), rel=1e-4)
    assert float(terms["generated"]) == pytest.approx(-np.log(1 - fake_Z / (fake_Z + 1)).mean(), rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(float(terms["labelled"] + terms["unlabelled"] + terms["generated"]), rel=1e-5)
    assert float(terms["error"]) == pytest.approx(np.mean([p[0].argmax() != 0, p[2].argmax() != 1]))


def test_infogan_by_hand():
    model = InfoGAN((2,), latent=2, categories=(3, 2), codes=2, hidden=(4,), information=0.7, information_codes=0.3)
    x = numbers(6, 2)
    with rng.stream(SEED):
        terms = model.generator_terms(tf.constant(x), training=False)
    with rng.stream(SEED):
        critic = model.critic_terms(tf.constant(x), training=False)
    with rng.stream(SEED):
        noise = {name: np.array(t) for name, t in model.noise(6, rng.new_seed()).items()}
    first, second = np.floor(noise["category"] * [3, 2]).astype(int).T
    fake = np.array(model.generator(np.concatenate([noise["z"], np.eye(3)[first], np.eye(2)[second], noise["code"]], -1), training=False))
    np.testing.assert_allclose(model.generate({name: tf.constant(t) for name, t in noise.items()}), fake, rtol=1e-5)
    W, b, w, c = model.critic.get_weights()
    features = np.float64(fake @ W + b)
    features = np.where(features > 0, features, 0.2 * features)
    read = np.float64(model.Q(features.astype("float32"), training=False))
    log_softmax = lambda v: v - np.log(np.exp(v).sum(-1, keepdims=True))  # noqa: E731
    lost = [-log_softmax(read[:, :3])[range(6), first], -log_softmax(read[:, 3:5])[range(6), second]]
    codes = -stats.norm.logpdf(noise["code"], read[:, 5:7], np.exp(np.clip(read[:, 7:], -3, 3))).sum(-1)
    for name, expected in (("category_0", lost[0]), ("category_1", lost[1]), ("codes", codes)):
        np.testing.assert_allclose(terms[name], expected, rtol=1e-4)
    information = 0.7 * (lost[0] + lost[1]) + 0.3 * codes
    v = (features @ w + c)[:, 0]
    np.testing.assert_allclose(terms["loss"], softplus(-v) + information, rtol=1e-4)
    np.testing.assert_allclose(critic["loss"], softplus(-np.float64(critic["real"])) + softplus(v) + information, rtol=1e-4)
    encoded = np.array(model.encode(tf.constant(x)))
    np.testing.assert_allclose([encoded[:, :3].sum(-1), encoded[:, 3:5].sum(-1)], 1, rtol=1e-5)
    assert encoded.shape == (6, 7)
    even = (np.arange(60, dtype="float32") + 0.5) / 60
    for i, picked in enumerate(model._picked({"category": tf.constant(np.stack([even, even], -1))})):
        k = model.categories[i]
        np.testing.assert_array_equal(np.argmax(picked, -1), np.repeat(np.arange(k), 60 // k))
    last = model._picked({"category": tf.fill([1, 2], np.nextafter(np.float32(1), np.float32(0)))})
    np.testing.assert_array_equal(last[0], [[0, 0, 1]])


def test_disco_by_hand():
    """The score by loops; and over all that may come up on four points, its expectation is least where the generator has the data's distribution."""
    model = Disco((2,), latent=2, hidden=(4,), condition=3, samples=3, beta=1.3)
    x, labels = numbers(4, 2), np.array([0, 2, 1, 2])
    with rng.stream(SEED):
        terms = model.loss_terms(tf.constant(x), tf.constant(labels))
    with rng.stream(SEED):
        noise = np.array(model.noise(12, rng.new_seed()))
    fake = np.array(model.generator(np.concatenate([noise, np.eye(3)[np.repeat(labels, 3)]], -1))).reshape(4, 3, 2)
    distance = lambda a, b: np.sum((a - b) ** 2) ** 0.65  # noqa: E731
    for n in range(4):
        near = np.mean([distance(x[n], fake[n, k]) for k in range(3)])
        spread = np.sum([distance(fake[n, k], fake[n, m]) for k in range(3) for m in range(3) if m != k]) / 6
        assert float(terms["loss"][n]) == pytest.approx(near - spread / 2, rel=1e-4)

    model, places = Disco((1,), latent=1, hidden=(2,)), np.array([[0.0], [1.0], [2.5], [4.0]], "float32")
    triples = np.array(list(itertools.product(range(4), repeat=3)))  # what is so, and two samples
    vars(model)["_generator"] = lambda *_: tf.constant(places[triples[:, 1:].ravel()])
    score = np.array(model.loss_terms(tf.constant(places[triples[:, 0]]))["loss"], float)
    expected = lambda q: np.sum(P[triples[:, 0]] * q[triples[:, 1]] * q[triples[:, 2]] * score)  # noqa: E731
    others = np.random.default_rng(0).dirichlet(np.ones(4), 300)
    assert min(expected(q) - expected(P) for q in others) > 0
    assert expected(0.99 * P + 0.01 * Q) > expected(P)


def test_gmmn_by_hand():
    model = GMMN((2,), latent=2, hidden=(3,), values="real", condition=2, bandwidths=(0.5, 2.0))
    x, labels = numbers(5, 2), np.array([0, 1, 1, 0, 1])
    with rng.stream(SEED):
        loss = model.loss_terms(tf.constant(x), tf.constant(labels))["loss"]
    with rng.stream(SEED):
        noise = 2 * np.array(rng.uniform([5, 2], rng.new_seed())) - 1
    hot = np.eye(2)[labels]
    fake = np.concatenate([model.generator(np.concatenate([noise, hot], -1)), hot], -1)
    real = np.concatenate([x, hot], -1)
    kernel = lambda a, b: sum(np.exp(-np.sum((a - b) ** 2) / (2 * s**2)) for s in (0.5, 2.0))  # noqa: E731
    mean = lambda a, b: np.mean([kernel(r, s) for r in a for s in b])  # noqa: E731
    assert float(loss) == pytest.approx(np.sqrt(mean(real, real) - 2 * mean(real, fake) + mean(fake, fake)), rel=1e-4)


def test_gmmn_matches_codes():
    """With an auto-encoder the statistic is one of codes between 0 and 1, samples are decoded, and each player moves its own nets alone."""
    model = GMMN((2,), latent=2, hidden=(3,), values="real", code=3, dropout=0.0, bandwidths=(0.5,))
    x = numbers(6, 2)
    with rng.stream(SEED):
        loss = model.loss_terms(tf.constant(x))["loss"]
    with rng.stream(SEED):
        noise = model.noise(6, rng.new_seed())
    codes, fake = 1 / (1 + np.exp(-np.array(model.encoder(x)))), np.array(model.generator(noise))
    assert fake.min() > 0 and fake.max() < 1
    kernel = lambda a, b: np.mean([[np.exp(-np.sum((r - s) ** 2) / (2 * 0.5**2)) for s in b] for r in a])  # noqa: E731
    assert float(loss) == pytest.approx(np.sqrt(kernel(codes, codes) - 2 * kernel(codes, fake) + kernel(fake, fake)), rel=1e-3)
    np.testing.assert_allclose(model.generate(noise), model.decoder(fake), rtol=1e-5)

    lost = model.reconstruction_terms(tf.constant(x))["loss"]
    np.testing.assert_allclose(lost, np.sum((x - np.array(model.decoder(codes.astype("float32")))) ** 2, -1), rtol=1e-4)
    parts = {"reconstruction": (model.encoder, model.decoder), "generator": (model.generator,)}
    for name, player in model.players().items():
        assert [id(v) for v in player.variables] == [id(v) for net in parts[name] for v in net.trainable_variables]


def test_the_averaged_generator_has_statistics_of_its_own():
    """Averages of batch statistics are not those of averaged weights, which vary less: samples would fade."""
    model = Composed((2,), latent=2, hidden=(64,), generator_norm="batch", average=0.99, learning_rate=0.05)
    model.compile()
    model.fit(numbers(512, 2), batch_size=64, epochs=12, verbose=0)
    for copies, variables in ((model.averages, model.generator.trainable_variables), (model.statistics, model.generator.non_trainable_variables)):
        for copy, v in zip(copies, variables, strict=True):
            v.assign(copy.value)
    noise = np.array(model.noise(4096, SEED))
    first, norm = model.generator.layers[:2]
    before = np.array(first(noise))
    ratio = norm.moving_variance.numpy() / before.var(0)
    assert abs(np.median(ratio) - 1) < 0.1, np.median(ratio)
    np.testing.assert_allclose(np.median(np.abs(norm.moving_mean.numpy() - before.mean(0)) / before.std(0)), 0, atol=0.1)


# -- everything with everything ----------------------------------------------------------------------------------------


def tiny(**arguments):
    model = Composed((2,), latent=2, hidden=(4,), **arguments)
    model.compile({name: keras.optimizers.SGD(0.01) for name in ("critic", "generator")})
    return model


def test_every_game_with_every_penalty():
    """One turn of each player: what is logged is finite, and every matrix moves. Every game plays under all penalties, every penalty alone, too."""
    model, x = tiny(penalties=tuple(losses.PENALTIES)), tf.constant(numbers(6, 2))
    model.clip.assign(0.5)  # it stays where the penalty is not chosen
    penalties, start = list(model.penalties), model.get_weights()
    for name, chosen in [*((name, penalties) for name in ALL_GAMES), *itertools.product(("hinge", "wasserstein"), ([p] for p in penalties))]:
        model.set_weights(start)
        vars(model).update(game=losses.game(name))
        model.penalties[:] = chosen
        with rng.stream(SEED):
            for who, player in model.players().items():
                terms = model._turn(who, player, x, None, None)
                model.after_turn(who)
                assert all(np.isfinite(t).all() for t in terms.values()), (name, chosen)
        moved = [not np.array_equal(v, was) for v, was in zip(model.get_weights(), start, strict=True)]
        for v, now, has in zip(model.weights, model.get_weights(), moved, strict=True):
            assert np.isfinite(now).all() and (has or not v.trainable or "bias" in v.path), (name, chosen, v.path)


@pytest.mark.parametrize(
    "trick",
    [
        {"smoothing": 0.1}, {"feature_matching": True}, {"history": 0.1}, {"minibatch": 2}, {"generator_norm": "virtual:4"}, {"packing": 2},
        {"average": 0.9}, {"instance_noise": 0.5}, {"critic_norm": "spectral"}, {"learning_rate": 1e-3, "critic_learning_rate": 4e-3},
    ],
    ids=lambda trick: next(iter(trick)),
)  # fmt: skip
def test_every_trick_with_three_games(trick):
    if "critic_learning_rate" in trick:
        rates = Composed((2,), latent=2, hidden=(4,), **trick)
        rates.compile()
        assert [float(rates.optimizers[name].learning_rate) for name in ("critic", "generator")] == pytest.approx([4e-3, 1e-3])
    model, x = tiny(**trick), tf.constant(numbers(8, 2))
    labelled = "smoothing" in trick
    for name in ("minimax", "least_squares", "non_saturating") if labelled else ("wasserstein", "hinge", "kl"):
        vars(model).update(game=losses.smoothed(name, trick.get("smoothing", 0.0)))
        before = [v.numpy() for v in model.trainable_variables]
        for _ in range(2):
            logs = model.train_step(x)
        assert all(np.isfinite(v) for v in logs.values()), logs
        for v, was in zip(model.trainable_variables, before, strict=True):
            assert np.isfinite(v).all() and (not np.array_equal(v, was) or "bias" in v.path), (name, v.path)
    assert np.isfinite(model.sample(3, seed=0)).all()


class EveryGame(GenerativeModel):
    """A critic 2-4-1 and a generator that adds θ for each game, all at once. What is generated is a function of x, so that nothing is random."""

    def __init__(self, shape=(2,), *, penalised: bool = True):
        super().__init__(shape)
        self.penalised = penalised
        g, normal = len(ALL_GAMES), keras.initializers.RandomNormal
        weight = lambda name, *size: self.add_weight(shape=(g, *size), initializer=normal(stddev=0.5, seed=len(name)), name=name)  # noqa: E731
        self.W, self.b, self.w = weight("W", 2, 8), weight("b_", 1, 8), weight("w__", 8, 1)
        self.theta = self.add_weight(shape=(g, 1, 2), initializer="zeros", name="theta")

    def players(self):
        return {"critic": Player(self.critic_terms, [self.W, self.b, self.w]), "generator": Player(self.generator_terms, [self.theta])}

    def judge(self, x):
        return tf.tanh(x @ self.W + self.b) @ self.w  # [games, n, 1]

    def fake(self, x):
        return 0.5 * tf.sin(7 * x[:, ::-1]) + self.theta

    def critic_terms(self, x, condition=None, training=True):
        real, fake = tf.repeat(x[None], len(ALL_GAMES), 0), self.fake(x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, fake])
            outputs = self.judge(real)[..., 0], self.judge(fake)[..., 0]
        terms = {name: losses.game(name).critic(r, f) for name, r, f in zip(ALL_GAMES, *map(tf.unstack, outputs), strict=True)}
        if self.penalised:
            slopes = [tf.reduce_sum(tape.gradient(o, at) ** 2, -1) for o, at in zip(outputs, (real, fake), strict=True)]
            terms["penalties"] = tf.reduce_sum(slopes[0] + slopes[1], 0)
        return {"loss": tf.add_n([*terms.values()])}

    def generator_terms(self, x, condition=None, training=True):
        fake = tf.unstack(self.judge(self.fake(x))[..., 0])
        return {"loss": tf.add_n([losses.game(name).generator(v) for name, v in zip(ALL_GAMES, fake, strict=True)])}


def test_every_game_on_one_replica_and_on_two(mirrored):
    """Two replicas end where one does that has the whole batch. And every game moves what is generated, from 0 to a mean of (1.5, -1): all but b-GAN's
    Pearson, whose generator loss (r - 1)² / 2 pushes back what has a ratio above one."""
    x = np.random.default_rng(0).normal((1.5, -1), 0.4, (512, 2)).astype("float32")
    ends = []
    for scope in (mirrored.scope(), tf.distribute.get_strategy().scope()):
        with scope:
            model = EveryGame()
            rates = {"critic": 0.03, "generator": 0.015}  # an epsilon that noise of the last digit does not cross
            model.compile({name: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-3) for name, rate in rates.items()}, steps_per_execution=8)
        model.fit(x[:128], batch_size=64, epochs=1, shuffle=False, verbose=0)
        ends.append([v.numpy() for v in (model.W, model.b, model.w, model.theta)])
    for two, one in zip(*ends, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-5)
    assert (np.abs(ends[0][3]).max((1, 2)) > 1e-5).all()

    model.fit(x, batch_size=64, epochs=26, verbose=0)
    far = dict(zip(ALL_GAMES, np.linalg.norm(model.theta.numpy()[:, 0] - (1.5, -1), axis=-1), strict=True))
    far = {name: distance for name, distance in far.items() if not name.startswith("bregman_pearson")}
    assert max(far.values()) < 0.7 * np.hypot(1.5, 1), far


PAPERS = {  # class: game, penalties with their weights, turns, real and generated critic outputs to the critic's loss by hand
    adversarial.FGAN: ("kl", {}, 1, lambda real, fake: np.exp(fake - 1) - real),
    adversarial.BGAN: ("bregman_pearson", {}, 1, lambda real, fake: (np.logaddexp(0, fake) ** 2 - 1) / 2 - np.logaddexp(0, real) + 1),
    adversarial.LSGAN: ("least_squares", {}, 1, lambda real, fake: ((real - 1) ** 2 + fake**2) / 2),
    adversarial.WGAN: ("wasserstein", {"clip": 0.01}, 5, lambda real, fake: fake - real),
    adversarial.WGANGP: ("wasserstein", {"gradient_penalty": 10.0}, 5, lambda real, fake: fake - real),
    adversarial.RothGAN: ("non_saturating", {"roth": 2.0}, 1, lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake)),
    adversarial.R1GAN: ("non_saturating", {"r1": 10.0}, 1, lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake)),
    adversarial.DCGAN: ("non_saturating", {}, 1, lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake)),
    adversarial.ImprovedGAN: ("non_saturating", {}, 1, lambda real, fake: np.logaddexp(0, -real) + 0.1 * real + np.logaddexp(0, fake)),
}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.__name__)
def test_each_paper_is_its_choice_of_pieces(paper):
    game, penalties, turns, by_hand = PAPERS[paper]
    model = paper((8, 8, 1), width=4)
    real, fake = np.array([0.7, -1.2], "float32"), np.array([-0.4, 1.5], "float32")
    np.testing.assert_allclose(model.game.critic(tf.constant(real), tf.constant(fake)), by_hand(real, fake), rtol=1e-5)
    assert (model._arguments["game"], model.turns, {p.name: p.weight for p in model.penalties}) == (game, turns, penalties)
    assert {name: float(getattr(model, name)) for name in penalties} == pytest.approx(penalties)
    layers = {type(layer).__name__ for net in (model.generator, model.critic) for layer in net.layers}
    assert ("MinibatchDiscrimination" in layers and "VirtualBatchNormalization" in layers and bool(model.past)) == (paper is adversarial.ImprovedGAN)
    assert bool(model.averages) == (paper is adversarial.R1GAN)


def test_mmd_gan_s_losses_by_loops():
    """sqrt of the biased MMD² of codes, what the order of their means costs, and what is not given back."""
    keras.utils.set_random_seed(0)
    model = adversarial.MMDGAN((2,), values="real", latent=2, code=3, hidden=(4,), bandwidths=(1.0,), clip=0.5)
    x, fake = (np.random.default_rng(i).normal(i, 1, (5, 2)).astype("float32") for i in range(2))
    model._fake = lambda *_: tf.constant(fake)
    terms = model.critic_terms(tf.constant(x), training=False)
    a, b = model.encoder(x).numpy(), model.encoder(fake).numpy()
    kernel = lambda p, q: np.mean([[np.exp(-np.sum((i - j) ** 2) / 2) for j in q] for i in p])  # noqa: E731
    mmd = np.sqrt(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))
    infeasible = np.mean(np.maximum(b.mean(0) - a.mean(0), 0))
    lost = sum(np.mean((rows - model.decoder(codes).numpy()) ** 2) for rows, codes in ((x, a), (fake, b)))
    assert float(terms["loss"]) == pytest.approx(-mmd + 16 * infeasible + 8 * lost, rel=1e-4)
    assert float(model.generator_terms(tf.constant(x), training=False)["loss"]) == pytest.approx(mmd - 16 * infeasible, rel=1e-4)
    model.after_turn("critic")
    assert max(np.abs(v.numpy()).max() for v in model.encoder.trainable_variables) <= 0.5
