"""What is exported gives Keras's numbers in a process that knows nothing of us, or does not get its name."""

import dataclasses
import fcntl
import http.server
import importlib
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest
import systems
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import tfgen
from export import artifact as making
from export import bench, code, convert, listing, verify
from export import run as exporting
from export.__main__ import app
from export.artifact import TOLERANCE, Artifact, artifacts
from export.contract import Signature, Tensor
from export.convert import FORMATS
from export.runner import Runner, anatomy, milliseconds, read_card
from export.signatures import signatures
from export.work import Worker
from tfgen import laws, rng
from tfgen.__main__ import command, run_app
from tfgen.catalog import CATALOG
from tfgen.model import GenerativeModel
from tfgen.runs import Run, Settings, claims

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


W = tf.Variable(np.random.default_rng(1).normal(0, 0.3, (24, 32)).astype("float32"))
U = tf.Variable(np.random.default_rng(2).normal(0, 0.3, (24, 16)).astype("float32"))
K = tf.Variable(np.random.default_rng(3).normal(0, 0.1, (3, 3, 3, 12)).astype("float32"))


def hop(sound, memory):
    """A GRU's step."""
    gates = tf.sigmoid(tf.concat([sound, memory], -1) @ W)
    z, r = tf.split(gates, 2, -1)
    memory += z * (tf.tanh(tf.concat([sound, r * memory], -1) @ U) - memory)
    return {"clean": memory[:, :8] * sound, "memory_next": memory}


def enlarged(x):
    shuffled = tf.nn.depth_to_space(tf.nn.conv2d(x, K, 1, "SAME") + tf.concat([x] * 4, -1), 2)
    return {"y": tf.minimum(tf.nn.relu(shuffled), 1.0)}


def of_applications(root):
    """A piece of a sound with memory, and a picture of any size."""
    dice = np.random.default_rng(4)
    piece = Signature(
        hop,
        {"sound": Tensor((1, 8), "a hop", "data", -1, 1), "memory": Tensor((1, 16), "memory", "state")},
        {"clean": Tensor((1, 8), "the hop, clean"), "memory_next": Tensor((1, 16), "memory")},
        state={"memory": "memory_next"},
    )
    sounds = [{"sound": dice.uniform(-1, 1, (1, 8)).astype("float32")} for _ in range(30)]
    pictures = lambda *sizes: [{"x": dice.uniform(0, 1, (1, *size, 3)).astype("float32")} for size in sizes]
    picture = lambda words: Tensor((None, None, None, 3), words, "data", 0, 1)
    twice = Signature(enlarged, {"x": picture("small")}, {"y": picture("twice as large")})
    grey = np.full((1, 6, 6, 3), 0.5, "float32")
    psnr = lambda run: {"psnr": -10 * np.log10(np.mean((run("enlarge", x=grey)["y"] - 0.5) ** 2))}
    return [
        Artifact(
            root / "sound",
            {"hop": piece},
            {"hop": sounds},
            name="sound",
            formats=("float16", "int8"),
            by="converter",
            measure=False,
        ),
        Artifact(
            root / "picture",
            {"enlarge": twice},
            {"enlarge": pictures((10, 12), (7, 9), (10, 12))},
            name="picture",
            formats=("int8",),
            representative={"enlarge": pictures((16, 16), (12, 16))},
            io="int8",
            quality=psnr,
            measure={"enlarge": pictures((20, 24))[0]},
            about={"title": "Twice", "licence": "CC0"},
        ),
    ]


