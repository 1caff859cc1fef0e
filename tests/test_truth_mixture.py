"""Mixtures against loops over components and examples."""

import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfgen.mixture import GMM, MoB

STATES = oracles.binary_states(5).astype("float32")
GENERATOR = np.random.default_rng(0)
BITS = (GENERATOR.random((100, 5)) < np.where(GENERATOR.random((100, 1)) < 0.4, 0.8, 0.3)).astype("float32")
POINTS = np.concatenate(
    [GENERATOR.normal((50, -3), (1, 0.3), (60, 2)), GENERATOR.normal((53, 0), 0.5, (40, 2))]
).astype("float32")


def covariances(gmm):
    scales = gmm.scales.numpy()
    return scales @ scales.transpose(0, 2, 1)


def test_mob_density_and_em():
    mob = MoB((5,), components=3)
    mob.compile()
    mob.fit(BITS, batch_size=32, epochs=1, verbose=0)
    for _ in range(3):
        weights, means = np.exp(mob.log_weights.numpy()), mob.means.numpy()
        np.testing.assert_allclose(
            mob.log_prob(STATES), oracles.mixture_of_bernoullis_log_prob(STATES, weights, means), atol=1e-5
        )
        assert np.exp(mob.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-5)
        mob.fit(BITS, batch_size=32, epochs=1, verbose=0)
        weights, means = oracles.em_step_bernoullis(BITS, weights, means)
        np.testing.assert_allclose(np.exp(mob.log_weights.numpy()), weights, atol=1e-5)
        np.testing.assert_allclose(mob.means.numpy(), np.clip(means, 1e-3, 1 - 1e-3), atol=1e-5)


