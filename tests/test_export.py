"""What is exported gives Keras's numbers in a process that knows nothing of us, or does not get its name."""

import dataclasses
import fcntl
import importlib
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import systems
import tensorflow as tf

from export import artifact as making
from export import convert, listing, verify
from export import run as exporting
from export.__main__ import app
from export.artifact import artifacts
from export.signatures import signatures
from tfgen import laws, rng
from tfgen.__main__ import command, run_app
from tfgen.catalog import CATALOG
from tfgen.model import GenerativeModel
from tfgen.runs import claims

ROWS = {entry.name: entry for entry in [*CATALOG, *(e for e in systems.SYSTEMS if e.name in ("told", "greedy"))]}


@keras.saving.register_keras_serializable("tests")
class Stubborn(GenerativeModel):
    """A sampler in order, and a log_prob with an operator that TF-Lite lacks."""

    def __init__(self, shape):
        super().__init__(shape)
        self.L = self.add_weight(shape=(2, 2), initializer="identity", name="L")

    def log_prob(self, x, condition=None):
        return -tf.reduce_sum(tf.linalg.triangular_solve(self.L.value, tf.transpose(x)) ** 2, 0)

    @property
    def laws(self):
        return laws.normal(2)

    def generate(self, noise, condition=None):
        return noise @ self.L


def moved(entry):
    """A model whose weights are not where they began: as after training, without the seconds of a trace."""
    keras.utils.set_random_seed(1)
    model = entry.tiny()
    dice = np.random.default_rng(2)
    for v in [v for v in model.variables if v.dtype.startswith("float")]:
        v.assign(v + dice.uniform(0, 0.1, v.shape))  # upwards: variances stay positive
    return model


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The folder of every row's export: all at once, and once for all test processes, because each process takes
    seconds to start."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exports"
    root.mkdir(exist_ok=True)
    with open(root / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "done").exists():
            jobs = [exporting.job(moved(entry), root / name, measure=False) for name, entry in ROWS.items()]
            jobs.append(exporting.job(Stubborn((2,)), root / "stubborn", measure=False))
            artifacts(jobs, say=lambda line: None)
            (root / "done").touch()
    return root


class Inside:
    """A worker that starts no process."""

    def __init__(self, module):
        self.do = importlib.import_module(module).work

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def card_of(folder):
    return json.loads((folder / "card.json").read_text())


@pytest.mark.parametrize("name", ROWS)
def test_every_row_leaves_whole(exported, name):
    """Both files hold every true signature, and each was verified; what TF-Lite cannot take is what the row says."""
    card = card_of(exported / name)
    true = {"generate"} | {
        a
        for a in ("encode", "decode", "reconstruct", "log_prob", "free_energy", "classify")
        if hasattr(ROWS[name].model, a)
    }
    assert set(card["signatures"]) == true == set(card["files"]["saved_model"]["against_keras"])
    assert set(card["not_in_tflite"]) == set(ROWS[name].not_in_tflite)
    phone = card["files"].get("model.tflite", {"against_keras": {}})  # none, where no signature converts
    assert set(phone["against_keras"]) == true - set(card["not_in_tflite"])
    for file in card["files"].values():
        assert file["bytes"] > 500
        for signature, seen in file["against_keras"].items():
            assert seen["equal"] == seen["rows"] == exporting.ROWS or (
                signature == "generate" and seen["equal"] >= seen["rows"] / 2
            )


def test_savedmodel_takes_any_number_and_its_weights_matter(exported):
    """Against Keras once more, in this process, with another number of examples than was verified; the weights of
    another model give other numbers."""
    model = moved(ROWS["vae"])
    served = tf.saved_model.load(str(exported / "vae" / "saved_model")).signatures
    x = model.sample(5, seed=9)
    np.testing.assert_allclose(served["encode"](x=x)["z"], model.encode(x), atol=1e-6)
    noise = model.noise(3, rng.as_seed(4))
    np.testing.assert_allclose(
        served["generate"](noise_x=noise["x"], noise_z=noise["z"])["x"], model.generate(noise), atol=1e-6
    )
    keras.utils.set_random_seed(77)
    assert np.abs(ROWS["vae"].tiny().encode(x).numpy() - served["encode"](x=x)["z"].numpy()).max() > 1e-3


def test_conditions_are_inputs(exported):
    card = card_of(exported / "told")
    assert {"condition_label", "condition_attributes"} < set(card["signatures"]["generate"]["inputs"])
    told = card_of(exported / "made")["signatures"]["log_prob"]["inputs"]["condition"]
    assert (told["shape"], told["dtype"], told["law"], told["range"]) == ([1], "int32", "class", [0, 2])


def test_what_does_not_convert_is_left_out_with_the_reason(exported):
    card = card_of(exported / "stubborn")
    assert card["not_in_tflite"] == {"log_prob": "TF-Lite has no MatrixTriangularSolve"}
    assert set(card["files"]["model.tflite"]["against_keras"]) == {"generate"} and set(card["signatures"]) == {
        "generate",
        "log_prob",
    }


