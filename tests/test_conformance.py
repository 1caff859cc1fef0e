"""What every system of the catalog must do, and five systems that only the tests have. A new row is tested by being
there. What hangs on the training step alone is asked once for each mechanism: the functions that play in it."""

import keras
import numpy as np
import pytest
import systems
import tensorflow as tf

from tfgen.catalog import CATALOG
from tfgen.model import GenerativeModel

ROWS = {entry.name: entry for entry in [*CATALOG, *systems.SYSTEMS]}
EPOCHS = 3
DRAWS = {"eonade"}  # random numbers in training, for all that its log_prob is exact
PLAYED = ("players", "loss_terms", "critic_terms", "generator_terms", "after_turn", "after_epoch", "least_batch")


def mechanism(entry) -> tuple:
    return tuple(getattr(entry.model, name, None) for name in PLAYED)


def representatives() -> dict:
    """One row for each mechanism: the last one, so that those of tests/systems.py, which stress it most, come first;
    and dcgan, whose nets have layers that no other row of its mechanism has."""
    found = {mechanism(entry): name for name, entry in ROWS.items()}
    return {name: ROWS[name] for name in [*found.values(), "dcgan"]}


ONCE = representatives()
rows = pytest.mark.parametrize("entry", ROWS.values(), ids=ROWS)
once = pytest.mark.parametrize("entry", ONCE.values(), ids=ONCE)


def built(entry, policy="float32", **compile_arguments):
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    model = entry.tiny()
    model.compile(**compile_arguments)
    return model


def data(entry):
    given = entry.tiny_data()
    return given if isinstance(given, tuple) else (given, None)


def fit(model, entry, examples=None, **kwargs):
    x, condition = tf.nest.map_structure(lambda rows: None if rows is None else rows[:examples], data(entry))
    return model.fit(x, condition, **{"batch_size": 16, "epochs": EPOCHS, "shuffle": False, "verbose": 0, **kwargs})


def fit_moves_every_weight(model, entry, **kwargs):
    """To finite values, all but the row's idle ones."""
    before = [v.numpy() for v in model.trainable_variables]
    history = fit(model, entry, **kwargs).history
    assert all(np.isfinite(values).all() for values in history.values()), history
    still = [v.path for v, was in zip(model.trainable_variables, before, strict=True) if np.array_equal(v.numpy(), was)]
    assert still == list(entry.idle), f"fit left {still} where they were"


def state(model):
    """Every number that training goes on from."""
    return [v.numpy() for v in [*model.variables, *(v for o in model.optimizers.values() for v in o.variables)]]


def one(condition):
    return None if condition is None else tf.nest.map_structure(lambda c: c[0], condition)


@rows
def test_row(entry, tmp_path):
    """On one model: fit moves every weight; samples, evaluation and configuration of what was learnt. A mechanism's
    representative resumes bit for bit, and leaves by Keras's export (tests/test_export.py has all by ours)."""
    model = built(entry)
    if entry.name in ONCE:
        fit_moves_every_weight(
            model, entry, callbacks=[keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))]
        )
        resumes_bit_for_bit(model, entry, tmp_path / "1.keras")
        is_served(model, entry, tmp_path / "served")
    else:  # five turns share batches of 20 evenly: means over 4 are exact, and rounding moves no idle weight
        fit_moves_every_weight(model, entry, epochs=1, examples=60, batch_size=20)
    samples(model, entry)
    if entry.name in ONCE or hasattr(model, "log_prob"):
        is_judged_by_the_mean(model, entry)
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config() and again._arguments == model._arguments
    assert [v.shape for v in again.variables] == [v.shape for v in model.variables]


