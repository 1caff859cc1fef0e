"""The variational bound against quadrature and against a model whose posterior is known."""

import math

import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfgen import metrics, rng
from tfgen.variational import VAE

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
