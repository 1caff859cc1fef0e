"""What a Keras user tries in the first hour: it works, or is refused in one clear line."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgen
from tfgen import laws, rng
from tfgen.adversarial import GAN, Adversarial
from tfgen.autoregressive import MADE
from tfgen.callbacks import Schedule
from tfgen.energy import RBM, Helmholtz
from tfgen.model import GenerativeModel, Player
from tfgen.variational import VAE

BITS = np.random.default_rng(0).integers(0, 2, (64, 5)).astype("float32")
PLANE = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


class Location(GenerativeModel):
    """The smallest model: the mean of x, by least squares."""

    def __init__(self, shape, *, penalty: float = 0.0):
        super().__init__(shape)
        regularizer = keras.regularizers.L2(penalty) if penalty else None
        self.m = self.add_weight(shape=self.shape, initializer="zeros", regularizer=regularizer, name="m")

    def loss_terms(self, x, condition=None, training=True):
        distance = tf.reduce_sum((x - self.m) ** 2, -1)
        return {"loss": distance, "largest": tf.reduce_max(distance)}

    @property
    def laws(self):
        return laws.normal(*self.shape)

    def generate(self, noise, condition=None):
        return self.m + noise


class Noisy(Location):
    """Logs the noise of each step, [batch], and moves by it."""

    def loss_terms(self, x, condition=None, training=True):
        u = rng.uniform([tf.shape(x)[0]], self.new_seed())
        return {
            "loss": tf.reduce_sum(self.m * x * u[:, None], -1),
            "first": u,
            "second": rng.uniform([tf.shape(x)[0]], self.new_seed()),
        }


def compiled(model, *args, **kwargs):
    model.compile(*args, **kwargs)
    return model


@pytest.fixture(scope="module")
def vae():
    return compiled(VAE((5,), latent=2, hidden=(8,)))


@pytest.fixture(scope="module")
def gan():
    return compiled(GAN((2,), values="real", latent=3, hidden=(8,)))


# -- logs, weights, regularisers ---------------------------------------------------------------------------------------


def test_logs_are_means_over_the_examples():
    """64 in batches of 24 (24, 24, 16), the weights held still."""
    model = compiled(Location((2,)), keras.optimizers.SGD(0.0))
    logs = model.fit(PLANE, batch_size=24, epochs=1, shuffle=False, verbose=0).history
    distance = (PLANE**2).sum(-1)
    assert logs["loss"][0] == pytest.approx(distance.mean(), rel=1e-6)
    largest = [distance[i : i + 24].max() for i in (0, 24, 48)]
    assert logs["largest"][0] == pytest.approx(np.dot(largest, [24, 24, 16]) / 64, rel=1e-6)


def test_sample_weight_is_the_mean_of_w_times_the_loss():
    w = np.random.default_rng(1).random(64).astype("float32")
    model = compiled(Location((2,)), keras.optimizers.SGD(0.1))
    model.fit(PLANE, sample_weight=w, batch_size=64, epochs=1, verbose=0)
    np.testing.assert_allclose(model.m, 0.2 * (w[:, None] * PLANE).mean(0), rtol=1e-4)
    expected = pytest.approx((w * (PLANE**2).sum(-1)).mean(), rel=1e-5)
    assert (
        compiled(Location((2,))).evaluate(PLANE, sample_weight=w, batch_size=24, verbose=0, return_dict=True)["loss"]
        == expected
    )
    still = compiled(Location((2,)), keras.optimizers.SGD(0.0))
    assert still.fit(PLANE, validation_data=(PLANE, None, w), verbose=0).history["val_loss"][0] == expected


def test_sample_weight_is_refused_where_it_means_nothing(gan):
    with pytest.raises(ValueError, match="critic, generator: leave it out"):
        gan.fit(PLANE, sample_weight=np.ones(64), verbose=0)
    with pytest.raises(ValueError, match="leave it out"):
        compiled(RBM((5,), hidden=3)).fit(BITS, sample_weight=np.ones(64), verbose=0)


def test_regularisers_count():
    model = compiled(Location((2,), penalty=1.0), keras.optimizers.SGD(0.1))
    model.m.assign([1.0, 1.0])
    model.fit(np.ones((8, 2), "float32"), epochs=1, verbose=0)
    np.testing.assert_allclose(model.m, [0.8, 0.8], rtol=1e-6)


class HandsOn(VAE):
    """Whose constructor names none of its arguments."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class HandsOnSome(HandsOn):
    def __init__(self, shape, *, latent: int = 3, **others):
        super().__init__(shape, latent=latent, **others)


