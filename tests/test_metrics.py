"""Metrics by hand, in tensors and in numpy."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import metrics
from tfgen.adversarial import GAN
from tfgen.autoregressive import MADE
from tfgen.mixture import GMM

BITS = np.random.default_rng(0).integers(0, 2, (50, 5)).astype("float32")


def test_bits_per_dim():
    """A uniform density over 256 bytes is 8 bits; of dequantised bytes its density is 1, and the constant makes up for
    it."""
    assert metrics.bits_per_dim(-3 * math.log(256), 3) == pytest.approx(8)
    assert metrics.bits_per_dim(0.0, 3, constant=3 * math.log(256)) == pytest.approx(8)
    log_prob = np.array([-1.0, -2.0], "float32")
    np.testing.assert_allclose(metrics.bits_per_dim(tf.constant(log_prob), 2), metrics.bits_per_dim(log_prob, 2))
    metric = metrics.BitsPerDim(2)
    metric.update_state(log_prob)
    metric.update_state(tf.constant([-3.0]))
    assert float(metric.result()) == pytest.approx(2 / (2 * math.log(2)))
    assert keras.metrics.deserialize(keras.metrics.serialize(metric)).dims == 2


def test_reconstruction_error():
    x, y = np.zeros((2, 2, 2), "float32"), np.array([[[1, 0], [0, 0]], [[1, 1], [1, 3]]], "float32")
    np.testing.assert_allclose(metrics.reconstruction_error(x, y), [0.25, 3.0])
    np.testing.assert_allclose(metrics.reconstruction_error(tf.constant(x), tf.constant(y)), [0.25, 3.0])
    metric = metrics.ReconstructionError()
    metric.update_state(x[:1], y[:1])
    metric.update_state(tf.constant(x[1:]), tf.constant(y[1:]))
    assert float(metric.result()) == pytest.approx(1.625)


def test_exact_likelihood_with_conditions_in_batches():
    made, labels = MADE((5,), hidden=(8,), condition=3), np.arange(50) % 3
    got = metrics.likelihood(made, BITS, labels, batch=16)
    exact = -made.log_prob(BITS, labels).numpy()
    assert got.how == "exact" and got.nats == pytest.approx(exact.mean(), rel=1e-6)
    assert got.error == pytest.approx(exact.std(ddof=1) / math.sqrt(50), rel=1e-5)
    np.testing.assert_allclose(got.each, exact, rtol=1e-5)


def test_likelihood_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="neither log_prob nor bound"):
        metrics.likelihood(GAN((5,), values="real"), BITS)
    with pytest.raises(ValueError, match="no path to anneal along"):
        metrics.annealed_log_likelihood(GMM((5,)), BITS)


def test_what_a_logistic_regression_reads_off_a_code():
    """All of what a plane separates, chance where nothing is said; the least loss, against plain descent."""
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=600)
    apart = np.array([[8.0, 0], [0, 8], [-8, -8]])[labels] + generator.normal(size=(600, 2))
    assert metrics.told_by(apart, labels, 3).all() and len(metrics.told_by(apart, labels, 3)) == 300
    assert metrics.told_by(1000 * apart + 5, labels, 3).all()
    assert metrics.told_by(generator.normal(size=(600, 2)), labels, 3).mean() == pytest.approx(1 / 3, abs=0.1)
    near = apart / 8 + generator.normal(size=(600, 2))
    z = np.c_[(near - near[:300].mean(0)) / near[:300].std(0), np.ones(600)]
    weights = np.zeros((3, 3))
    for _ in range(3000):
        p = np.exp(z[:300] @ weights)
        weights -= z[:300].T @ (p / p.sum(1, keepdims=True) - np.eye(3)[labels[:300]]) / 300 + 1e-3 * weights
    np.testing.assert_array_equal(metrics.told_by(near, labels, 3), (z[300:] @ weights).argmax(1) == labels[300:])
    with pytest.raises(ValueError, match="3 examples: expected four or more"):
        metrics.told_by(near[:3], labels[:3], 3)
