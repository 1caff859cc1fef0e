"""What every system of the catalog must do, and five systems that only the tests have. A new row is tested by being
there."""

import keras
import numpy as np
import pytest
import systems
import tensorflow as tf

from tfgen.adversarial import Composed
from tfgen.catalog import CATALOG
from tfgen.model import GenerativeModel

ROWS = {entry.name: entry for entry in [*CATALOG, *systems.SYSTEMS]}
EPOCHS = 3
rows = pytest.mark.parametrize("entry", ROWS.values(), ids=ROWS)
# Papers that only choose pieces share one step: "everything" (tests/systems.py) and dcgan stand for them where a trace
# costs seconds.
CHOICES = {
    name: entry
    for name, entry in ROWS.items()
    if issubclass(entry.model, Composed) and name not in ("everything", "dcgan")
}
SHARED = {name: entry for name, entry in ROWS.items() if name not in CHOICES}
few_rows = pytest.mark.parametrize("entry", SHARED.values(), ids=SHARED)


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


@pytest.mark.parametrize("entry", CHOICES.values(), ids=CHOICES)
def test_fit_moves_every_weight(entry):
    """Five turns share batches of 20 evenly: means over 4 are exact, and rounding moves no weight that the loss does
    not depend on."""
    fit_moves_every_weight(built(entry), entry, epochs=1, examples=60, batch_size=20)


@few_rows
def test_fit_moves_every_weight_and_resume_is_bit_exact(entry, tmp_path):
    """Uninterrupted, against the checkpoint of the first epoch: load, evaluate, sample, go on with a validation each
    epoch."""
    whole = built(entry)
    fit_moves_every_weight(whole, entry, callbacks=[keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))])

    x, condition = data(entry)
    again = entry.model.load(tmp_path / "1.keras")
    judged, samples = [], []
    for _ in range(2):
        judged.append(again.evaluate(x, condition, batch_size=16, verbose=0, return_dict=True))
        samples.append(again.sample(4, one(condition), seed=3).numpy())
    assert judged[0] == judged[1]
    np.testing.assert_array_equal(*samples)
    fit(again, entry, initial_epoch=1, validation_data=data(entry))
    for ours, theirs in zip(state(again), state(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@rows
def test_samples(entry):
    """The same seed gives the same samples, another one others; shape and values as declared; a condition changes them;
    call and export agree."""
    model = built(entry)
    _, condition = data(entry)
    told = one(condition)
    a, b, c = (model.sample(64, told, seed=s).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c) or not tf.nest.flatten(model.noise_signature()), "noise is drawn and not heard"
    assert a.shape[0] == 64 and all(e in (None, s) for e, s in zip(model.shape, a.shape[1:], strict=True))
    if model.values == "binary":
        assert set(np.unique(a)) <= {0.0, 1.0}
    if condition is not None:
        fit(model, entry)
        other = tf.nest.map_structure(lambda c: (c[0] + 1) % 3, condition)
        assert not np.array_equal(model.sample(64, told, seed=1), model.sample(64, other, seed=1))


@rows
def test_savedmodel(entry, tmp_path):
    model = built(entry)
    _, condition = data(entry)
    noise = model.noise(3, tf.constant([5, 0], tf.int64))
    told = (
        None
        if condition is None
        else tf.nest.map_structure(
            lambda c: tf.convert_to_tensor(c[:3], tf.int32 if c.dtype.kind == "i" else tf.float32), condition
        )
    )
    model.export(str(tmp_path), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path))
    served = loaded.serve(*((noise,) if told is None else (noise, told)))
    np.testing.assert_allclose(served, model(noise, told), atol=1e-5)
    np.testing.assert_allclose(
        model.predict(tf.data.Dataset.from_tensors((noise, told) if told is not None else noise), verbose=0),
        served,
        atol=1e-5,
    )


@rows
def test_evaluate_is_the_mean_over_the_examples(entry):
    """Uneven batches: where the terms are deterministic, evaluate in batches of 24 is the mean over all 64."""
    model = built(entry)
    x, condition = data(entry)
    batches = model.evaluate(x, condition, batch_size=24, verbose=0, return_dict=True)
    again = model.evaluate(x, condition, batch_size=24, verbose=0, return_dict=True)
    assert batches == again and len(batches) >= 1
    if hasattr(model, "log_prob"):
        exact = -np.mean(model.log_prob(tf.constant(x), condition))
        assert batches["loss"] == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(
    "name, policy",
    [*((name, "mixed_float16") for name in SHARED), *((name, "mixed_bfloat16") for name in ("vae", "made", "dcgan"))],
)
def test_precision(name, policy, tmp_path):
    """Half precision, in both kinds where they differ: float16 scales its losses."""
    entry = ROWS[name]
    model = built(entry, policy)
    fit_moves_every_weight(model, entry)
    if policy == "mixed_float16":
        assert all(isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizers.values())
        keras.config.set_dtype_policy("float32")
        model.save(tmp_path / "model.keras")
        again = GenerativeModel.load(tmp_path / "model.keras")
        assert again.dtype_policy.name == policy
        for ours, theirs in zip(state(again), state(model), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@few_rows
def test_jit_compile(entry):
    """One epoch under XLA. Deterministic losses end where they end without it."""
    plain, compiled = built(entry), built(entry, jit_compile=True)
    fit(compiled, entry, epochs=1, batch_size=32)
    assert all(np.isfinite(v.numpy()).all() for v in compiled.trainable_variables)
    if hasattr(entry.model, "log_prob"):
        fit(plain, entry, epochs=1, batch_size=32)
        for ours, theirs in zip(compiled.trainable_variables, plain.trainable_variables, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


@few_rows
def test_two_replicas(entry, mirrored):
    """Deterministic per-example losses: two replicas equal one with the whole batch. Every system trains, with several
    steps at a time."""
    with mirrored.scope():
        two = built(entry)
    exact = {"validation_data": data(entry)} if hasattr(entry.model, "log_prob") else {}
    history = fit(two, entry, epochs=2, **exact).history
    assert all(np.isfinite(values).all() for values in history.values()), history
    if exact:
        lone = built(entry)
        alone = fit(lone, entry, epochs=2, **exact).history
        for name, values in alone.items():
            np.testing.assert_allclose(history[name], values, rtol=1e-5)
        for ours, theirs in zip(two.variables, lone.variables, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)


@rows
def test_config_is_the_arguments(entry):
    model = entry.tiny()
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [v.shape for v in again.variables] == [v.shape for v in model.variables]
    assert again._arguments == model._arguments