@pytest.mark.parametrize("system", [HandsOn, HandsOnSome])
def test_arguments_that_are_handed_on_are_the_configuration(system, tmp_path):
    model = compiled(system((5,), hidden=(8,)))
    model.save(tmp_path / "own.keras")
    again = system.load(tmp_path / "own.keras")
    assert again.get_config() == model.get_config() and again.get_config()["hidden"] == (8,)
    np.testing.assert_array_equal(again.sample(3, seed=1), model.sample(3, seed=1))
    with pytest.raises(ValueError, match="hidden=8: expected a tuple"):
        system((5,), hidden=8)


class Waits(Location):
    """Whose only player has no turn."""

    def players(self):
        return {"model": Player(self.loss_terms, [self.m], turns=0)}


def test_where_every_player_waits():
    model = compiled(Waits((2,)))
    before = model.m.numpy()
    model.fit(PLANE, validation_data=(PLANE, None), verbose=0)
    assert model.evaluate(PLANE, verbose=0, return_dict=True).keys() <= {"waits"}
    np.testing.assert_array_equal(model.m, before)


# -- compile -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"loss": "mse"}, {"metrics": ["mae"]}, {"loss_weights": [1.0]}])
def test_compile_refuses_another_loss(vae, given):
    with pytest.raises(ValueError, match="carries its own loss") as error:
        VAE((5,)).compile(**given)
    assert "\n" not in str(error.value)


def test_compile_takes_one_optimizer_or_one_for_each(gan):
    model = GAN((2,), values="real", latent=3, hidden=(4,))
    model.compile("sgd")
    assert all(isinstance(o, keras.optimizers.SGD) for o in model.optimizers.values())
    assert model.optimizers["critic"] is not model.optimizers["generator"]
    model.compile({"critic": keras.optimizers.RMSprop(1e-3)})
    assert isinstance(model.optimizers["generator"], keras.optimizers.Adam)
    with pytest.raises(ValueError, match="the players are critic, generator"):
        model.compile({"discriminator": "adam"})


def test_one_schedule_drives_every_player():
    model = compiled(
        GAN((2,), values="real", latent=3, hidden=(4,)),
        {"critic": keras.optimizers.Adam(1e-2), "generator": keras.optimizers.Adam(1e-3)},
    )
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append([float(o.learning_rate) for o in model.optimizers.values()])
    )
    model.fit(
        PLANE,
        epochs=3,
        verbose=0,
        callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 1e-2 / 10**epoch), note],
    )
    np.testing.assert_allclose(rates, [[1e-2, 1e-3], [1e-3, 1e-4], [1e-4, 1e-5]], rtol=1e-5)
    model.optimizer.learning_rate = 0.0
    before = [v.numpy() for v in model.trainable_variables]
    model.fit(PLANE, epochs=1, verbose=0)
    for v, was in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), was)


def test_reduce_on_plateau_and_early_stopping(vae):
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=1e9)
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=1e9)
    model = compiled(VAE((5,), latent=2, hidden=(4,)))
    history = model.fit(BITS, epochs=10, validation_data=(BITS, None), verbose=0, callbacks=[stop, plateau])
    assert len(history.epoch) == 3 and float(model.optimizer.learning_rate) < 1e-3


def test_steps_per_execution_is_chosen_and_can_be_given(vae):
    for batches, steps in ((40, 20), (14, 14), (30, 15), (600, 20), (43, 20), (3, 3)):
        vae._choose_steps(np.zeros([32 * batches, 5], "float32"), 32)
        assert vae.steps_per_execution == steps
    vae._choose_steps(BITS, 10**8)  # a step of some 10^11 operations
    assert vae.steps_per_execution == 1
    given = compiled(Location((2,)), steps_per_execution=3)
    given.fit(PLANE, verbose=0)
    assert given.steps_per_execution == 3
    given.run_eagerly = True
    given.fit(PLANE, verbose=0)


