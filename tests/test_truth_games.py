"""Adversarial games and penalties: losses by hand, divergences and their bounds, optimal critics of discrete worlds,
dynamics at the equilibrium."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from scipy import integrate, stats

from tfgen import losses, rng
from tfgen.adversarial import Adversarial, Composed

SEED = tf.constant([3, 5], tf.int64)
F_GAMES = ["alpha:2", "weighted_jensen_shannon:0.7", *losses.DIVERGENCES]
ALL_GAMES = ["alpha:2", "weighted_jensen_shannon:0.7", "practical_kl", "bregman_pearson:0.3", *losses.GAMES]


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softplus(v):
    return np.logaddexp(0, v)


def parts(name):
    """What a game's critic pays for outputs on real and on generated examples."""
    game = losses.game(name)
    return game.real, game.fake


def paid(game, real, fake):
    return game.real(real) + game.fake(fake)


def one_line(expected, attempt):
    with pytest.raises(ValueError, match=expected) as error:
        attempt()
    assert "\n" not in str(error.value)


def repeat(count, body, *state):
    """body(i, *state) -> state, `count` times in one graph.
    (Without autograph, which would rewrite the library too.)"""
    loop = lambda: tf.while_loop(lambda i, *_: i < count, lambda i, *old: (i + 1, *body(i, *old)), (0, *state))
    return [t.numpy() for t in tf.function(loop, autograph=False)()[1:]]


def adam(variables, rate, steps):
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01))
    optimizer.build(variables)
    return optimizer