# One row of each family in every format: what of it, and by which way; None tries all.
QUANTISED = {
    "rbm": (["encode"], "quantizer"),
    "dcgan": (["generate"], "quantizer"),
    "vae": (["encode"], None),
    "made": (["log_prob"], "quantizer"),
    "gmm": (["log_prob"], "converter"),
    "edge_sr": (["generate"], "quantizer"),
}


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
            for name, (names, by) in QUANTISED.items():
                options = {"formats": FORMATS, "by": by, "measure": False}
                jobs.append(exporting.job(ROWS[name].tiny(), root / f"{name}_quantised", names, **options))
            jobs += of_applications(root)
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
    able = ("encode", "decode", "reconstruct", "log_prob", "free_energy", "classify", "advance")
    true = {"generate"} | {a for a in able if hasattr(ROWS[name].model, a)}
    true |= {"start"} & {"start" for a in true if a == "advance"}
    assert set(card["signatures"]) == true == set(card["files"]["saved_model"]["against_keras"])
    assert set(card["not_in_tflite"]) == set(ROWS[name].not_in_tflite)
    phone = card["files"].get("model.tflite", {"against_keras": {}})  # none, where no signature converts
    assert set(phone["against_keras"]) == true - set(card["not_in_tflite"])
    for file in card["files"].values():
        assert file["bytes"] > 500
        for signature, seen in file["against_keras"].items():
            assert seen["rows"] == (1 if signature == "start" else exporting.ROWS)
            picks = signature in ("generate", "advance")
            assert seen["equal"] == seen["rows"] or (picks and seen["equal"] >= seen["rows"] / 2)


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
    assert verify.compare(0 * keras_numbers, 0 * keras_numbers)["snr"] == 200.0


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


def test_a_worker_outlives_what_kills_it(tmp_path, monkeypatch):
    lines = "import os, sys\nfrom export.work import serve\n"
    lines += (
        "def work(task):\n    if task['bad']: os.abort()\n    print('noise'); return {'seen': task['n']}\nserve(work)"
    )
    (tmp_path / "fragile.py").write_text(lines)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Worker("fragile") as worker:
        answers = [worker.do({"n": n, "bad": n == 1}) for n in range(4)]
    assert answers == [{"seen": 0}, {"crashed": "code -6"}, {"seen": 2}, {"seen": 3}]


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


def test_sequences_leave_in_pieces(tmp_path, monkeypatch):
    """Of any length: the file, fed with its own state, picks the very symbols that `sample` does; without a way to go
    piece by piece they are refused."""
    monkeypatch.setattr(making, "Worker", Inside)
    model = ROWS["walk"].tiny() if "walk" in ROWS else systems.Walk()
    artifacts([exporting.job(model, tmp_path / "walk", measure=False)], say=lambda line: None)
    run, noise = Runner(tmp_path / "walk" / "model.tflite"), model.noise(1, rng.as_seed(5), length=12).numpy()
    state, symbols = run("start")["state"], []
    for t in range(12):
        found = run("advance", noise=noise[:, t : t + 1], state=state)
        state = found["next_state"]
        symbols.append(found["x"][0, 0])
    np.testing.assert_array_equal(symbols, model.generate(noise)[0])
    monkeypatch.delattr(systems.Walk, "advance")
    with pytest.raises(ValueError, match="any length"):
        signatures(model)


# -- integers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUANTISED)
def test_every_family_in_every_format(exported, name):
    """What stands holds the numbers that it is named after and is near enough to Keras; what does not says why."""
    folder, card = exported / f"{name}_quantised", card_of(exported / f"{name}_quantised")
    for kind in FORMATS[1:]:
        file = f"model_{kind}.tflite"
        assert (file in card["files"]) == (kind not in card["not_written"]) == (folder / file).is_file()
        if file in card["files"]:
            assert making.HOLDS[kind] in anatomy(folder / file)[1]
            assert all(seen["snr"] >= TOLERANCE[kind] for seen in card["files"][file]["against_keras"].values())
    assert "float16" not in card["not_written"] and len(card["not_written"]) <= 2, card["not_written"]


def test_the_nearest_of_the_fast_ways_is_taken(exported):
    card = card_of(exported / "vae_quantised")
    for kind in ("dynamic", "int8"):
        entry = card["files"][f"model_{kind}.tflite"]
        ways = [way for way in entry["tried"].values() if isinstance(way, dict)]
        fast = [w["snr"] for w in ways if w["milliseconds"] <= making.SLOWER * min(v["milliseconds"] for v in ways)]
        assert min(seen["snr"] for seen in entry["against_keras"].values()) == max(fast)