def resumes_bit_for_bit(whole, entry, checkpoint):
    """Uninterrupted, against the checkpoint of the first epoch: load, evaluate, sample, go on with a validation each
    epoch."""
    x, condition = data(entry)
    again = entry.model.load(checkpoint)
    judged, drawn = [], []
    for _ in range(2):
        judged.append(again.evaluate(x, condition, batch_size=16, verbose=0, return_dict=True))
        drawn.append(again.sample(4, one(condition), seed=3).numpy())
    assert judged[0] == judged[1]
    np.testing.assert_array_equal(*drawn)
    fit(again, entry, initial_epoch=1, validation_data=data(entry))
    for ours, theirs in zip(state(again), state(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def samples(model, entry):
    """The same seed gives the same samples, another one others; shape and values as declared; a condition changes
    them."""
    _, condition = data(entry)
    told = one(condition)
    a, b, c = (model.sample(64, told, seed=s).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c) or not tf.nest.flatten(model.noise_signature()), "noise is drawn and not heard"
    assert a.shape[0] == 64 and all(e in (None, s) for e, s in zip(model.shape, a.shape[1:], strict=True))
    if model.values == "binary":
        assert set(np.unique(a)) <= {0.0, 1.0}
    if condition is not None:
        other = tf.nest.map_structure(lambda c: (c[0] + 1) % 3, condition)
        assert not np.array_equal(a, model.sample(64, other, seed=1))


def is_served(model, entry, folder):
    """Keras's export, `call` and `predict` give the same numbers."""
    _, condition = data(entry)
    noise, told = model.noise(3, tf.constant([5, 0], tf.int64)), None
    if condition is not None:
        kind = lambda c: tf.int32 if c.dtype.kind == "i" else tf.float32
        told = tf.nest.map_structure(lambda c: tf.convert_to_tensor(c[:3], kind(c)), condition)
    model.export(str(folder), verbose=False)
    given = (noise,) if told is None else (noise, told)
    loaded = tf.saved_model.load(str(folder))
    served = loaded.serve(*given)
    np.testing.assert_allclose(served, model(*given), atol=1e-5)
    whole = tf.data.Dataset.from_tensors(noise if told is None else (noise, told))
    np.testing.assert_allclose(model.predict(whole, verbose=0), served, atol=1e-5)


def is_judged_by_the_mean(model, entry):
    """Uneven batches: evaluate gives the same twice, and where the terms are deterministic the mean over all 64."""
    x, condition = data(entry)
    batches, again = (model.evaluate(x, condition, batch_size=24, verbose=0, return_dict=True) for _ in range(2))
    assert batches == again and len(batches) >= 1
    if hasattr(model, "log_prob") and entry.name not in DRAWS:
        exact = -np.mean(model.log_prob(tf.constant(x), condition))
        assert batches["loss"] == pytest.approx(exact, rel=1e-5)


@once
def test_float16_under_xla(entry, tmp_path):
    """Losses are scaled, every weight moves, and the policy is saved with the model."""
    model = built(entry, "mixed_float16", jit_compile=True)
    fit_moves_every_weight(model, entry)
    assert all(isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizers.values())
    keras.config.set_dtype_policy("float32")
    model.save(tmp_path / "model.keras")
    again = GenerativeModel.load(tmp_path / "model.keras")
    assert again.dtype_policy.name == "mixed_float16"
    for ours, theirs in zip(state(again), state(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["vae", "made", "dcgan"])
def test_bfloat16(name):
    """Without XLA."""
    entry = ROWS[name]
    fit_moves_every_weight(built(entry, "mixed_bfloat16"), entry)


@pytest.mark.parametrize("name", [name for name in ONCE if hasattr(ROWS[name].model, "log_prob") and name not in DRAWS])
def test_xla_ends_where_none_does(name):
    """One epoch of deterministic losses."""
    entry = ROWS[name]
    plain, compiled = built(entry), built(entry, jit_compile=True)
    for model in (plain, compiled):
        fit(model, entry, epochs=1, batch_size=32)
    for ours, theirs in zip(compiled.trainable_variables, plain.trainable_variables, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


@once
def test_two_replicas(entry, mirrored):
    """Deterministic per-example losses: two replicas equal one with the whole batch. Every system trains, with several
    steps at a time."""
    with mirrored.scope():
        two = built(entry)
    deterministic = hasattr(entry.model, "log_prob") and entry.name not in DRAWS
    exact = {"validation_data": data(entry)} if deterministic else {}
    history = fit(two, entry, epochs=2, **exact).history
    assert all(np.isfinite(values).all() for values in history.values()), history
    if exact:
        lone = built(entry)
        alone = fit(lone, entry, epochs=2, **exact).history
        for name, values in alone.items():
            np.testing.assert_allclose(history[name], values, rtol=1e-5)
        for ours, theirs in zip(two.variables, lone.variables, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cgan", "infogan", "disco", "joint_gan", "gmmn", "mmd_gan"])
def test_a_replica_without_examples_counts_as_nothing(name, mirrored):
    """Five examples in batches of four: the last batch leaves the second replica empty."""
    entry = ROWS[name]
    with mirrored.scope():
        model = built(entry)
    x, condition = tf.nest.map_structure(lambda rows: None if rows is None else rows[:5], data(entry))
    judged = model.evaluate(x, condition, batch_size=4, verbose=0, return_dict=True)
    assert all(np.isfinite(v) for v in judged.values()), judged