# -- randomness --------------------------------------------------------------------------------------------------------


def test_noise_differs_between_steps_calls_and_replicas(mirrored):
    def draws(model, **kwargs):
        logs = model.fit(PLANE, batch_size=32, epochs=3, shuffle=False, verbose=0, **kwargs).history
        return [*logs["first"], *logs["second"]]

    alone = draws(compiled(Noisy((2,))))
    assert len(set(alone)) == 6
    with mirrored.scope():
        model = compiled(Noisy((2,)))
        seen = mirrored.run(tf.function(lambda: _seeded(model)))
    first, second = (v.numpy() for v in mirrored.experimental_local_results(seen))
    assert not np.array_equal(first, second)
    assert len(set(draws(model))) == 6


def _seeded(model):
    with rng.stream(model.random_state.value):
        return rng.uniform([4], model.new_seed())


def test_evaluate_and_sample_leave_the_stream_alone():
    ends = []
    for between in (False, True):
        keras.utils.set_random_seed(5)
        model = compiled(Noisy((2,)))
        for _ in range(2):
            model.fit(PLANE, epochs=1, shuffle=False, verbose=0)
            if between:
                model.evaluate(PLANE, verbose=0)
                model.sample(3)
        ends.append([model.m.numpy(), model.random_state.numpy()])
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_array_equal(ends[0][1], ends[1][1])


def test_new_seed_outside_a_step_is_fresh_and_refused_in_a_graph():
    assert not np.array_equal(rng.new_seed(), rng.new_seed())
    with pytest.raises(ValueError, match=r"rng\.stream"):
        tf.function(rng.new_seed)()


def test_transforms_of_uniforms():
    u = tf.constant(np.linspace(0.0005, 0.9995, 1000), tf.float32)
    k = rng.categorical(u, logits=tf.math.log([0.2, 0.5, 0.3])).numpy()
    np.testing.assert_allclose(np.bincount(k) / 1000, [0.2, 0.5, 0.3], atol=1.1e-3)
    assert rng.bernoulli(u, logits=tf.math.log(0.3 / 0.7)).numpy().mean() == pytest.approx(0.3, abs=1.1e-3)
    np.testing.assert_allclose(tf.sigmoid(rng.logistic(u)), u, atol=1e-5)


# -- predict, call, summary, callbacks ---------------------------------------------------------------------------------


def test_predict_and_call_take_noise(vae, gan):
    noise = gan.noise(10, rng.as_seed(3))
    np.testing.assert_allclose(gan.predict(noise.numpy(), batch_size=4, verbose=0), gan(noise), atol=1e-6)
    np.testing.assert_allclose(gan.sample(10, seed=3), gan(noise), atol=1e-6)
    assert vae.predict(vae.noise(10, rng.as_seed(3)), verbose=0).shape == (10, 5)
    with pytest.raises(ValueError, match=r"turns noise of shape"):
        vae(BITS)
    gan.summary(print_fn=lambda line: None)


def test_a_term_of_a_wrong_shape_is_named():
    class Wrong(Location):
        def loss_terms(self, x, condition=None, training=True):
            return {"loss": x}

    with pytest.raises(ValueError, match="term 'loss' has shape"):
        compiled(Wrong((2,))).fit(PLANE, verbose=0)


def test_keras_callbacks(tmp_path, gan):
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            str(tmp_path / "best.keras"), monitor="val_generator_loss", mode="min", save_best_only=True
        ),
        keras.callbacks.TensorBoard(str(tmp_path / "logs"), histogram_freq=1),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.TerminateOnNaN(),
    ]
    gan.fit(PLANE, epochs=2, validation_data=(PLANE, None), verbose=0, callbacks=callbacks)
    assert isinstance(tfgen.load(tmp_path / "best.keras"), GAN)
    assert list((tmp_path / "logs" / "train").iterdir()) and "critic_loss" in (tmp_path / "log.csv").read_text()