def test_gmm_density_and_em():
    gmm = GMM((2,), components=3)
    gmm.compile()
    gmm.fit(POINTS, batch_size=32, epochs=1, verbose=0)
    for _ in range(3):
        weights, means, spread = np.exp(gmm.log_weights.numpy()), gmm.means.numpy(), covariances(gmm)
        np.testing.assert_allclose(
            gmm.log_prob(POINTS),
            oracles.mixture_of_gaussians_log_prob(POINTS, weights, means, spread),
            rtol=1e-3,
            atol=1e-3,
        )
        gmm.fit(POINTS, batch_size=32, epochs=1, verbose=0)
        weights, means, spread = oracles.em_step_gaussians(POINTS, weights, means, spread)
        np.testing.assert_allclose(np.exp(gmm.log_weights.numpy()), weights, atol=1e-4)
        np.testing.assert_allclose(gmm.means.numpy(), means, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(covariances(gmm), spread, atol=1e-2)


@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal"])
def test_gmm_against_scikit_learn(covariance):
    """The same likelihood, means and covariances after eight rounds from the same start."""
    from sklearn.mixture import GaussianMixture

    x, means = POINTS - POINTS.mean(0), np.float32([[-1, -1], [1, 0], [2, 2]])
    gmm = GMM((2,), components=3, covariance=covariance, floor=1e-6)
    gmm.rounds.assign(1)
    gmm.means.assign(means)
    gmm.compile()
    losses = gmm.fit(x, batch_size=32, epochs=8, verbose=0).history["loss"]
    kind = {"diagonal": "diag"}.get(covariance, covariance)
    eye = {"full": np.stack([np.eye(2)] * 3), "tied": np.eye(2), "diagonal": np.ones((3, 2))}[covariance]
    given = {"weights_init": np.ones(3) / 3, "means_init": means, "precisions_init": eye}
    peer = GaussianMixture(3, covariance_type=kind, reg_covar=0, max_iter=8, tol=0, **given)
    with pytest.warns(UserWarning):  # that eight rounds are too few
        peer.fit(x.astype(float))
    assert gmm.log_prob(x).numpy().mean() == pytest.approx(peer.score(x), abs=1e-3)
    assert (np.diff(losses) < 1e-5).all()
    np.testing.assert_allclose(gmm.means, peer.means_, atol=2e-3)
    scales = gmm.scales.numpy()
    spread = scales**2 if covariance == "diagonal" else (scales @ scales.transpose(0, 2, 1)).squeeze()
    np.testing.assert_allclose(spread, peer.covariances_, atol=2e-3)


@pytest.mark.parametrize("covariance", ["tied", "diagonal"])
def test_gmm_samples_and_starts(covariance):
    """Samples have the moments that the density says; the first epoch finds the place of the data."""
    keras.utils.set_random_seed(0)
    gmm = GMM((2,), components=3, covariance=covariance)
    gmm.compile()
    gmm.fit(POINTS, batch_size=32, epochs=1, verbose=0)
    assert np.abs(gmm.means.numpy() - POINTS.mean(0)).max() < 12
    gmm.fit(POINTS, batch_size=32, initial_epoch=1, epochs=15, verbose=0)
    samples = gmm.sample(20_000, seed=1).numpy()
    np.testing.assert_allclose(samples.mean(0), POINTS.mean(0), atol=0.06)  # EM keeps the mean, tied also the spread
    np.testing.assert_allclose(samples.var(0), POINTS.var(0), rtol=0.06)
    assert -gmm.log_prob(samples).numpy().mean() == pytest.approx(-gmm.log_prob(POINTS).numpy().mean(), abs=0.3)


def test_a_prior_keeps_means_from_the_edge():
    """Half grey examples seen before all others: with n of them Σ r x is n/2 more, and Σ r is n more."""
    mob = MoB((5,), components=1, prior=10.0)
    mob.compile()
    mob.fit(BITS, batch_size=32, epochs=2, verbose=0)
    np.testing.assert_allclose(mob.means[0], (BITS.sum(0) + 5) / 110, atol=1e-5)
    assert (mob.cluster(BITS).numpy() == 0).all()


@pytest.mark.parametrize(
    "model, x", [(MoB((5,), components=4), BITS), (GMM((2,), components=4), POINTS)], ids=["mob", "gmm"]
)
def test_the_likelihood_never_falls(model, x):
    """Batches of 32 of 100: one M-step an epoch, whatever the batch. (The first epoch only finds a place to start.)"""
    model.compile()
    losses = np.array(model.fit(x, batch_size=32, epochs=25, verbose=0).history["loss"])[1:]
    assert (np.diff(losses) < 1e-4).all(), losses
    assert losses[-1] < losses[0] - 0.02


def test_mob_starts_at_examples():
    """Half way from grey to one example, or to a mean that few decide: over 40 components more than half lie nearest to
    a corner of the cube."""
    mob = MoB((5,), components=40)
    mob.compile()
    mob.fit(np.repeat(BITS, 40, 0), batch_size=32, epochs=1, verbose=0)
    pure = 2 * mob.means.numpy() - 0.5
    assert pure.min() > -1e-5 and pure.max() < 1 + 1e-5
    nearest = np.abs(pure[:, None] - STATES[None]).max(-1).min(1)
    assert np.mean(nearest < 0.25) > 0.5 and len(np.unique(pure.round(), axis=0)) > 5
    np.testing.assert_allclose(np.exp(mob.log_weights.numpy()), 1 / 40, rtol=1e-5)


def test_em_does_not_hang_on_the_batch_size():
    ends = []
    for batch in (32, 100):
        tf.keras.utils.set_random_seed(3)
        gmm = GMM((2,), components=2)
        gmm.start.assign(GENERATOR.normal(size=(2, 2)) * 0 + [[1, 0], [-1, 0]])
        gmm.compile()
        gmm.fit(POINTS, batch_size=batch, epochs=6, verbose=0, shuffle=False)
        ends.append(gmm.means.numpy())
    np.testing.assert_allclose(*ends, rtol=1e-4, atol=1e-3)


def test_a_component_cannot_collapse():
    gmm = GMM((2,), components=2, floor=0.01)
    gmm.compile()
    gmm.fit(np.repeat(POINTS[:2], 20, 0), batch_size=8, epochs=15, verbose=0)
    assert np.linalg.eigvalsh(covariances(gmm)).min() > 0.0099


def test_the_least_eigenvalue_is_a_bound_and_no_ridge():
    """The exact maximum under the bound: what is above it stays, what is below it is lifted to it."""
    gmm = GMM((2,), components=1, floor=0.5)
    gmm.compile()
    x = np.float32([[2, 0.1], [-2, 0.1], [2, -0.1], [-2, -0.1]])
    gmm.fit(x, batch_size=4, epochs=3, verbose=0)
    np.testing.assert_allclose(covariances(gmm)[0], [[4, 0], [0, 0.5]], atol=1e-4)


def test_gmm_density_integrates_and_is_sampled():
    gmm = GMM((2,), components=3)
    gmm.compile()
    gmm.fit(POINTS, batch_size=32, epochs=8, verbose=0)
    grid = (
        np.stack(np.meshgrid(np.linspace(40, 62, 500), np.linspace(-8, 6, 500), indexing="ij"), -1)
        .reshape(-1, 2)
        .astype("float32")
    )
    mass = np.exp(gmm.log_prob(grid)) * (22 / 499) * (14 / 499)
    assert mass.sum() == pytest.approx(1, abs=1e-2)
    samples, cell = gmm.sample(20_000, seed=1).numpy(), lambda z: (z[:, 0] > 51).astype(int) * 2 + (z[:, 1] > -1.5)
    exact = np.bincount(cell(grid), mass, 4) / mass.sum()
    assert oracles.total_variation(np.bincount(cell(samples), minlength=4) / 20_000, exact) < 0.02


def test_mob_sampler_frequencies():
    mob = MoB((5,), components=3)
    mob.compile()
    mob.fit(BITS, batch_size=32, epochs=8, verbose=0)
    samples = mob.sample(50_000, seed=1).numpy()
    counts = np.bincount(samples.astype(int) @ [16, 8, 4, 2, 1], minlength=32) / 50_000
    exact = np.exp(mob.log_prob(STATES).numpy().astype(float))
    exact /= exact.sum()
    assert oracles.total_variation(counts, exact) < oracles.expected_total_variation(exact, 50_000) + math.sqrt(
        math.log(1e6) / 100_000
    )


def test_nan_of_the_m_step_is_put_back():
    """Without a validation no loss shows it in its epoch: the weights do."""
    mob = MoB((5,), components=3)
    mob.compile()
    before = mob.means.numpy()
    vars(mob)["begin"] = lambda counts, sums: mob.means.assign(tf.fill(mob.means.shape, math.nan))
    with pytest.raises(ValueError, match="means became nan in epoch 1: training stopped"):
        mob.fit(BITS, batch_size=32, epochs=1, verbose=0)
    np.testing.assert_array_equal(mob.means.numpy(), before)