# -- f-divergences: f, the domain of f* and the activation as Nowozin et al. 2016 list them (tables 1, 2, 5, 6)
# ----------------------------------------


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
        "weighted_jensen_shannon": (lambda v: -pi * np.log(pi) - softplus(-v), (-np.inf, -pi * np.log(pi))),
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
    "bregman_logistic": (
        lambda r: r * np.log(r) - (1 + r) * np.log((1 + r) / 2),
        lambda r: np.log(r / (1 + r)) + np.log(2),
    ),
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
        fixed = lambda r: slope(r) * r - f(r)
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
    np.testing.assert_allclose(paid(game, r, f), critic, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(game.generator(f), generator, rtol=1e-5, atol=1e-5)


def test_bgan_is_fgan_but_for_its_generator():
    """With T = f'(r) both critics minimise one loss; f-GAN's generator descends f(r) - r f'(r), b-GAN's f(r)."""
    f, slope = BREGMAN["bregman_kl"]
    v = np.linspace(-3, 3, 13)
    r = np.log(1 + np.exp(v))
    t = tf.constant(
        slope(r) + 1, tf.float32
    )  # r log r - r + 1 and the r log r of "kl" are one divergence, their slopes 1 apart
    bgan, fgan = losses.game("bregman_kl"), losses.game("kl")
    w = tf.constant(v, tf.float32)
    np.testing.assert_allclose(paid(fgan, t, t), paid(bgan, w, w), atol=5e-5)
    np.testing.assert_allclose(fgan.generator(t), f(r) - r * slope(r) - 1, atol=5e-5)
    np.testing.assert_allclose(bgan.generator(w), f(r), atol=5e-5)


def test_smoothing_by_hand():
    """The label of real examples is 0.9; generated ones keep theirs."""
    real, fake = np.array([0.7, -2.0]), np.array([-1.3, 0.4])
    r, f = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    cross = -0.9 * np.log(sigmoid(real)) - 0.1 * np.log(1 - sigmoid(real)) - np.log(1 - sigmoid(fake))
    for name, expected in (
        ("minimax", cross),
        ("non_saturating", cross),
        ("least_squares", (real - 0.9) ** 2 / 2 + 0.9 * 0.1 / 2 + fake**2 / 2),
    ):
        np.testing.assert_allclose(paid(losses.smoothed(name, 0.1), r, f), expected, rtol=1e-5)
        np.testing.assert_array_equal(losses.smoothed(name, 0.1).generator(f), losses.game(name).generator(f))
        np.testing.assert_array_equal(paid(losses.smoothed(name, 0.0), r, f), paid(losses.game(name), r, f))
    for name in {*ALL_GAMES} - {"minimax", "non_saturating", "least_squares"}:
        one_line("minimax, non_saturating, least_squares", lambda name=name: losses.smoothed(name, 0.1))
    one_line("smoothing=1.0: expected a number from 0 to below 1", lambda: losses.smoothed("minimax", 1.0))
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

    Far out of this range they end: exp overflows at 88 (kl, reverse_kl, neyman, squared_hellinger, jeffrey); alpha
        below 1 is cut where softplus(-v)
    falls under 2e-12, near 27, with a gradient of zero. The others, which grow as v or its square, go on.
    """
    explode = any(bare in name for bare in ("kl", "neyman", "squared_hellinger", "jeffrey"))
    high = 26 if name == "alpha" else 80 if explode else 300
    grid = np.linspace(-30, high, high + 31)
    game = losses.game(name)

    def look(dtype):
        v = tf.constant(grid, dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(v)
            three = game.real(v), game.fake(v), game.generator(v)
        return [np.array(t) for loss in three for t in (loss, tape.gradient(loss, v))]

    for single, double in zip(look(tf.float32), look(tf.float64), strict=True):
        assert np.isfinite(single).all()
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("pi", [0.3, 0.7])
def test_weighted_jensen_shannon_far_out(pi):
    """f*(g(v)) by its formula in double precision, which has the digits for it, to where single precision has none."""
    v = np.linspace(-20, 300, 81)
    expected = (1 - pi) * (np.log(1 - pi) - np.log(-np.expm1(-softplus(-v) / pi)))
    np.testing.assert_allclose(
        losses.divergence(f"weighted_jensen_shannon:{pi}").composed(tf.constant(v, tf.float32)),
        expected,
        rtol=1e-5,
        atol=1e-5,
    )


# -- f-divergences ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", F_GAMES)
def test_conjugates(name):
    """u t - f(u) <= f*(t), with equality at t = f'(u); T reaches only where f* is finite; f* of the activation is
    `composed`; f'(1) the threshold."""
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
    """Critics of p = Normal(0.5, 0.9²) and q = Normal(0, 1), all trained at once on their population objectives: the
    bound rises to the divergence and never passes it. The divergence by quadrature, and in closed form where there is
    one."""
    grid = np.linspace(-9, 9, 721)
    log_p, log_q = stats.norm.logpdf(grid, 0.5, 0.9), stats.norm.logpdf(grid, 0, 1)
    width = grid[1] - grid[0]
    exact = []
    for name in F_GAMES:
        exact.append(integrate.trapezoid(np.exp(log_q) * f_of(name)(np.exp(log_p - log_q)), grid))
        closed = {"alpha": "alpha:0.5"}.get(name, name)
        if closed in ("kl", "reverse_kl", "jeffrey", "squared_hellinger", "pearson", "neyman") or closed.startswith(
            "alpha"
        ):
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
            bounds = tf.stack(
                [
                    tf.reduce_sum(p * d.activation(v) - q * d.composed(v))
                    for d, v in zip(divergences, outputs, strict=True)
                ]
            )
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
    """Descent of every game at once over tables [game, state] of outputs: each ends at the critic and at the value that
    its paper proves."""
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
    for name in (
        name for name in ALL_GAMES if name.startswith("bregman")
    ):  # the table is the density ratio, the generator descends its f-divergence
        f, _, share = bregman_of(name)
        relative = P / (share * P + (1 - share) * Q)
        np.testing.assert_allclose(softplus(table[name]), relative, rtol=0.02)
        descended = np.sum(Q * np.array(losses.game(name).generator(tf.constant(table[name], tf.float32))))
        assert descended == pytest.approx((1 - share) * np.sum(Q * f(relative)), rel=0.02)
    for name in F_GAMES:
        assert values[name] == pytest.approx(np.sum(Q * f_of(name)(ratio)), abs=2e-3), name
        if name != "total_variation":  # whose T goes to ±1/2, and v to infinity
            up, down = (f_of(name)(ratio * (1 + sign * 1e-5)) for sign in (1, -1))
            np.testing.assert_allclose(
                activation_of(name)[0](table[name]), (up - down) / (2e-5 * ratio), atol=5e-3, rtol=0.05
            )


def test_the_wasserstein_game_on_the_line():
    """Over all tables whose slope is at most one the critic's best value is the earth mover's distance."""
    places, p, q = (
        np.array([0.0, 0.5, 0.7, 2.0, 3.0]),
        np.array([0.4, 0.1, 0.1, 0.1, 0.3]),
        np.array([0.1, 0.5, 0.1, 0.25, 0.05]),
    )
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


# -- Dirac-GAN (Mescheder et al. 2018): the data at 0, the generator at θ, the critic ψ x
# --------------------------------


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
    """f(t) = -log(1 + exp(-t)), f'(0) = 1/2, f''(0) = -1/4. Section 3 and lemmas D.1 to D.8 of the paper; Roth's from
    ∂²/∂ψ² (γ/2)(1/4 + 1/4) ψ² = γ/2."""
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
    """1000 steps of simultaneous descent from near the equilibrium: without a penalty away from it, with R1 into it,
    WGAN-GP and WGAN not into it."""
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


@pytest.mark.parametrize("name", ["jeffrey", "pearson", "kl", "weighted_jensen_shannon:0.3"])
def test_conjugates_bend_as_they_should(name):
    """The second derivative of f*, which penalties on slopes ask for, against differences of the first."""
    composed = losses.divergence(name).composed
    t = tf.constant([-1.5, -0.4, 0.3], tf.float64)

    def first(at):
        with tf.GradientTape() as tape:
            tape.watch(at)
            y = composed(at)
        return tape.gradient(y, at)

    with tf.GradientTape() as tape:
        tape.watch(t)
        slope = first(t)
    expected = (first(t + 1e-5) - first(t - 1e-5)) / 2e-5
    np.testing.assert_allclose(tape.gradient(slope, t), expected, rtol=1e-4)
