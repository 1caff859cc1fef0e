"""`tfgen.runs.fit`: a run of any model on any data, as an application has them."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgen
from tfgen import callbacks, data, rng
from tfgen.model import GenerativeModel
from tfgen.progress import progress
from tfgen.runs import Run, fit, sample
from tfgen.runs.fitting import Subject


class Enlarge(GenerativeModel):
    """No row of the catalog: [4, 4, 1] from the [2, 2, 1] that it is told, with a dropout that draws."""

    def __init__(self, shape=(4, 4, 1), *, condition=(2, 2, 1)):
        super().__init__(shape, condition=condition, values="unit")
        self.net = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Conv2DTranspose(1, 2, 2)])

    def loss_terms(self, x, condition=None, training=True):
        kept = rng.uniform(tf.shape(condition), self.new_seed()) < (0.9 if training else 1.0)
        return {"loss": tf.reduce_mean((x - self.net(condition * tf.cast(kept, tf.float32))) ** 2, [1, 2, 3])}

    laws = {}

    def generate(self, noise, condition=None):
        return self.net(condition)


@dataclasses.dataclass
class Asked:
    epochs: int
    batch: int = 8
    rate: float = 0.1


X = np.random.RandomState(0).rand(40, 4, 4, 1).astype("float32")
SMALL = X.reshape(40, 2, 2, 2, 2, 1).mean((2, 4))


def passes(draw=lambda epoch: 0.0):
    """Batches of an application's own, whose order is a function of the epoch."""
    epochs = data.Epochs()

    def one(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(32), [0, epoch])
        pairs = tf.data.Dataset.from_tensor_slices(order)
        return pairs.map(lambda i: (tf.gather(X, i), tf.gather(SMALL, i))).batch(8, drop_remainder=True)

    dataset = tf.data.Dataset.from_generator(epochs, output_signature=tf.TensorSpec((), tf.int64)).flat_map(one)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(4))
    dataset.epochs = epochs
    return dataset


def enlarge(strategy=None):
    keras.utils.set_random_seed(3)
    with (strategy or tf.distribute.get_strategy()).scope():
        model = Enlarge()
        model.compile(keras.optimizers.Adam(0.1))
    return model


def train(folder, epochs, **options):
    return fit(folder, enlarge(), passes(), (X[32:], SMALL[32:]), Asked(epochs), **{"say": str, **options})


def state(run):
    model = tfgen.load(run.folder)
    return [v.numpy() for v in [*model.variables, *(v for o in model.optimizers.values() for v in o.variables)]]