def test_state_goes_from_call_to_call(exported):
    """Thirty hops, each format with its own memory; a memory that begins anew at each hop is far from Keras's."""
    card = card_of(exported / "sound")
    for kind in ("float16", "int8"):
        assert card["files"][f"sound_{kind}.tflite"]["against_keras"]["hop"]["rows"] == 30
    calls, state = verify.read_example(exported / "sound" / "example.npz")["hop"], card["signatures"]["hop"]["state"]
    run = Runner(exported / "sound" / "sound.tflite")
    dice, memory, forgetful = np.random.default_rng(9), calls[0]["memory"], []
    for _ in range(5):
        sound = dice.uniform(-1, 1, (1, 8)).astype("float32")
        expected = hop(sound, memory)
        found = run("hop", sound=sound, memory=memory)
        np.testing.assert_allclose(found["clean"], expected["clean"], atol=1e-6)
        forgetful.append(np.abs(run("hop", sound=sound, memory=calls[0]["memory"])["clean"] - found["clean"]).max())
        memory = found[state["memory"]]
    assert max(forgetful) > 0.01


def test_integers_in_and_out_any_size_and_the_tasks_own_metric(exported):
    folder, card = exported / "picture", card_of(exported / "picture")
    takes, gives = Runner(folder / "picture_int8.tflite").signatures["enlarge"]
    assert takes["x"]["dtype"] == gives["y"]["dtype"] == np.int8
    x = np.random.default_rng(0).uniform(0, 1, (1, 5, 20, 3)).astype("float32")
    ours = Runner(folder / "picture_int8.tflite", threads=2)("enlarge", x=x)["y"]
    assert ours.shape == (1, 10, 40, 3) and np.abs(ours - enlarged(x)["y"]).mean() < 0.01
    best, entry = card["files"]["saved_model"]["quality"], card["files"]["picture_int8.tflite"]
    grey = np.full((1, 6, 6, 3), 0.5, "float32")
    assert best["psnr"] == pytest.approx(-10 * np.log10(np.mean((enlarged(grey)["y"] - 0.5) ** 2)), abs=1e-3)
    assert entry["quality_lost"]["psnr"] == pytest.approx(best["psnr"] - entry["quality"]["psnr"], abs=1e-4)
    assert set(entry["threads"]) == {"1", "2"} and entry["threads"]["1"]["milliseconds"]["enlarge"] > 0
    assert read_card(folder / "picture_int8.tflite")["licence"] == "CC0"
    page = (folder / "README.md").read_text()
    whole = entry["whole_numbers"]["enlarge"]["x"]
    assert whole["dtype"] == "int8" and (0 - whole["zero_point"]) * whole["scale"] == pytest.approx(0.5, abs=0.01)
    assert f"`x` int8, {whole['scale']:.9g}, {whole['zero_point']}; `y` int8" in page
    assert (
        "operators of `picture_int8.tflite`: CONV_2D 1" in page
        and "whole_numbers" not in card["files"]["picture.tflite"]
    )
    assert "(`x` 1 × 20 × 24 × 3)" in page and card["measured_on"] == {"enlarge": {"x": [1, 20, 24, 3]}}
    assert page.startswith("# Twice\n") and "licence: CC0" in page and "1 × any × any × 3" in page


def test_a_format_that_is_too_far_is_not_written(tmp_path, monkeypatch):
    """The float file, which agrees, stays, and the card says why there is no other."""
    monkeypatch.setattr(making, "Worker", Inside)
    job = of_applications(tmp_path)[0]
    job.formats, job.by, job.tolerance = ("dynamic",), "quantizer", {"dynamic": 90.0}
    card = artifacts([job], say=lambda line: None)[0]
    assert "90 are wanted" in card["not_written"]["dynamic"]
    assert sorted(p.name for p in (tmp_path / "sound").glob("*.tflite")) == ["sound.tflite"]


def untrained(model, folder, **settings):
    """A run without its training."""
    run = Run(folder)
    folder.mkdir()
    model.save(run.model_path)
    run.write_card(settings=dataclasses.asdict(Settings(**settings)))
    return run


