"""MADE: normalised, and no output sees what comes after it."""

import math

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfgen.autoregressive import MADE

STATES = oracles.binary_states(5).astype("float32")


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
    {"hidden": (8, 8), "order": "raster", "masks": 2, "condition": 3},
]
variants = pytest.mark.parametrize(
    "arguments", VARIANTS, ids=["one", "deep", "logistic, given order", "masks", "classes"]
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
        if len(arguments["hidden"]) < 2:  # wide enough for every allowed link to be there
            assert (total[allowed] > 0).mean() > 0.7


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