def test_backup_and_restore_goes_on_bit_for_bit(tmp_path):
    def run(**kwargs):
        keras.utils.set_random_seed(7)
        model = compiled(VAE((5,), latent=2, hidden=(4,)))
        model.fit(BITS, batch_size=16, epochs=4, shuffle=False, verbose=0, **kwargs)
        return model.get_weights()

    class Killed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(callbacks=[keras.callbacks.BackupAndRestore(str(tmp_path)), Killed()])
    for ours, theirs in zip(run(callbacks=[keras.callbacks.BackupAndRestore(str(tmp_path))]), run(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_fit_enters_the_data_at_its_epoch(tmp_path):
    """Shuffled digits, binarised afresh each epoch: three epochs, or one, a save, and two from a new process's view of
    the data."""

    def digits():
        return tfgen.data.load("digits", values="binary", limit=300)

    whole, first = (compiled(VAE((8, 8, 1), latent=2, hidden=(4,))) for _ in range(2))
    first.set_weights(whole.get_weights())
    whole.fit(digits(), epochs=3, verbose=0)
    first.fit(digits(), epochs=1, verbose=0)
    first.save(tmp_path / "model.keras")
    again = tfgen.load(tmp_path / "model.keras")
    again.fit(digits(), initial_epoch=1, epochs=3, verbose=0)
    for ours, theirs in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_optimizers_survive_every_way_of_saving(tmp_path):
    def fresh():
        keras.utils.set_random_seed(3)
        return compiled(GAN((2,), values="real", latent=3, hidden=(4,)))

    model = fresh()
    model.fit(PLANE, epochs=2, verbose=0)
    state = [v.numpy() for o in model.optimizers.values() for v in o.variables]
    model.save(tmp_path / "a.keras")
    model.save_weights(tmp_path / "a.weights.h5")
    tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    others = [tfgen.load(tmp_path / "a.keras"), fresh(), fresh()]
    others[1].load_weights(tmp_path / "a.weights.h5")
    tf.train.Checkpoint(model=others[2]).read(str(tmp_path / "checkpoint")).assert_existing_objects_matched()
    for other in others:
        for ours, theirs in zip(
            [v.numpy() for o in other.optimizers.values() for v in o.variables], state, strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(other.random_state.numpy(), model.random_state.numpy())


def test_schedule_moves_a_weight():
    model = compiled(RBM((5,), hidden=3))
    model.fit(BITS, epochs=3, verbose=0, callbacks=[Schedule("k", lambda epoch: 1 + 2 * epoch)])
    assert int(model.k) == 5
    with pytest.raises(ValueError, match="no weight 'q' to schedule"):
        model.fit(BITS, verbose=0, callbacks=[Schedule("q", float)])


def test_validation_comes_after_the_end_of_the_epoch():
    """EM: the validation of epoch 1 sees the M-step of epoch 1."""
    from tfgen.mixture import MoB

    model = compiled(MoB((5,), components=2))
    history = model.fit(BITS, epochs=2, validation_data=(BITS, None), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(history["loss"][1], rel=1e-5)


def test_fit_twice_starts_at_the_first_epoch_again(tmp_path):
    model = compiled(Location((2,)))
    model.fit(
        PLANE, epochs=2, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)]
    )
    model.fit(PLANE, epochs=3, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(str(tmp_path))])
    assert len(model.fit(PLANE, epochs=2, verbose=0).epoch) == 2


# -- bad input ---------------------------------------------------------------------------------------------------------


def line(error) -> str:
    assert "\n" not in str(error.value), error.value
    return str(error.value)


@pytest.mark.parametrize(
    "x, expected",
    [
        (BITS[:, :4], r"shape \(4,\), and VAE was built for \(5,\)"),
        (BITS * 255, "holds 255 .*takes binary values"),
        (BITS * 0.5, "holds 0.5"),
        (np.where(np.eye(64, 5) > 0, np.nan, BITS), "NaN among"),
    ],
    ids=["shape", "range", "grey", "nan"],
)
def test_data_that_do_not_fit(vae, x, expected):
    x = x.astype("float32")
    before = vae.get_weights()
    for attempt in (
        lambda: vae.fit(x, verbose=0),
        lambda: vae.fit(tf.data.Dataset.from_tensor_slices(x).batch(16), verbose=0),
        lambda: vae.fit(BITS, validation_data=(x, None), verbose=0),
        lambda: vae.evaluate(x, verbose=0),
    ):
        with pytest.raises(ValueError, match=expected) as error:
            attempt()
        line(error)
    for now, was in zip(vae.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, was)


def test_conditions_that_do_not_fit(vae):
    made = compiled(MADE((5,), hidden=(8,), condition=3))
    labels = np.arange(64) % 3
    cases = [
        (lambda: made.fit(BITS, verbose=0), "without a condition; this model takes labels in 0..2"),
        (lambda: made.fit(BITS, labels + 1, verbose=0), "labels from 1 to 3"),
        (lambda: made.fit(BITS, BITS, verbose=0), "condition of shape"),
        (lambda: vae.fit(BITS, labels, verbose=0), "takes none"),
        (lambda: made.sample(4), "without a condition"),
        (lambda: made.sample(4, 3), "labels from 3 to 3"),
        (lambda: made.sample(4, [0, 1]), "4 samples were asked for with 2 conditions"),
    ]
    for attempt, expected in cases:
        with pytest.raises(ValueError, match=expected) as error:
            attempt()
        line(error)
    assert made.sample(4, [0, 1, 2, 0]).shape == (4, 5)


def test_batches_too_small_for_the_turns():
    model = compiled(GAN((2,), values="real", latent=3, hidden=(4,), turns=5))
    with pytest.raises(ValueError, match="a step needs 5") as error:
        model.fit(PLANE, batch_size=4, verbose=0)
    line(error)
    with pytest.raises(ValueError, match="leave a batch of 4"):
        model.fit(PLANE, batch_size=30, verbose=0)
    with pytest.raises(ValueError, match="fewer than 5 example") as error:
        model.fit(tf.data.Dataset.from_tensor_slices(PLANE).batch(30), verbose=0)
    line(error)
    model.fit(PLANE, batch_size=16, epochs=1, verbose=0)


def test_an_empty_replica_is_refused(mirrored):
    with mirrored.scope():
        model = compiled(Location((2,)))
    with pytest.raises(ValueError, match="a step needs 2") as error:
        model.fit(PLANE[:33], batch_size=16, verbose=0)
    line(error)
    with pytest.raises(ValueError, match="left a replica fewer than 1 example") as error:
        model.fit(tf.data.Dataset.from_tensor_slices(PLANE[:33]).batch(16), verbose=0)
    line(error)
    assert np.isfinite(model.evaluate(PLANE[:33], batch_size=16, verbose=0, return_dict=True)["loss"])


class Explodes(Location):
    def loss_terms(self, x, condition=None, training=True):
        return {"loss": tf.reduce_sum((x - self.m) ** 2, -1) / tf.cast(self.random_state[1] < 7, tf.float32)}


def test_nan_stops_and_keeps_the_last_good_epoch():
    """Four steps an epoch; the seventh divides by zero."""
    model = compiled(Explodes((2,)), keras.optimizers.Adam(0.1))
    kept = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(
            [v.numpy() for v in [*model.variables, *model.optimizer.variables]]
        )
    )
    with pytest.raises(ValueError, match=r"loss became (inf|nan) in epoch 2") as error:
        model.fit(PLANE, batch_size=16, epochs=3, verbose=0, callbacks=[note])
    line(error)
    assert len(kept) == 1
    for now, good in zip([*model.variables, *model.optimizer.variables], kept[0], strict=True):
        np.testing.assert_array_equal(now.numpy(), good)
    quiet = compiled(Explodes((2,)))
    assert (
        len(quiet.fit(PLANE, batch_size=16, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()]).epoch)
        == 2
    )
    assert np.isfinite(quiet.m.numpy()).all()