def test_a_state_of_zeros_is_equal_in_every_format(tmp_path, monkeypatch, capsys):
    """`start` of a net that goes pixel by pixel: zeros, as Keras's."""
    monkeypatch.setattr(making, "Worker", Inside)
    untrained(
        tfgen.GatedPixelCNN((4, 4, 1), filters=2, layers=1), tmp_path / "run", system="gated_pixelcnn", data="bars"
    )
    line = [
        str(tmp_path / "run"),
        "--signatures",
        "start,advance",
        "--quantize",
        "float16,dynamic",
        "--by",
        "quantizer",
    ]
    assert run_app(app, line, "python -m export") == 0, capsys.readouterr().err
    files = card_of(tmp_path / "run" / "export")["files"]
    assert set(files) == {"saved_model", "model.tflite", "model_float16.tflite", "model_dynamic.tflite"}
    assert all(entry["against_keras"]["start"]["snr"] == 200 for entry in files.values())


# -- the phone's side --------------------------------------------------------------------------------------------------


def test_laws_ranges_and_an_example(exported):
    """A program can draw the inputs from the card alone, and has an example with Keras's answer."""
    card, folder = card_of(exported / "vae"), exported / "vae"
    inputs = card["signatures"]["generate"]["inputs"]
    assert [inputs[k]["law"] for k in ("noise_x", "noise_z")] == ["uniform", "normal"]
    assert inputs["noise_x"]["range"] == [0, 1] and card["signatures"]["encode"]["inputs"]["x"]["range"] == [0, 1]
    run, dice = Runner(folder / "model.tflite"), np.random.default_rng(0)
    draw = {"uniform": lambda shape: dice.random(shape, "float32"), "normal": lambda shape: dice.normal(size=shape)}
    drawn = {k: draw[t["law"]](t["shape"]).astype("float32") for k, t in inputs.items()}
    assert set(np.unique(run("generate", **drawn)["x"])) <= {0.0, 1.0}
    with np.load(folder / "example.npz") as example:
        z = run("encode", x=example["encode/input/x"])["z"]
        np.testing.assert_allclose(z, example["encode/output/z"], atol=1e-5)


def blocks(folder, tag):
    return re.findall(rf"```{tag}\n(.*?)```", (folder / "README.md").read_text(), re.S)


