"""apps/pretraining, and what an energy model's run shows: the gap, its units, its chain."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgen
from apps.pretraining.__main__ import command
from apps.pretraining.comparing import hidden_of
from apps.pretraining.data import open_task
from apps.pretraining.training import pretrain
from tfgen.__main__ import command as tfgen_command
from tfgen.callbacks import FreeEnergyGap
from tfgen.nets import sigmoid_classifier
from tfgen.runs import Run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL = ["--limit", "60", "--epochs", "1", "--updates", "4", "--labels", "20", "--labels", "40", "--no-export"]


def test_from_the_command_line(home, capsys):
    """The machine's run, a table of accuracies, two pictures; the same command goes on and ends at the same."""
    line = ["--system", "dbn", "--set", "hidden=6,5", *SMALL, "--out", "out"]
    assert command(line) == 0
    first = json.loads((home / "out/results.json").read_text())
    assert [row["labels"] for row in first["rows"]] == [20, 40]
    assert all(0 <= row[how] <= 1 for row in first["rows"] for how in ("pretrained", "random"))
    for name in ("accuracy.png", "weights.png"):
        with Image.open(home / "out" / name) as picture:
            assert np.asarray(picture).std() > 0
    machine = tfgen.load(home / "out/machine")
    assert hidden_of(machine) == (6, 5)
    assert command(line) == 0 and "is finished" in capsys.readouterr().out
    assert json.loads((home / "out/results.json").read_text()) == first


def test_a_deep_boltzmann_machine(home):
    """All layers learn together at last, twice as long as one."""
    arguments = {"hidden": (6, 5), "chains": 20, "rounds": 2}
    task = open_task("digits", limit=60)
    given = {"system": "dbm", "arguments": arguments, "epochs": 1, "say": lambda line: None}
    machine = pretrain(task, home / "out", **given)
    assert Run(home / "out").card()["epochs"] == 4 and hidden_of(machine) == (6, 5)
    assert machine.classifier(10).predict(task.test_x[:5], verbose=0).shape == (5, 10)


def test_labels_are_few_and_even():
    task = open_task("digits")
    x, y = task.few(30, 0)
    assert np.bincount(y).tolist() == [3] * 10 and x.shape == (30, 8, 8, 1) and 0 <= x.min() < x.max() <= 1
    assert not np.array_equal(task.few(30, 1)[1], y)
    assert len(task.few(10**6, 0)[0]) == len(task.x)


def test_two_folders(home):
    """One of pictures, one with a folder for each class."""
    dice = np.random.default_rng(0)
    for i in range(40):
        for folder in ("all", f"told/{'ab'[i % 2]}"):
            (home / folder).mkdir(parents=True, exist_ok=True)
            grey = dice.integers(0, 100, (8, 8)) + 100 * (i % 2)
            Image.fromarray(grey.astype("uint8")).save(home / folder / f"{i}.png")
    task = open_task("./all", "./told", size=8)
    assert task.classes == 2 and task.shape == (8, 8, 1) and len(task.x) + len(task.test_x) == 40
    with pytest.raises(ValueError, match="give --size to cut both alike"):
        open_task("bars", "digits")


def test_random_and_given_layers():
    W, b = np.ones((4, 3), "float32"), np.zeros(3, "float32")
    given, random = (sigmoid_classifier((4,), [layer], 2, scale=0.5) for layer in ((W, b), 3))
    assert [v.shape for v in given.weights] == [v.shape for v in random.weights]
    x = np.float32([[0.1, 0, 0, 0]])
    np.testing.assert_allclose(given.layers[2](given.layers[1](x))[0], 1 / (1 + np.exp(-0.2)), rtol=1e-5)
    assert not np.array_equal(random.layers[2].get_weights()[0], W)


@pytest.mark.parametrize(
    "line, said",
    [
        (["--system", "vae"], "--system vae: expected one of rbm, dbn, dbm"),
        (["--labels", "3"], "--labels 3: there are 10 classes"),
        (["--set", "hiden=3"], "did you mean hidden"),
    ],
)
def test_bad_input_is_one_line(capsys, line, said):
    assert command(line) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and len(error.splitlines()) == 1


def test_the_free_energy_gap():
    """⟨F⟩ held out less ⟨F⟩ seen; it grows where a machine learns few examples by heart."""
    dice = np.random.default_rng(0)
    seen, unseen = (dice.integers(0, 2, (n, 10)).astype("float32") for n in (3, 60))
    rbm = tfgen.RBM((10,), hidden=30, learning_rate=0.2)
    rbm.compile()
    gap = FreeEnergyGap(seen, unseen)
    expected = float(tf.reduce_mean(rbm.free_energy(unseen)) - tf.reduce_mean(rbm.free_energy(seen)))
    assert gap.gap(rbm) == pytest.approx(expected, abs=1e-4)
    history = rbm.fit(np.tile(seen, (40, 1)), batch_size=12, epochs=12, verbose=0, callbacks=[gap]).history
    assert history["free_energy_gap"][-1] > history["free_energy_gap"][0] + 1


def test_a_run_of_the_family(home):
    """Its likelihood by a bound, its units, its chain."""
    line = ["train", "dbn", "--limit", "64", "--batch", "32", "--epochs", "2", "--set", "hidden=5,4"]
    assert tfgen_command([*line, "--set", "pretrain=1", "--set", "sweeps=20", "--out", "run"]) == 0
    assert tfgen_command(["evaluate", "run", "--limit", "20", "--chains", "20", "--temperatures", "100"]) == 0
    figures = Run(home / "run").card()["figures"]["test"]["metrics"]
    assert "a bound, 100 samples, log Z over 16 states" in figures["nats"]["how"]
    assert "a bound" in figures["nats_annealed"]["how"]
    assert figures["nats_annealed"]["value"] == pytest.approx(figures["nats"]["value"], abs=1)
    assert tfgen_command(["analyse", "run"]) == 0
    assert {"chain.png", "weights.png"} <= {path.name for path in (home / "run/analysis").glob("*.png")}