def test_files_that_are_no_models(tmp_path, vae):
    vae.save(tmp_path / "good.keras")
    whole = (tmp_path / "good.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.keras").write_text("hello")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "foreign.keras")
    cases = {"absent": "is not there", "cut": "cut short", "text": "cut short", "foreign": "holds a Sequential"}
    for name, expected in cases.items():
        with pytest.raises(ValueError, match=expected) as error:
            tfgen.load(tmp_path / f"{name}.keras")
        line(error)
    with pytest.raises(ValueError, match="holds a VAE, and a GAN was expected"):
        GAN.load(tmp_path / "good.keras")
    assert {p.name for p in tmp_path.iterdir()} == {"good.keras", "cut.keras", "text.keras", "foreign.keras"}


def test_a_failed_save_leaves_what_was_there(tmp_path, vae, monkeypatch):
    path = tmp_path / "model.keras"
    vae.save(path)
    good = path.read_bytes()

    def break_off(self, filepath, **kwargs):
        with open(filepath, "wb") as file:
            file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(keras.Model, "save", break_off)
    with pytest.raises(OSError, match="disk full"):
        vae.save(path)
    assert path.read_bytes() == good and list(tmp_path.iterdir()) == [path]


def test_unknown_names_offer_the_nearest():
    for attempt, expected in [
        (lambda: VAE((5,), likelihood="bernouli"), "bernoulli"),
        (lambda: GAN((2,), values="real", game="minmax"), "minimax"),
        (lambda: GAN((2,), values="binary"), "real, signed, unit"),
        (lambda: tfgen.catalog.find("vea"), "vae"),
        (lambda: tfgen.catalog.find("??????"), r"did you mean \w+, \w+, \w+\?"),
        (lambda: tfgen.distribute.strategy("mirored"), "none, mirrored, multiworker"),
    ]:
        with pytest.raises(ValueError, match=expected) as error:
            attempt()
        line(error)