def test_a_fresh_process_knows_nothing_of_us():
    code = (
        "import sys, export.verify; assert not [m for m in sys.modules if m.split('.')[0] in ('tfgen', 'keras', "
        "'tensorflow')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=claims.ROOT)
    assert "tfgen" not in (claims.ROOT / "export" / "verify.py").read_text().split('"""', 2)[2]


def test_verification_sees_a_wrong_file(tmp_path, monkeypatch):
    """Keras's numbers a little off, two rows only: the comparison fails, and nothing stands under the final name."""
    model = ROWS["vae"].tiny()
    found = signatures(model, ["encode"])["encode"]

    def off(**inputs):
        return {"z": found.call(**inputs)["z"] + np.eye(exporting.ROWS, 2, dtype="float32") * 1e-3}

    made = exporting.job(model, tmp_path / "vae", ["encode"])
    made.signatures = {"encode": dataclasses.replace(found, reference=off)}
    monkeypatch.setattr(making, "Worker", Inside)
    with pytest.raises(ValueError, match=r"encode of \S+ differs from Keras in 2 of 8 rows, by up to 0\.001"):
        artifacts([made], say=lambda line: None)
    assert not list(tmp_path.iterdir())


def test_compare():
    keras_numbers = np.array([[0.0, 1.0], [2.0, 1000.0]], "float32")
    assert verify.compare(keras_numbers, keras_numbers) == {"largest": 0.0, "rows": 2, "equal": 2, "snr": 200.0}
    off = verify.compare(keras_numbers + np.array([[0, 0.5], [0, 0.01]], "float32"), keras_numbers)
    assert off["equal"] == 1 and off["largest"] == pytest.approx(0.5)
    assert verify.compare(keras_numbers * np.nan, keras_numbers)["equal"] == 0
    assert verify.compare(keras_numbers[:, :1], keras_numbers)["equal"] == 0


def test_a_converter_that_crashes(tmp_path):
    """The signature that does it is found, and the others still convert."""
    calls = []

    class Fragile:
        def do(self, task):
            calls.append(task["names"])
            return {"crashed": "code -11"} if "bad" in task["names"] else {"failed": {}}

    one = object.__new__(making._Making)
    one.converter, one.static = Fragile(), "static"
    assert one._convert(["one", "bad", "two"], tmp_path / "file") == {"bad": "the converter crashed (code -11)"}
    assert calls[0] == ["one", "bad", "two"] and calls[-1] == ["one", "two"] and ["bad"] in calls


def test_reasons_name_the_operator():
    error = ValueError(
        "Some ops are not supported by the native TFLite runtime\ntf.MatrixTriangularSolve {adjoint = false} : "
        "(…)\ntf.Betainc {device}"
    )
    assert convert.reason(error) == "TF-Lite has no Betainc, MatrixTriangularSolve"
    assert convert.reason(RuntimeError("something else\nmore")) == "something else"


def test_half_precision_leaves_in_full():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = ROWS["vae"].tiny()
    keras.config.set_dtype_policy("float32")
    plain = exporting._in_float32(model)
    assert model.dtype_policy.name == "mixed_bfloat16" and plain.dtype_policy.name == "float32"
    x = model.sample(20, seed=1)
    difference = np.abs(plain.encode(x).numpy() - model.encode(x).numpy()).max()
    assert 0 < difference < 0.05
    assert exporting._in_float32(plain) is plain


def test_variable_length_is_refused():
    with pytest.raises(ValueError, match="any length"):
        signatures(systems.Walk())


# -- the command -------------------------------------------------------------------------------------------------------


def test_export_of_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = [
        "train",
        "mob",
        "--data",
        "bars",
        "--limit",
        "64",
        "--batch",
        "16",
        "--epochs",
        "1",
        "--set",
        "components=3",
        "--out",
        "run",
    ]
    assert command(line) == 0
    assert run_app(app, ["run"], "python -m export") == 0
    out = capsys.readouterr().out
    assert "written and verified" in out and "generate, encode, log_prob" in out
    assert sorted(p.name for p in (tmp_path / "run" / "export").iterdir()) == [
        "README.md",
        "card.json",
        "example.npz",
        "model.tflite",
        "saved_model",
    ]
    assert json.loads((tmp_path / "run" / "export" / "card.json").read_text())["data"]["name"] == "bars"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    for arguments, words in (
        (["elsewhere"], "is no run"),
        ([], "which run?"),
        (["run", "--out", "mine"], "is there and is no export"),
        (["run", "--out", "/proc/export"], "cannot be written"),
    ):
        code, err = run_app(app, arguments, "python -m export"), capsys.readouterr().err
        assert code == 2 and words in err and len(err.strip().splitlines()) == 1, err
    assert len(list((tmp_path / "mine").iterdir())) == 1 and not list(tmp_path.rglob("*.partial-*"))


def test_list():
    text = listing.listing()
    for entry in CATALOG:
        assert entry.name in text
        for name, why in entry.not_in_tflite.items():
            assert name in text and why in text