def test_an_application_is_interrupted_and_goes_on(tmp_path):
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = train(tmp_path / "whole", 4)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "torn", 4, callbacks=[Break()])
    lines = []
    torn = train(tmp_path / "torn", 4, say=lines.append)
    assert "epochs 3 to 4" in lines[0] and "Enlarge" in lines[0]
    for ours, theirs in zip(state(torn), state(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for one, other in zip(torn.history(), whole.history(), strict=True):
        assert {k: v for k, v in one.items() if "seconds" not in k} == {
            k: v for k, v in other.items() if "seconds" not in k
        }
    assert len({epoch["loss"] for epoch in whole.history()}) == 4
    train(tmp_path / "torn", 4, say=lines.append)
    assert "is finished: 4 epochs" in lines[-1]
    with pytest.raises(ValueError, match=r"rate 0.1 → 0.2"):
        fit(torn, enlarge(), passes(), None, Asked(8, rate=0.2))


def test_two_replicas_go_on_as_well(tmp_path, mirrored):
    runs = [tmp_path / "whole", tmp_path / "torn"]
    for folder, epochs in ((runs[0], 2), (runs[1], 1), (runs[1], 2)):
        fit(folder, enlarge(mirrored), passes(), None, {"epochs": epochs}, say=str)
    for ours, theirs in zip(*map(state, map(Run, runs)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_pictures_have_a_column_for_each_class():
    model = tfgen.MADE((4, 3, 1), condition=10, hidden=(4,))
    subject = Subject.of(model, (np.zeros((9, 4, 3, 1), "float32"), np.zeros(9, int)), None, seed=0)
    assert subject.count == 60 and subject.whole(36) == 30
    assert subject.picture().shape == (6 * (4 + 2) + 2, 10 * (3 + 2) + 2, 3)


def test_what_a_run_of_it_holds(tmp_path):
    """The conditions of held-out examples are drawn with, and kept; the card counts minutes of the processor."""
    seen = []

    def draw(x, condition):
        seen.append((len(x), np.array(condition)))
        return np.zeros((8, 8, 3), np.uint8)

    run = train(tmp_path / "run", 2, draw=draw, about={"system": "enlarge", "data": {"name": "squares"}})
    card = json.loads(run.card_path.read_text())
    assert card["system"] == "enlarge" and card["model"] == "Enlarge" and card["conditions"] == "held-out examples"
    assert card["settings"] == {"seed": 0, "decay": "none", "epochs": 2, "batch": 8, "rate": 0.1}
    assert card["data"] == {"name": "squares", "split": "train", "shape": [4, 4, 1], "values": "unit"}
    cpu = [epoch["cpu_seconds"] for epoch in run.history()]
    assert min(cpu) > 0 and card["cpu_minutes"] == pytest.approx(sum(cpu) / 60, abs=1e-3) and card["minutes"] > 0
    assert "val_loss" in run.history()[0] and card["figures"]["training"]["epoch"] == 2
    for count, condition in seen:
        np.testing.assert_allclose(condition, SMALL[32:][np.arange(count) % 8])
    assert {count for count, _ in seen} == {36, 64}  # TensorBoard's, and the files'
    assert sorted(path.name for path in run.stages.iterdir()) == ["00000.png", "00001.png", "00002.png"]
    model = tfgen.load(run.folder)
    np.testing.assert_allclose(run.conditions(model, 10), SMALL[32:][np.arange(10) % 8])
    found = np.load(sample(run, 10, out=tmp_path / "ten.npy"))
    np.testing.assert_allclose(found, model.sample(10, SMALL[32:][np.arange(10) % 8]), rtol=1e-6)


def test_held_out_may_be_a_dataset_or_missing(tmp_path):
    held_out = tf.data.Dataset.from_tensor_slices((X[32:], SMALL[32:])).batch(5)
    run = fit(tmp_path / "a", enlarge(), passes(), held_out, {"epochs": 1}, say=str)
    np.testing.assert_allclose(run.conditions(enlarge(), 8), SMALL[32:])
    assert "val_loss" in run.history()[0]
    run = fit(tmp_path / "b", enlarge(), passes(), None, {"epochs": 1}, say=str)
    assert run.card()["conditions"] == "training examples" and len(run.conditions(enlarge(), 3)) == 3


def test_a_model_that_has_learnt_before(tmp_path):
    """Epochs count from where this run began."""
    model = enlarge()
    model.fit(X[:32], SMALL[:32], batch_size=8, epochs=3, verbose=0)
    run = fit(tmp_path / "run", model, passes(), None, {"epochs": 1}, say=str)
    assert [epoch["epoch"] for epoch in run.history()] == [1] and run.card()["begun_at_step"] == 12
    run = fit(tmp_path / "run", enlarge(), passes(), None, {"epochs": 2}, say=str)
    assert [epoch["epoch"] for epoch in run.history()] == [1, 2] and tfgen.load(run.folder).random_state[1] == 20


def test_what_is_refused_leaves_nothing(tmp_path):
    for settings, words in (({}, "epochs=None"), ({"epochs": 1, "decay": "slowly"}, "none, cosine, linear")):
        with pytest.raises(ValueError, match=words):
            fit(tmp_path / "deep" / "run", enlarge(), passes(), None, settings)
    with pytest.raises(ValueError, match="knows how many batches"):
        fit(tmp_path / "deep" / "run", enlarge(), passes().repeat(), None, {"epochs": 1})
    with pytest.raises(ValueError, match="came with a condition of shape"):
        fit(tmp_path / "deep" / "run", enlarge(), passes().map(lambda x, c: (x, c[:, :1])), None, {"epochs": 1})
    assert not list(tmp_path.iterdir())
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    with pytest.raises(ValueError, match="holds files and is no run"):
        train(tmp_path / "letters", 1)
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["a.txt"]


def test_another_model_in_the_folder(tmp_path):
    run = train(tmp_path / "run", 1)

    class Other(Enlarge):
        pass

    other = Other()
    other.compile()
    with pytest.raises(ValueError, match="holds a Enlarge, and a Other is to be trained"):
        fit(run, other, passes(), None, Asked(2))


def test_nan_keeps_the_last_good_epoch(tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.net.weights[0].assign(np.full((2, 2, 1, 1), np.nan))

    with pytest.raises(callbacks.Diverged):
        train(tmp_path / "run", 3, callbacks=[Spoil()])
    run = Run(tmp_path / "run")
    assert all(np.isfinite(w).all() for w in state(run)) and len(run.history()) == 1
    assert "stopped" in run.card()["figures"]["training"]


def test_progress_of_short_and_long_trainings(monkeypatch):
    """A line for each epoch, the rest of the time from the second on; a bar that ends where the epoch does; a long
    training says so, once."""
    clock, lines, drawn = [0.0], [], []
    monkeypatch.setattr("tfgen.callbacks.progress.time.monotonic", lambda: clock[0])
    shown = callbacks.Progress(lines.append)
    shown.set_params({"steps": 14, "epochs": 4})
    shown.bar, shown._draw = True, drawn.append

    def epoch(i, seconds):
        shown.on_epoch_begin(i)
        for step in (5, 11, 19):  # 20 at a time
            clock[0] += seconds / 3
            shown.on_train_batch_end(step, {"loss": 0.5})
        shown.on_epoch_end(i, {"loss": 0.25, "val_loss": 1 / 3})

    epoch(0, 3)
    epoch(1, 30)
    assert lines == [
        "epoch 1/4: 3 s; loss 0.25, val_loss 0.3333",
        "epoch 2/4: 30 s, 60 s left; loss 0.25, val_loss 0.3333",
    ]
    assert "14/14" in drawn[-2] and "20" not in drawn[-2].split("·")[-1]
    lines.clear()
    shown = callbacks.Progress(lines.append)
    shown.set_params({"steps": 14, "epochs": 100})
    shown._draw = drawn.append
    epoch(0, 30)
    epoch(1, 30)
    assert lines[0].startswith("this takes about 39 min here") and sum("this takes" in line for line in lines) == 1
    assert [callbacks.progress.span_of(s) for s in (50, 720, 12_600, 181_440)] == [
        "50 s",
        "12 min",
        "3.5 h",
        "2.1 days",
    ]


def test_a_first_item_that_takes_long(monkeypatch, capsys):
    """Nothing is done yet, and nothing is divided by it."""
    clock = iter([0.0, 3.0, 4.0, 5.0])
    monkeypatch.setattr("tfgen.progress.time.monotonic", lambda: next(clock))
    assert list(progress([1, 2], 2, "photos")) == [1, 2]
    assert "photos: 0 of 2, the first takes its time" in capsys.readouterr().err