@pytest.mark.parametrize("x", [255 * BITS, (255 * BITS).astype("uint8"), 0.5 * BITS, tf.constant(0.5 * BITS)])
def test_every_door_checks_values(vae, x):
    """A likelihood of bytes under bits is no likelihood."""
    made, rbm = MADE((5,), hidden=(8,)), RBM((5,), hidden=3)
    for method in (made.log_prob, vae.bound, vae.encode, vae.reconstruct, rbm.free_energy):
        with pytest.raises(ValueError, match="only 0 and 1") as error:
            method(x)
        line(error)
    with pytest.raises(ValueError, match="1 NaN among"):
        made.log_prob(np.where(np.arange(320).reshape(64, 5) == 7, np.nan, BITS))
    with pytest.raises(ValueError, match=r"examples of shape \(4,\)") as error:
        vae.encode(BITS[:, :4])
    line(error)
    inside = tf.function(made.log_prob)(tf.constant(0.5 * BITS))  # of a graph nobody knows the values
    assert inside.shape == (64,)


def test_arguments_that_no_model_has():
    for attempt, expected in [
        (lambda: VAE((5,), kernel=3), "VAE has no argument 'kernel'. It takes shape, "),
        (lambda: VAE((5,), laten=3), "did you mean latent"),
        (lambda: GAN((2,), values="real", lattent=3), "GAN has no argument 'lattent': did you mean latent"),
        (lambda: VAE(), "VAE: missing a required argument: 'shape'; it takes shape, "),
    ]:
        with pytest.raises(TypeError, match=expected) as error:
            attempt()
        line(error)


def test_what_fit_cannot_use(vae):
    frozen = compiled(VAE((5,), latent=2, hidden=(8,)))
    frozen.trainable = False
    for attempt, expected in [
        (lambda: vae.fit(BITS, class_weight={0: 2.0}, verbose=0), "sample_weight"),
        (lambda: vae.fit(BITS[:0], verbose=0), "no examples"),
        (lambda: vae.evaluate(BITS[:0], verbose=0), "no examples"),
        (lambda: vae.fit(BITS.tolist(), verbose=0), "a list of 64: give an array"),
        (lambda: frozen.fit(BITS, verbose=0), "is frozen"),
        (lambda: compiled(frozen).fit(BITS, verbose=0), "is frozen"),
    ]:
        with pytest.raises(ValueError, match=expected) as error:
            attempt()
        line(error)
    gan = GAN((2,), values="real", latent=3, hidden=(4,), penalties="r1:0.1")
    gan.critic.trainable = False
    before = gan.critic.get_weights()
    compiled(gan).fit(PLANE, verbose=0)
    for now, was in zip(gan.critic.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, was)
    assert [(p.name, p.weight) for p in gan.critic.penalties] == [("r1", 0.1)]