@pytest.mark.parametrize("name", ["vae", "sound", "picture", "made"])
def test_lines_of_python(exported, name):
    """As they stand in the README, in a fresh process beside the file."""
    (lines,) = blocks(exported / name, "python")
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=exported / name, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(1, ")


PAGE = """<!doctype html><meta charset=utf-8><script type=importmap>{"imports": {
"@litertjs/core": "/npm/@litertjs/core/dist/index.js",
"@litertjs/wasm-utils": "/npm/@litertjs/wasm-utils/dist/index.js"}}</script>
<script>
const report = (found) => fetch("/report", {method: "POST", body: JSON.stringify(found)});
addEventListener("error", (e) => report({error: String(e.message)}));
addEventListener("unhandledrejection", (e) => report({error: String(e.reason)}));
</script><script type=module>
%s
await report(Object.fromEntries(Object.entries(outputs).map(([k, v]) => [k, Array.from(v.type.layout.dimensions)])));
</script>"""


def packages():
    """node_modules with LiteRT.js, or a skip that says what is missing."""
    if not (chromium := shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")):
        pytest.skip("no chromium in PATH: the lines of JavaScript were not run")
    for folder in filter(None, [os.environ.get("TFGEN_NODE_MODULES"), claims.ROOT / "node_modules"]):
        if (pathlib.Path(folder) / "@litertjs" / "core" / "dist" / "index.js").is_file():
            return chromium, pathlib.Path(folder)
    pytest.skip("no @litertjs/core in node_modules (npm install @litertjs/core): the lines of JavaScript were not run")


def by_litert_js(lines, folder, tmp_path):
    """What the page reports, in headless Chromium."""
    chromium, modules = packages()
    answers = queue.Queue()

    class Server(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            path = path.split("?")[0]
            for prefix, place in (("/npm/", modules), ("/wasm/", modules / "@litertjs" / "core" / "wasm")):
                if path.startswith(prefix):
                    return str(place / path.removeprefix(prefix))
            return str((tmp_path if path == "/index.html" else folder) / path[1:])

        def do_POST(self):
            answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    (tmp_path / "index.html").write_text(PAGE % lines)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        page = f"http://127.0.0.1:{server.server_port}/index.html"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        with subprocess.Popen([chromium, *options, page], **quiet) as browser:
            try:
                found = answers.get(timeout=120)
            finally:
                os.killpg(browser.pid, signal.SIGTERM)
        server.shutdown()
    return found


@pytest.mark.parametrize("name", ["vae", "sound", "made"])
def test_lines_of_javascript(exported, tmp_path, name):
    """As they stand in the README."""
    (lines,) = blocks(exported / name, "js")
    signature = next(iter(card_of(exported / name)["signatures"].values()))
    shapes = {k: t["example_shape"] for k, t in signature["outputs"].items()}
    assert by_litert_js(lines, exported / name, tmp_path) == shapes


def test_javascript_takes_one_size(exported, tmp_path):
    """Its runtime refuses a file of any size, and the page has no lines for it, but says so."""
    (lines,) = blocks(exported / "picture", "js")
    assert lines.startswith("// LiteRT.js takes inputs of one size alone") and len(lines.splitlines()) == 1
    signature = card_of(exported / "picture")["signatures"]["enlarge"]
    for side in ("inputs", "outputs"):
        for tensor in signature[side].values():
            tensor["shape"] = tensor["example_shape"]
    lines = code._javascript("picture.tflite", "enlarge", signature)
    assert "does not match expected" in by_litert_js(lines, exported / "picture", tmp_path)["error"]


RUNTIME = """#pragma once
#include <cstddef>
#include <memory>
struct TfLiteTensor { union { char* raw; } data; size_t bytes; };
namespace tflite {
struct SignatureRunner {
  TfLiteTensor* input_tensor(const char*); const TfLiteTensor* output_tensor(const char*) const;
  int AllocateTensors(); int Invoke(); int ResizeInputTensor(const char*, const std::initializer_list<int>&);
};
struct Interpreter { SignatureRunner* GetSignatureRunner(const char*); };
struct FlatBufferModel { static std::unique_ptr<FlatBufferModel> BuildFromFile(const char*); };
namespace ops::builtin { struct BuiltinOpResolver {}; }
struct InterpreterBuilder {
  InterpreterBuilder(const FlatBufferModel&, const ops::builtin::BuiltinOpResolver&);
  int operator()(std::unique_ptr<Interpreter>*);
};
}
"""


@pytest.mark.skipif(not shutil.which("g++"), reason="no g++ in PATH: the lines of C++ were not compiled")
def test_lines_of_cpp_compile(exported, tmp_path):
    """Against declarations like the runtime's: what is tested is the text, not the runtime."""
    (tmp_path / "tflite" / "kernels").mkdir(parents=True)
    for header in ("interpreter_builder", "kernels/register", "model_builder"):
        (tmp_path / "tflite" / f"{header}.h").write_text(RUNTIME if header == "interpreter_builder" else "")
    text = ""
    for name in ("vae", "sound", "made", "picture"):
        includes, lines = blocks(exported / name, "cpp")[0].split("\n\n")
        text += f"{includes}\nvoid {name}() {{\n{lines}\n}}\n"
    (tmp_path / "all.cpp").write_text(text)
    line = ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wno-unused-variable", "-Werror", "-I.", "all.cpp"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("tag", ["kotlin", "swift", "cpp", "js"])
def test_lines_name_what_there_is(exported, tag):
    for name in ("vae", "sound", "made", *(["picture"] if tag != "js" else [])):
        (lines,) = blocks(exported / name, tag)
        signature = next(iter(card_of(exported / name)["signatures"].items()))
        for word in (signature[0], *signature[1]["inputs"]):
            assert word in lines


def test_lines_of_kotlin_say_the_size_where_any_is_taken(exported):
    """Java's interpreter resizes for arrays alone; an input's name there is the tensor's."""
    (lines,) = blocks(exported / "picture", "kotlin")
    name, sizes = re.search(r'resizeInput\(interpreter.getInputIndex\("(.*)"\), intArrayOf\((.*)\)\)\n', lines).groups()
    (told,) = Interpreter(str(exported / "picture" / "picture.tflite")).get_input_details()
    assert name == told["name"] and sizes == "1, 10, 12, 3"
    assert lines.index("resizeInput") < lines.index("allocateTensors()") < lines.index("runSignature")
    assert all("resizeInput" not in blocks(exported / fixed, "kotlin")[0] for fixed in ("vae", "sound", "made"))


# -- the command -------------------------------------------------------------------------------------------------------


def test_export_of_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = "train mob --data bars --limit 64 --batch 16 --epochs 1 --set components=3 --out run".split()
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
    monkeypatch.setattr(making, "Worker", Inside)
    monkeypatch.setattr(exporting, "Worker", Inside)
    for arguments, words in (
        (["verify", "run/export/model.tflite", "run"], "as Keras"),
        (["run", "--signatures", "encode", "--out", "some"], "written and verified"),
        (["verify", "some/saved_model", "run"], "as Keras"),
        (["--list", "run", "--signatures", "log_prob"], "float32  yes: "),
        (["bench", "run/export/model.tflite"], "ms a call"),
    ):
        assert run_app(app, arguments, "python -m export") == 0 and words in capsys.readouterr().out
    monkeypatch.setitem(TOLERANCE, "float16", 150.0)
    assert run_app(app, ["run", "--out", "half", "--quantize", "float16"], "python -m export") == 2
    assert "no float16 file" in capsys.readouterr().err and (tmp_path / "half" / "model.tflite").is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    for arguments, words in (
        (["elsewhere"], "is no run"),
        ([], "which run?"),
        (["run", "--out", "mine"], "is there and is no export"),
        (["run", "--out", "/proc/export"], "cannot be written"),
        (["run", "--quantize", "int4"], "no format 'int4': choose of"),
        (["run", "--io", "int4"], "no type of inputs and outputs 'int4'"),
        (["run", "--io", "uint8", "--by", "layers"], "layers makes no files that take uint8"),
        (["run", "--signatures", "dream"], "no signature 'dream': choose of"),
        (["verify", "run/card.json", "run"], "no TF-Lite file"),
        (["verify", "run", "run"], "no SavedModel"),
        (["bench", "run/card.json"], "no TF-Lite file"),
        (["bench", "run/export/model.tflite", "--shape", "x=a"], "expected an input's name"),
    ):
        code, err = run_app(app, arguments, "python -m export"), capsys.readouterr().err
        assert code == 2 and words in err and len(err.strip().splitlines()) == 1, err
    assert len(list((tmp_path / "mine").iterdir())) == 1 and not list(tmp_path.rglob("*.partial-*"))


def test_verify_without_a_run(exported, tmp_path, monkeypatch, capsys):
    """By the example beside the file, and within what the file says of itself, whatever it is called."""
    monkeypatch.setattr(exporting, "Worker", Inside)
    for name in ("picture", "sound"):
        shutil.copytree(exported / name, tmp_path / name)
    shutil.move(tmp_path / "picture" / "picture_int8.tflite", tmp_path / "picture" / "small.tflite")
    verified = lambda *path: run_app(app, ["verify", str(tmp_path.joinpath(*path))], "python -m export")
    for path, words in (
        (("picture", "small.tflite"), "int8: as Keras"),
        (("picture", "saved_model"), "float32: as Keras"),
        (("sound", "sound_float16.tflite"), "float16: as Keras"),
    ):
        assert verified(*path) == 0
        assert re.search(rf"{words}, .* by \S+example.npz", capsys.readouterr().out)
    shutil.copy(exported / "picture" / "example.npz", tmp_path / "sound")
    for path, words in (
        (("sound", "sound.tflite"), "compares with the example"),
        (("sound.tflite",), "give the run"),
    ):
        assert verified(*path) == 2
        assert words in capsys.readouterr().err


def test_what_files_hold_that_do_not_say_it(exported, monkeypatch):
    monkeypatch.setattr(exporting, "read_card", lambda path: {})
    for name, path in (("float32", "vae/model"), ("int8", "picture/picture_int8"), ("int8", "sound/sound_int8")):
        path = exported / f"{path}.tflite"
        whole = {"whole_numbers": {}} if Runner(path).whole_numbers() else {}
        found = dict(zip(("operators", "types"), anatomy(path), strict=True))
        assert exporting._tolerated(path, found | whole) == (name, TOLERANCE.get(name))


def test_a_run_of_an_application(tmp_path, monkeypatch):
    """Its data have no name: samples told what the run has kept take their place, not noise, and the card says so."""
    monkeypatch.setattr(exporting, "artifacts", lambda jobs, say: jobs)
    run, lines = untrained(ROWS["edge_sr"].tiny(), tmp_path / "run", system="edge_sr", data="faces+houses"), []
    _, small = ROWS["edge_sr"].tiny_data()
    run.write_conditions(small[:64])
    _, job = exporting.export(run, formats=("float32", "int8"), say=lines.append)
    assert f"`python -m apps.super_resolution export {run.folder}`" in lines[0]
    assert lines[1].startswith("no test and train data (no data set is called 'faces+houses'")
    assert len(lines) == 2 and max(map(len, lines)) < 400
    assert job.about["ranges_from"] == job.about["compared_on"] == "samples of the model told conditions.npz"
    for calls in (job.examples, job.representative):
        np.testing.assert_array_equal(
            np.concatenate([c["condition"] for c in calls["generate"]]), small[: len(calls["generate"])]
        )


def test_a_keras_model_goes_in(tmp_path, monkeypatch):
    """Loaded again before the folder has its name."""
    monkeypatch.setattr(making, "Worker", Inside)
    job = of_applications(tmp_path)[0]
    job.formats, job.model = ("float32",), ROWS["vae"].tiny()
    card = artifacts([job], say=lambda line: None)[0]
    file = tmp_path / "sound" / "sound.keras"
    assert card["files"]["sound.keras"] == {"format": "Keras", "bytes": file.stat().st_size}
    assert "| `sound.keras` | Keras |" in (tmp_path / "sound" / "README.md").read_text()
    other = ROWS["vae"].tiny()
    monkeypatch.setattr(keras.saving, "load_model", lambda path, **options: other)
    job.folder = tmp_path / "again"
    with pytest.raises(ValueError, match=r"sound\.keras, loaded again, holds other weights"):
        artifacts([job], say=lambda line: None)
    assert not job.folder.exists()


def test_threads_are_measured(exported, monkeypatch):
    threads = []
    monkeypatch.setattr(bench, "Worker", Inside)
    monkeypatch.setattr(bench, "Runner", lambda path, n: threads.append(n) or Runner(path, n))
    found = bench.bench(exported / "sound" / "sound.tflite")
    assert threads == [1, 2] == list(map(int, found))
    waits = iter((0.02, 0.001, 0.02, 0.02))
    assert milliseconds(lambda: time.sleep(next(waits)), 0.0) < 20  # the first call warms up


def test_files_that_are_something_else(exported, tmp_path):
    """One line each, from whoever opens them."""
    good = (exported / "vae" / "model.tflite").read_bytes()
    (tmp_path / "torn.tflite").write_bytes(good[: len(good) // 3])
    (tmp_path / "letter.tflite").write_text("Dear phone")
    (tmp_path / "empty.tflite").touch()
    for name, words in (
        ("torn", "damaged"),
        ("letter", "no TF-Lite file"),
        ("empty", "no TF-Lite file"),
        ("no", "not"),
    ):
        with pytest.raises(ValueError, match=words) as told:
            Runner(tmp_path / f"{name}.tflite")
        assert len(str(told.value).splitlines()) == 1
    run = Runner(exported / "vae" / "model.tflite")
    for name, inputs, words in (
        ("dream", {}, "has no signature 'dream': choose of"),
        ("encode", {"y": 0}, r"takes \['x'\], and \['y'\] came"),
        ("encode", {"x": np.zeros((2, 3))}, r"has the shape .* and \(2, 3\) came"),
    ):
        with pytest.raises(ValueError, match=words):
            run(name, **inputs)
    with pytest.raises(ValueError, match=r"takes any size .* --shape x=1,64,64,3"):
        bench.bench(exported / "picture" / "picture.tflite")
    assert "enlarge" in bench.report(exported / "picture" / "picture.tflite", {"x": [1, 8, 8, 3]})


def test_list():
    text = listing.listing()
    for entry in CATALOG:
        assert entry.name in text
        for name, why in entry.not_in_tflite.items():
            assert name in text and why in text