def test_nets_whose_shapes_are_not_known():
    class Net(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    wrapped = lambda units, size: keras.Model(inputs := keras.Input((size,)), Net(units)(inputs))
    for generator, critic, expected in [
        (Net(2), wrapped(1, 2), "the generator is a Net"),
        (keras.Sequential([keras.layers.Dense(2)]), wrapped(1, 2), "the generator was never built"),
        (wrapped(2, 3), Net(1), r"the critic is a Net, .* keras.Input\(\(2,\)\)"),
    ]:
        with pytest.raises(ValueError, match=expected) as error:
            Adversarial((2,), generator, critic)
        line(error)
    compiled(Adversarial((2,), wrapped(2, 3), wrapped(1, 2))).fit(PLANE, verbose=0)


def test_summary_and_plot_show_the_parts(tmp_path, vae, capsys):
    vae.summary()
    told = capsys.readouterr().out
    for part in ("plays model: by gradients, moves", "encoder", "decoder", "(8,)", f"{vae.count_params():,} numbers"):
        assert part in told, told
    gan = GAN((2,), values="real", latent=3, hidden=(4,), minibatch=2)
    lines = []
    gan.summary(print_fn=lines.append)
    assert lines[0].count("output") == 1 and "?" not in lines[0]  # a layer that two nets share stands there once
    picture = Image.open(gan.plot(tmp_path / "parts.png"))
    assert picture.width > 200 and len(picture.convert("RGB").getcolors(10000)) > 3


def test_stage_changes_in_the_middle_of_fit():
    from systems import Greedy

    model = compiled(Greedy((4,), epochs_each=2))
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    history = model.fit(x, epochs=4, validation_data=(x, None), verbose=0).history
    assert len(history["layer0_loss"]) == 2 and len(history["layer1_loss"]) == 2
    assert int(model.optimizers["layer0"].iterations) == int(model.optimizers["layer1"].iterations) == 4


def test_pieces_carry_their_state():
    from systems import Walk

    model = Walk()
    noise = model.noise(5, rng.as_seed(1), length=12)
    first, state = model.advance(noise[:, :5], model.start(5))
    second, _ = model.advance(noise[:, 5:], state)
    np.testing.assert_array_equal(tf.concat([first, second], 1), model(noise))
    assert model.sample(3, length=9, seed=1).shape == (3, 9)
    states = np.array([[int(b) for b in f"{i:06b}"] for i in range(64)], "float32")
    assert np.exp(model.log_prob(states)).sum() == pytest.approx(1, abs=1e-5)


def test_chains_are_shared_by_the_replicas(mirrored):
    with mirrored.scope():
        model = compiled(RBM((5,), hidden=4, chains=8))
    model.W.assign(np.random.default_rng(0).normal(size=(5, 4)))
    model.h.assign(np.zeros((8, 4)))
    model.fit(BITS, batch_size=16, epochs=2, verbose=0)
    chains = model.h.numpy()
    assert set(np.unique(chains)) == {0.0, 1.0} and chains[:4].any() and chains[4:].any()
    assert not np.array_equal(chains[:4], chains[4:])
    with mirrored.scope(), pytest.raises(ValueError, match="multiple of 2"):
        RBM((5,), hidden=4, chains=3)


def test_errors_under_a_strategy_are_one_line_too(mirrored):
    with mirrored.scope():
        model = compiled(VAE((5,), latent=2, hidden=(4,)))
    generator = ((BITS[i : i + 8, :3],) for i in range(0, 64, 8))
    with pytest.raises(ValueError, match="was built for") as error:
        model.fit(
            tf.data.Dataset.from_generator(lambda: generator, output_signature=(tf.TensorSpec([None, 3]),)), verbose=0
        )
    line(error)
    with pytest.raises(ValueError, match="sample_weight weights the loss of one player") as error, mirrored.scope():
        compiled(GAN((2,), values="real", latent=3, hidden=(4,))).fit(PLANE, sample_weight=np.ones(64), verbose=0)
    line(error)


def test_players_of_the_base():
    model = Helmholtz((5,), hidden=(3,))
    assert all(isinstance(p, Player) for p in model.players().values())
    with pytest.raises(NotImplementedError, match="no loss_terms"):
        compiled(_Empty((2,))).fit(PLANE, verbose=0)


class _Empty(GenerativeModel):
    def __init__(self, shape):
        super().__init__(shape)
        self.w = self.add_weight(shape=(1,), name="w")
