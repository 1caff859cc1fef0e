"""The command line and its runs: what a person types, sees, interrupts, and gets wrong."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

import tfgen
from tfgen import catalog, pictures
from tfgen.__main__ import command
from tfgen.callbacks import monitor
from tfgen.files import clear_partial
from tfgen.mixture import GMM
from tfgen.runs import Run, claims, parse

UNTIMED = {"seconds": 0, "cpu_seconds": 0}
TINY = ["--data", "bars", "--limit", "64", "--batch", "16"]
VAE = ["train", "vae", *TINY, "--set", "hidden=8", "--set", "latent=2"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    return tmp_path


def run(capsys, *arguments):
    """The exit code, what was printed, the errors."""
    code = command(list(map(str, arguments)))
    return code, *capsys.readouterr()


def picture_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def weights(folder):
    model = catalog.load(folder / "model.keras")
    return [v.numpy() for v in [*model.variables, *(v for o in model.optimizers.values() for v in o.variables)]]


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["tfgen", "tfgen --help", "tfgen train --help", "tfgen reproduce", "export --help"])
def test_help_does_not_wait_for_tensorflow(line):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *line.split()],
        capture_output=True,
        text=True,
        cwd=claims.ROOT,
        timeout=60,
    )
    assert result.returncode == 0 and result.stdout
    assert "typer" in result.stderr and not re.search(r"\| +(tensorflow|keras|numpy)\b", result.stderr)


def test_list(home, capsys):
    for arguments in ([], ["list"]):
        code, out, _ = run(capsys, *arguments)
        assert code == 0
        for entry in catalog.CATALOG:
            assert entry.name in out and entry.paper in out and ", ".join(entry.abilities) in out
        assert len(re.findall(r"^  \w", out, re.M)) == len(catalog.CATALOG)


def test_train_sample_evaluate(home, capsys):
    """One run from end to end, and what stands in its folder."""
    code, out, _ = run(capsys, *VAE, "--epochs", 2, "--seed", 3)
    assert code == 0
    first, *lines = out.strip().splitlines()
    for part in (
        "numbers) on bars",
        "64 examples of 4x4x1",
        "binary",
        "batch 16",
        "epochs 1 to 2",
        "CPU",
        "into runs/vae-bars",
    ):
        assert part in first
    assert lines[0].startswith("epoch 1/2: ") and "val_loss" in lines[1]
    assert [f"  python -m tfgen {verb} runs/vae-bars" for verb in ("sample", "evaluate", "analyse")] == lines[-3:]
    folder = home / "runs" / "vae-bars"
    card = json.loads((folder / "card.json").read_text())
    assert (
        card["system"] == "vae" and card["configuration"]["latent"] == 2 and card["epochs"] == 2 and card["seed"] == 3
    )
    assert card["data"]["name"] == "bars" and card["data"]["split"] == "train" and card["data"]["examples"] == 64
    assert card["versions"]["keras"] == keras.__version__ and np.isfinite(card["figures"]["training"]["loss"])
    history = json.loads((folder / "logs" / "history.json").read_text())
    assert len(history) == 2 and {"loss", "kl", "val_loss", "seconds"} <= set(history[0])
    for picture in ("samples.png", "means.png", "curves.png"):
        assert picture_of(folder / "samples" / picture).std() > 0

    code, out, _ = run(capsys, "sample", folder, "-n", 9, "--seed", 1)
    assert code == 0 and picture_of(out.strip()).shape[1] > 100
    for name in ("a.npy", "b.npy"):
        assert run(capsys, "sample", folder, "-n", 9, "--seed", 1, "--out", name)[0] == 0
    a, b = np.load("a.npy"), np.load("b.npy")
    assert a.shape == (9, 4, 4, 1) and np.array_equal(a, b)
    np.testing.assert_array_equal(a, catalog.load(folder / "model.keras").sample(9, seed=1))

    assert run(capsys, "sample", folder, "-n", 9, "--seed", 1, "--means", "--out", "means.npy")[0] == 0
    model = catalog.load(folder / "model.keras")
    np.testing.assert_allclose(np.load("means.npy"), model.decode(model.noise(9, 1)["z"]), atol=1e-6)

    code, out, _ = run(capsys, "evaluate", folder, "--k", 20, "--limit", 40)
    assert code == 0
    judged = json.loads((folder / "card.json").read_text())["figures"]["test"]
    assert (
        judged["count"] == 40
        and judged["seed"] == 0
        and "training" in json.loads((folder / "card.json").read_text())["figures"]
    )
    model, x = tfgen.load(folder), tfgen.data.arrays("bars", "test", values="binary", limit=40)
    expected = tfgen.metrics.likelihood(model, x, k=20, seed=0)
    metrics = judged["metrics"]
    assert metrics["nats"]["value"] == pytest.approx(expected.nats, rel=1e-6) and metrics["nats"][
        "error"
    ] == pytest.approx(expected.error)
    assert metrics["bits_per_dim"]["value"] == pytest.approx(expected.nats / 16 / np.log(2))
    assert metrics["reconstruction_error"]["value"] == pytest.approx(
        np.mean((x - model.reconstruct(x).numpy()) ** 2), rel=1e-5
    )
    assert {"loss", "kl", "nats", "bits_per_dim"} <= {
        line.split()[0] for line in out.splitlines() if line.startswith("  ")
    }
    assert (folder / "samples" / "reconstructions.png").is_file()


@pytest.mark.parametrize(
    "system, options, metrics",
    [
        ("rbm", ["--set", "hidden=6", "--set", "chains=0"], {"nats", "nats_annealed", "reconstruction_error"}),
        ("made", ["--data", "digits", "--condition", "labels", "--set", "hidden=8"], {"nats", "bits_per_dim"}),
        (
            "gan",
            ["--data", "ring", "--set", "values=real", "--set", "hidden=8"],
            {"critic_loss", "generator_loss", "modes", "nearest_neighbour"},
        ),
        ("gmm", ["--data", "digits", "--set", "components=2"], {"nats", "bits_per_dim"}),
        ("ml_vae", ["--data", "digits", "--condition", "labels"], {"nats", "told_by_content", "told_by_style"}),
    ],
)
def test_other_families(home, capsys, system, options, metrics):
    folder = home / "run"
    code, _, err = run(capsys, "train", system, *TINY, *options, "--epochs", 1, "--out", folder)
    assert code == 0, err
    assert run(capsys, "sample", folder, *(["--label", 1] if system in ("made", "ml_vae") else []))[0] == 0
    code, _, err = run(capsys, "evaluate", folder, "--limit", 30, "--temperatures", 2000)
    assert code == 0, err
    card = Run(folder).card()
    found = card["figures"]["test"]["metrics"]
    assert metrics <= set(found) and all(np.isfinite(f["value"]) for f in found.values())
    if system == "rbm":
        assert found["nats"]["value"] == pytest.approx(found["nats_annealed"]["value"], abs=0.2)
    if system == "ml_vae":
        assert run(capsys, "analyse", folder)[0] == 0 and (folder / "analysis" / "swap.png").is_file()
    if system == "gmm":  # a density of dequantised bytes: d log 256 to the bytes' own probability
        assert card["data"]["dequantised"]
        assert found["bits_per_dim"]["value"] == pytest.approx(8 + found["nats"]["value"] / 64 / np.log(2), rel=1e-6)


def test_codes_told_labels_or_none(home, capsys):
    """An InfoGAN that is told labels, and one without categories, are judged; a GMMN on codes says when its samples
    begin to mean something."""
    small = ["--data", "digits", "--limit", 64, "--batch", 16, "--epochs", 1, "--set", "hidden=8"]
    for name, options in (("told", ["--condition", "labels"]), ("bare", ["--set", "categories=()"])):
        assert run(capsys, "train", "infogan", *small, "--set", "net=mlp", *options, "--out", name)[0] == 0
        code, _, err = run(capsys, "evaluate", name, "--limit", 30, "--samples", 20)
        assert code == 0, err
        assert ("clustering_error" in Run(home / name).card()["figures"]["test"]["metrics"]) == (name == "told")
    code, out, _ = run(capsys, "train", "gmmn", *small, "--set", "code=2", "--set", "code_hidden=8", "--out", "codes")
    assert code == 0 and "begins to learn after epoch 20" in out


def test_told_pairs_and_captions(home, capsys):
    """Trained, drawn, judged and analysed under the conditions of held-out pictures, and of a caption."""
    for folder in ("photos", "edges"):
        (home / folder).mkdir()
    rows = ["file,caption"]
    for i in range(60):
        photo = np.random.RandomState(i).randint(0, 256, (4, 4)).astype("uint8")
        Image.fromarray(photo).save(home / "photos" / f"{i}.png")
        Image.fromarray(255 - photo).save(home / "edges" / f"{i}.png")
        rows.append(f"{i}.png,{'light' if photo.mean() > 128 else 'dark'} picture")
    (home / "captions.csv").write_text("\n".join(rows))
    line = ["train", "made", "--data", "./photos", "--batch", 10, "--epochs", 1, "--set", "hidden=8"]
    code, _, err = run(capsys, *line, "--condition", "./edges", "--condition", "small:2", "--out", "pair")
    assert code == 0, err
    assert run(capsys, "evaluate", "pair", "--samples", 20)[0] == 0 and run(capsys, "analyse", "pair")[0] == 0
    code, out, _ = run(capsys, "sample", "pair", "-n", 5, "--seed", 1, "--out", "five.npy")
    assert code == 0 and "conditions: held-out examples" in out
    x, told = tfgen.data.arrays("./photos", "test", condition=("./edges", "small:2"), values="unit")
    pair = Run(home / "pair")
    given = pair.conditions(tfgen.load("pair"), 5)
    np.testing.assert_allclose(given["pair"], 1 - x[np.arange(5) % len(x)], atol=1e-6)
    np.testing.assert_allclose(given["small"], told["small"][np.arange(5) % len(x)])
    np.testing.assert_array_equal(np.load("five.npy"), tfgen.load("pair").sample(5, given, seed=1))
    judged = pair.card()["figures"]["test"]
    assert judged["conditions"] == "test examples" and judged["count"] == len(x) and "nats" in judged["metrics"]

    assert run(capsys, *line, "--condition", "./edges", "--out", "edge")[0] == 0
    code, out, _ = run(capsys, "sample", "edge", "-n", 3, "--seed", 1, "--given", "edges/7.png", "--out", "three.npy")
    (edge,) = [1 - picture_of(home / "photos" / "7.png")[None, ..., None] / np.float32(255)]
    assert code == 0 and "held-out" not in out
    np.testing.assert_array_equal(
        np.load("three.npy"), tfgen.load("edge").sample(3, np.round(edge[0] * 255) / np.float32(255), seed=1)
    )
    assert run(capsys, "sample", "edge", "--given", "edges/7.png")[0] == 0
    for wrong, words in (
        (["pair", "--given", "edges/7.png"], "was not told pictures alone"),
        (["edge", "--given", "captions.csv"], "cannot be read as a picture"),
        (["edge", "--given", "edges/7.png", "--label", 1], "one of them at a time"),
    ):
        code, _, err = run(capsys, "sample", *wrong)
        assert code == 2 and words in err and len(err.strip().splitlines()) == 1, err

    code, _, err = run(capsys, *line, "--condition", "captions.csv", "--out", "words")
    assert code == 0 and Run(home / "words").card()["words"] == ["dark", "light", "picture"], err
    for caption in ("A dark picture!", "picture, dark"):
        assert run(capsys, "sample", "words", "--caption", caption, "--seed", 2, "--out", f"{caption[0]}.npy")[0] == 0
    np.testing.assert_array_equal(np.load("A.npy"), np.load("p.npy"))
    code, _, err = run(capsys, "sample", "words", "--caption", "ligth")
    assert code == 2 and "none of its words was learnt; it knows light" in err
    code, _, err = run(capsys, "sample", "pair", "--caption", "dark")
    assert code == 2 and "was not told captions alone" in err


def test_precision_xla_and_decay(home, capsys):
    code, _, err = run(
        capsys,
        *VAE,
        "--epochs",
        3,
        "--precision",
        "mixed_bfloat16",
        "--xla",
        "--learning-rate",
        0.01,
        "--decay",
        "linear",
    )
    assert code == 0, err
    rates = [epoch["learning_rate"] for epoch in Run("runs/vae-bars").history()]
    np.testing.assert_allclose(rates, [0.01, 0.02 / 3, 0.01 / 3], rtol=1e-5)
    assert catalog.load("runs/vae-bars/model.keras").dtype_policy.name == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "float32"


# -- runs that are interrupted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "system, options",
    [
        ("vae", ["--set", "hidden=8", "--decay", "cosine"]),
        ("rbm", ["--set", "hidden=4", "--set", "chains=16"]),
        ("gmm", []),
    ],
)
def test_ctrl_c_and_on_again(home, capsys, monkeypatch, system, options):
    """Interrupted in its second epoch, then the same command: the weights of an uninterrupted run, and its history."""
    data = [*TINY, "--data", "digits"] if system == "gmm" else TINY
    line = ["train", system, *data, *options, "--epochs", 4]
    assert run(capsys, *line, "--out", "whole")[0] == 0
    real = tfgen.callbacks.Keep.on_epoch_begin

    def interrupted(self, epoch, logs=None):
        real(self, epoch, logs)
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tfgen.callbacks.Keep, "on_epoch_begin", interrupted)
        code, _, err = run(capsys, *line, "--out", "torn")
    assert code == 130 and "the same command goes on" in err
    code, out, err = run(capsys, *line, "--out", "torn")
    assert code == 0 and "epochs 3 to 4" in out, err
    assert same(weights(home / "torn"), weights(home / "whole"))
    torn, whole = Run("torn").history(), Run("whole").history()
    assert [e | UNTIMED for e in torn] == [e | UNTIMED for e in whole]


def test_a_finished_run_says_so_and_goes_further(home, capsys):
    assert run(capsys, *VAE, "--epochs", 2)[0] == 0
    before = weights(home / "runs/vae-bars")
    code, out, _ = run(capsys, *VAE, "--epochs", 2)
    assert code == 0 and "is finished: 2 epochs" in out and "--epochs 4" in out
    assert same(before, weights(home / "runs/vae-bars"))
    code, out, _ = run(capsys, *VAE, "--epochs", 4)
    assert code == 0 and "epochs 3 to 4" in out
    assert run(capsys, *VAE, "--epochs", 4, "--out", "whole")[0] == 0
    assert same(weights(home / "runs/vae-bars"), weights(home / "whole"))


def test_other_settings_need_fresh(home, capsys):
    assert run(capsys, *VAE, "--epochs", 1)[0] == 0
    before = weights(home / "runs/vae-bars")
    for change, word in (
        (["--seed", 5], "seed 0 → 5"),
        (["--set", "latent=3"], "arguments"),
        (["--batch", 32], "batch 16 → 32"),
    ):
        code, _, err = run(capsys, *VAE, *change)
        assert code == 2 and word in err and "--fresh" in err
    code, _, err = run(capsys, "train", "made", *TINY, "--out", "runs/vae-bars")
    assert code == 2 and "'vae' → 'made'" in err
    code, _, err = run(capsys, *VAE, "--data", "ring", "--out", "runs/vae-bars", "--fresh")
    assert code == 2 and "real numbers" in err
    code, _, err = run(
        capsys, "train", "gan", *TINY, "--set", "hidden=8", "--set", "turns=50", "--out", "runs/vae-bars", "--fresh"
    )
    assert (
        code == 2
        and "a step needs 50" in err
        and same(before, weights(home / "runs/vae-bars"))
        and Run("runs/vae-bars").settings().system == "vae"
    )
    code, out, _ = run(capsys, *VAE, "--seed", 5, "--epochs", 1, "--fresh")
    assert code == 0 and "epochs 1 to 1" in out and Run("runs/vae-bars").card()["seed"] == 5


# -- bad input: one line, code 2, nothing lost -------------------------------------------------------------------------

BAD = {
    "an unknown system": (["train", "vea"], "did you mean vae"),
    "an unknown data set": (["train", "vae", "--data", "mnits"], "nearest: mnist"),
    "an unknown key": ([*VAE, "--set", "latnt=3"], "did you mean latent"),
    "a value of the wrong type": ([*VAE, "--set", "latent=many"], "expected a whole number, such as latent=50"),
    "a list with a word in it": ([*VAE, "--set", "hidden=8,x"], "whole numbers with commas between"),
    "no value": ([*VAE, "--set", "latent"], "expected key=value"),
    "a size of nothing": (["train", "mob", *TINY, "--set", "components=0"], "components=0: expected 1 or more"),
    "a layer of nothing": ([*VAE, "--set", "hidden=8,0"], "hidden=(8, 0): expected 1 or more"),
    "a rate beyond one": (
        ["train", "gan", *TINY, "--set", "dropout=2"],
        "dropout=2.0: expected a number from 0 to below 1",
    ),
    "a game that is none": (["train", "gan", *TINY, "--set", "game=hing"], "take one of hinge"),
    "a penalty that is none": (
        ["train", "gan", *TINY, "--set", "penalties=r3"],
        "take one of gradient_penalty, r1, r2",
    ),
    "an activation that is none": (
        ["train", "gan", *TINY, "--set", "activation=relux"],
        "there is no activation 'relux': take one of relu",
    ),
    "fewer kernels than none": (["train", "gan", *TINY, "--set", "minibatch=-1"], "minibatch=-1: expected 0 or more"),
    "a critic with a virtual norm": (
        ["train", "gan", *TINY, "--set", "critic_norm=virtual:8"],
        "take another for the critic",
    ),
    "a learning rate below zero": ([*VAE, "--learning-rate", "-1"], "--learning-rate -1: expected a number above 0"),
    "a rate of a player below zero": (
        ["train", "gan", *TINY, "--set", "learning_rate=-1"],
        "learning_rate=-1.0: expected a number above 0",
    ),
    "a momentum beyond one": (
        ["train", "gan", *TINY, "--set", "beta=2"],
        "beta=2.0: expected a number from 0 to below 1",
    ),
    "kernels of no width": (
        ["train", "gmmn", *TINY, "--set", "bandwidths=1,-1"],
        "bandwidths=(1.0, -1.0): expected one or more numbers above 0",
    ),
    "convolutions of points": (["train", "began", "--data", "ring", "--set", "net=dcgan"], "take net='mlp'"),
    "a choice that is none": ([*VAE, "--set", "likelihood=poisson"], "bernoulli"),
    "the condition by --set": (["train", "made", *TINY, "--set", "condition=3"], "--condition labels"),
    "labels for a model without": (["train", "mob", *TINY, "--condition", "labels"], "mob cannot be told anything"),
    "labels of data without": (["train", "made", "--data", "ising", "--condition", "labels"], "ising has no labels"),
    "data that do not fit": (
        ["train", "vae", "--data", "ring"],
        "ring holds real numbers, and this vae takes binary values",
    ),
    "a batch larger than the data": ([*VAE, "--batch", "1000"], "smaller batch"),
    "decay": ([*VAE, "--decay", "slowly"], "none, cosine, linear"),
    "a rate for EM": (["train", "mob", *TINY, "--learning-rate", "1"], "learns without one"),
    "precision": ([*VAE, "--precision", "float8"], "expected one of float32"),
    "XLA under a strategy": ([*VAE, "--xla", "--distribute", "mirrored"], "jit_compile"),
    "no network": (["train", "vae", "--data", "cifar10", "--data-dir", "nowhere"], "cannot be downloaded"),
    "a folder that cannot be written": ([*VAE, "--out", "/proc/run"], "cannot be written"),
    "a file in place of a folder": ([*VAE, "--out", "taken/run"], "cannot be written"),
    "a folder of other things": ([*VAE, "--out", "things"], "holds files and is no run"),
    "more than fits into memory": (["sample", "good", "-n", "100000000000"], "there is not enough memory"),
    "a run that is not there": (["sample", "runs/none"], "is no run"),
    "a run without a model": (["sample", "empty"], "holds no model yet"),
    "a truncated model": (["sample", "truncated"], "cut short"),
    "a foreign model": (["sample", "foreign"], "could not be read as"),
    "a card that is no JSON": (["evaluate", "torn"], "is not JSON"),
    "a card that is a list": (["sample", "listed"], "is no card"),
    "a model of too many numbers": (
        ["train", "mob", *TINY, "--set", "components=100000000000"],
        "this mob holds 100,000 million numbers or more",
    ),
    "epochs without end": ([*VAE, "--epochs", "100000000000000000000000"], "a whole number from 1 to 1,000,000"),
    "workers of nobody": ([*VAE, "--distribute", "multiworker"], "TF_CONFIG names no other machine"),
    "samples into a text": (["sample", "good", "--out", "samples.txt"], ".png"),
    "a label for a model without": (["sample", "good", "--label", "3"], "was not told labels"),
    "a split that is not there": (["evaluate", "good", "--split", "vacation"], "train and test"),
    "an unknown claim": (["reproduce", "made-minst"], "did you mean made-mnist"),
    "quick figures for the record": (["reproduce", "made-mnist", "--quick", "--record"], "not recorded"),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A good run, and folders in which something is wrong."""
    root = tmp_path_factory.mktemp("shelf")
    with contextlib.chdir(root):
        assert command([*VAE, "--epochs", "1", "--out", "good"]) == 0
        good = (root / "good" / "model.keras").read_bytes()
        card = (root / "good" / "card.json").read_text()
        for name, model, text in (
            ("truncated", good[: len(good) // 2], card),
            ("foreign", None, card),
            ("torn", good, card[:50]),
            ("listed", good, "[]"),
            ("empty", b"", card),
        ):
            (root / name).mkdir()
            (root / name / "card.json").write_text(text)
            (root / name / "model.keras").write_bytes(model or b"")
        (root / "empty" / "model.keras").unlink()
        with zipfile.ZipFile(root / "foreign" / "model.keras", "w") as archive:
            archive.writestr("letter.txt", "dear reader")
        (root / "things").mkdir()
        (root / "things" / "poem.txt").write_text("a poem")
        (root / "taken").write_text("a file")
    return root


@pytest.mark.parametrize("arguments, words", BAD.values(), ids=BAD)
def test_bad_input(shelf, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(shelf)
    monkeypatch.setattr(
        urllib.request, "urlopen", lambda *args, **kwargs: (_ for _ in ()).throw(urllib.error.URLError("no network"))
    )
    runs = {p.with_name(".lock") for p in shelf.rglob("card.json")}
    before = {p: p.is_file() and p.stat().st_mtime_ns for p in set(shelf.rglob("*")) - runs}
    code, _, err = run(capsys, *arguments)
    assert code == 2 and len(err.strip().splitlines()) == 1 and words in err, err
    after = {p: p.is_file() and p.stat().st_mtime_ns for p in set(shelf.rglob("*")) - runs}
    assert before == after


def test_options_that_are_none(home, capsys):
    """Typer's own: a usage line."""
    code, _, err = run(capsys, "train", "vae", "--epoch", 3)
    assert code == 2 and "--epochs" in err and "Traceback" not in err
    code, _, err = run(capsys, "trian")
    assert code == 2 and "train" in err


def test_tf_config_that_is_no_json(home, capsys, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{cluster")
    code, _, err = run(capsys, *VAE, "--distribute", "multiworker")
    assert code == 2 and "TF_CONFIG" in err and len(err.strip().splitlines()) == 1


def test_nan_keeps_the_last_good_epoch(home, capsys):
    """A rate that is too large by far in the second epoch:
    the first one's model stays, and the line names the epoch."""
    assert run(capsys, *VAE, "--epochs", 1)[0] == 0
    good = weights(home / "runs/vae-bars")
    real = tfgen.variational.VAE.loss_terms
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tfgen.variational.VAE,
            "loss_terms",
            lambda self, *a, **k: {n: t / 0 - t / 0 for n, t in real(self, *a, **k).items()},
        )
        code, _, err = run(capsys, *VAE, "--epochs", 3)
    assert code == 2 and "epoch 2" in err and len(err.strip().splitlines()) == 1, err
    assert same(good, weights(home / "runs/vae-bars"))
    card = Run("runs/vae-bars").card()
    assert card["figures"]["training"]["stopped"] in err and card["minutes"] > 0
    assert run(capsys, *VAE, "--epochs", 2)[0] == 0
    assert "stopped" not in Run("runs/vae-bars").card()["figures"]["training"]


def test_nan_of_the_last_step_and_of_the_m_step(home, capsys, monkeypatch):
    """No loss of the epoch shows it: the weights do, before anything is written."""
    maximise, steps = GMM.maximise, []

    def broken(self, counts, sums):
        maximise(self, counts, sums)
        steps.append(1)
        if len(steps) == 2:
            self.means.assign(self.means * np.nan)

    monkeypatch.setattr(GMM, "maximise", broken)
    code, _, err = run(capsys, "train", "gmm", "--limit", 100, "--batch", 50, "--epochs", 8, "--out", "run")
    epoch = int(re.search(r"in epoch (\d+): training stopped", err)[1])
    assert code == 2 and epoch > 1 and len(err.strip().splitlines()) == 1
    assert all(np.isfinite(w).all() for w in weights(home / "run")) and Run("run").card()["epochs"] == epoch - 1
    code, _, err = run(
        capsys, "train", "vae", "--data", "bars", "--limit", 64, "--batch", 64, "--learning-rate", 1e39, "--epochs", 4
    )
    assert code == 2 and "in epoch 1" in err and not (home / "runs/vae-bars/model.keras").exists()


def test_data_that_changed(home, capsys):
    (home / "pictures").mkdir()
    for i in range(40):
        Image.fromarray(np.full((4, 4), 5 * i, "uint8")).save(home / "pictures" / f"{i}.png")
    line = ["train", "mob", "--data", "./pictures", "--batch", 8, "--set", "components=2"]
    assert run(capsys, *line, "--epochs", 1)[0] == 0 and (home / "runs/mob-pictures").is_dir()
    for i in range(40, 60):
        Image.fromarray(np.full((4, 4), 4 * i, "uint8")).save(home / "pictures" / f"{i}.png")
    code, _, err = run(capsys, *line, "--epochs", 2)
    assert code == 2 and "was trained on other data" in err
    assert run(capsys, *line, "--epochs", 2, "--fresh")[0] == 0


def test_logs_may_go(home, capsys):
    """They are for looking: the model says how far a run is."""
    assert run(capsys, *VAE, "--epochs", 2)[0] == 0
    shutil.rmtree("runs/vae-bars/logs")
    assert run(capsys, *VAE, "--epochs", 3)[0] == 0
    card = Run("runs/vae-bars").card()
    assert card["epochs"] == card["figures"]["training"]["epoch"] == 3
    shutil.rmtree("runs/vae-bars/logs")
    assert run(capsys, *VAE, "--epochs", 3)[0] == 0


def test_a_full_disk_says_where(home, capsys, monkeypatch):
    """And figures are shown before they are written."""
    assert run(capsys, *VAE, "--epochs", 1)[0] == 0

    def full(self, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    code, out, err = run(capsys, "evaluate", "runs/vae-bars", "--k", 2, "--limit", 20)
    assert code == 2 and "  nats " in out and "runs/vae-bars/card.json: No space left on device" in err


def test_what_killed_processes_left(tmp_path):
    """Half-written files go, what was being replaced comes back, and a living process keeps its own."""
    (tmp_path / ".export.partial-999999999").mkdir()
    (tmp_path / ".export.partial-999999999.old").mkdir()
    (tmp_path / ".export.partial-999999999.old" / "card.json").write_text("{}")
    (tmp_path / ".model.partial-999999999.keras").write_text("half")
    (tmp_path / f".samples.partial-{os.getppid()}.png").write_text("being written")
    clear_partial(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f".samples.partial-{os.getppid()}.png", "export"]
    assert (tmp_path / "export" / "card.json").is_file()


def test_two_processes_in_one_folder(home, capsys):
    assert run(capsys, *VAE, "--epochs", 1)[0] == 0
    with open("runs/vae-bars/.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for arguments in ([*VAE, "--epochs", 2], ["evaluate", "runs/vae-bars"]):
            code, _, err = run(capsys, *arguments)
            assert code == 2 and f"in use by process {os.getpid()}" in err
        assert run(capsys, "sample", "runs/vae-bars")[0] == 0


def test_set_is_typed():
    assert parse(tfgen.VAE, ["hidden=64,32", "latent=3", "activation=relu"]) == {
        "hidden": (64, 32),
        "latent": 3,
        "activation": "relu",
    }
    assert parse(tfgen.MADE, ["hidden=64", "order=raster"]) == {"hidden": (64,), "order": "raster"}
    assert parse(tfgen.MADE, ["order=1,0,2"]) == {"order": (1, 0, 2)}
    assert parse(tfgen.GAN, ["dropout=0", "learning_rate=1e-3"]) == {"dropout": 0.0, "learning_rate": 1e-3}
    for wrong in (["latent=3.5"], ["latent=true"], ["hidden=a"]):
        with pytest.raises(ValueError, match="expected"):
            parse(tfgen.VAE, wrong)


# -- pictures and TensorBoard ------------------------------------------------------------------------------------------


def test_pictures():
    x = np.zeros((5, 4, 4, 1), "float32")
    x[1] = 1
    grid = pictures.draw(x)
    assert (
        grid.shape == (2 * 6 + 2, 3 * 6 + 2, 3) and grid[3, 3].tolist() == [0] * 3 and grid[3, 9].tolist() == [255] * 3
    )
    signed = pictures.draw(2 * x - 1, "signed")
    np.testing.assert_array_equal(signed, grid)
    points = pictures.draw(np.array([[0.5, 0.5], [-0.5, -0.5]], "float32"), "real")
    rows, columns = np.nonzero((points == (30, 90, 160)).all(-1))
    top_right = (rows < 360) & (columns > 360)
    assert top_right.sum() == 25 and ((rows > 360) & (columns < 360)).sum() == 25 and len(rows) == 50
    over = pictures.draw(np.array([[0.5, 0.5]], "float32"), "real", behind=np.array([[0.5, 0.5], [-0.5, -0.5]]))
    assert (over == (30, 90, 160)).all(-1).sum() == 25 == (over == (200, 200, 200)).all(-1).sum()
    assert pictures.enlarged(grid, 100).shape == (5 * 14, 5 * 20, 3)
    assert pictures.pairs(x, 1 - x).shape[0] == 2 * (4 + 2 * pictures.GAP)


def test_histograms_of_any_weights():
    """Of weights that ran away together, too, between which float32 has no numbers."""
    for values in ([0.0, 0.0], [3e8, 3e8], [3e37, -3e37], [1e8, 1e8 + 8], [-1e-30, 1e-30]):
        monitor._histogram("weights", np.float32(values), 0)


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_the_runs(home, capsys):
    """Through its HTTP endpoints: scalars of every player, rates, pictures, histograms, and the runs side by side in
    hparams."""
    from tensorboard import program

    for rate in (1e-3, 1e-4):
        code, _, err = run(capsys, *VAE, "--epochs", 2, "--learning-rate", rate, "--out", f"runs/vae-{rate}")
        assert code == 0, err
    assert run(capsys, "evaluate", "runs/vae-0.001", "--k", 5, "--limit", 20)[0] == 0
    assert (
        run(
            capsys,
            "train",
            "gan",
            "--data",
            "ring",
            "--limit",
            64,
            "--batch",
            16,
            "--set",
            "values=real",
            "--set",
            "hidden=8",
            "--epochs",
            2,
        )[0]
        == 0
    )
    board = program.TensorBoard()
    board.configure(
        argv=[None, "--logdir", str(home / "runs"), "--port", "0", "--reload_interval", "0", "--load_fast", "false"]
    )
    url = board.launch().rstrip("/")

    def ask(path, body=None):
        request = urllib.request.Request(
            f"{url}/data/{path}", data=body and json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        return json.loads(urllib.request.urlopen(request, timeout=30).read())

    def until(path, body, enough):
        import time

        for _ in range(60):
            with contextlib.suppress(urllib.error.HTTPError):
                if enough(found := ask(path, body)):
                    return found
            time.sleep(0.5)
        raise AssertionError(f"{path}: {found}")

    tags = until(
        "plugin/scalars/tags",
        None,
        lambda t: {"vae-0.001/logs", "gan-ring/logs", "vae-0.0001/logs"} == set(t),  # one folder a run
    )
    of_vae, of_gan = (set(tags[f"{name}/logs"]) for name in ("vae-0.001", "gan-ring"))
    assert {"loss/train", "kl/train", "kl/held_out", "reconstruction/train", "schedule/learning_rate_model"} <= of_vae
    assert {"critic_loss/train", "schedule/learning_rate_critic", "schedule/learning_rate_generator"} <= of_gan
    assert sorted(of_vae)[0] == "Evaluation/bits_per_dim" and "Evaluation/nats" in of_vae
    points = ask("plugin/scalars/scalars?run=vae-0.001/logs&tag=loss/train")
    history = Run("runs/vae-0.001").history()
    np.testing.assert_allclose([p[2] for p in points], [e["loss"] for e in history], rtol=1e-6)
    images = until("plugin/images/tags", None, lambda t: len(t.get("vae-0.001/logs", {})) == 2)
    assert sorted(images["vae-0.001/logs"]) == ["Samples", "reconstructions"] and "Samples" in images["gan-ring/logs"]
    assert len(ask("plugin/images/images?run=vae-0.001/logs&tag=Samples&sample=0")) == 2
    histograms = ask("plugin/histograms/tags")["vae-0.001/logs"]
    assert any(re.search("kernel", tag) for tag in histograms)
    rows = ask(f"plugin/histograms/histograms?run=vae-0.001/logs&tag={next(iter(histograms))}")
    assert len(rows) == 2 and sum(bucket[2] for bucket in rows[0][2]) > 0
    request = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_RUNNING"],
        "colParams": [],
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = until("plugin/hparams/session_groups", request, lambda g: len(g["sessionGroups"]) == 3)["sessionGroups"]
    assert {g["hparams"].get("learning_rate") for g in groups} >= {1e-3, 1e-4}
    measured = [{m["name"]["tag"] for m in g["metricValues"]} for g in groups]
    assert any({"Evaluation/nats", "loss/held_out"} <= tags for tags in measured), measured


def test_samples_are_judged_while_a_model_learns(home, capsys):
    """Each second epoch and the last, by Fréchet's distance of digits and the kernel's of others; the weights are those
    of a training that nobody judged."""
    tiny = ["--set", "hidden=8", "--limit", 64, "--batch", 16, "--epochs", 3]
    for data, name in (("digits", "frechet"), ("bars", "kernel_distance")):
        code, out, err = run(capsys, "train", "made", "--data", data, *tiny, "--judge-every", 2, "--out", data)
        assert code == 0 and f"{name} " in out, err
        assert [name in epoch for epoch in Run(data).history()] == [False, True, True]
        assert np.isfinite(Run(data).history()[1][name])
    assert run(capsys, "train", "made", "--data", "bars", *tiny, "--out", "alone")[0] == 0
    assert same(weights(home / "alone"), weights(home / "bars"))


def test_compare(home, capsys):
    for name, size in (("a", 4), ("b", 8)):
        assert run(capsys, *VAE[:-4], "--set", f"hidden={size}", "--epochs", 1, "--out", f"runs/{name}")[0] == 0
    assert run(capsys, "train", "gan", "--data", "ring", *TINY[2:], "--epochs", 1, "--set", "values=real")[0] == 0
    code, out, err = run(capsys, "compare", "runs/a", "runs/b", "runs/gan-ring")
    assert code == 0, err
    said = [line.split() for line in out.splitlines()]
    assert ["a", "b", "gan-ring"] in said and ["set", "hidden", "4", "8"] in said
    assert ["system", "vae", "vae", "gan"] in said and said[0][0] == "all:" and said[-1] == ["runs/compare.png"]
    picture = picture_of("runs/compare.png")
    assert picture.shape[1] > 3 * 720 and picture.std() > 0
    assert run(capsys, "compare", "runs/a", "runs/b", "--out", "two.png")[0] == 0
    for line, words in (
        (["runs/a"], "two or more"),
        (["runs/a", "runs/a"], "twice"),
        (["runs/a", "runs/none"], "no run"),
        (["runs/a", "runs/b", "--out", "x.jpg"], ".png"),
    ):
        code, _, err = run(capsys, "compare", *line)
        assert code == 2 and words in err and len(err.strip().splitlines()) == 1, err


# -- claims ------------------------------------------------------------------------------------------------------------


# whose claims share their commands:
PAGES = tuple(f"docs/{name}.md" for name in ("autoregressive", "adversarial", "variational", "energy"))
QUICK = {
    c["metric"] if c["page"] in PAGES else c["system"]: c
    for c in reversed(claims.read())
    if c["train"] and not c["run"]
}


@pytest.mark.parametrize("claim", {c["name"]: c for c in QUICK.values()}.values(), ids=lambda c: c["name"])
def test_reproduce_quick(home, capsys, claim):
    """One claim of each system; of those on pages whose claims share their commands, one of each kind of figure."""
    before = claims.CSV.read_bytes()
    code, out, err = run(capsys, "reproduce", claim["name"], "--quick")
    assert code == 0, err
    assert f"\n{claim['name']}: " in out and "published" in out and "mean nothing" in out
    for other in (c for c in claims.read() if c["run"] == claim["name"]):
        assert other["metric"] in Run(f"runs/claims/{claim['name']}-quick-seed0").card()["figures"]["test"]["metrics"]
    assert claims.CSV.read_bytes() == before


def test_a_claim_whose_training_ends_in_nan(home, capsys):
    """nan of each metric, where the card says so; any other end of a command is an error."""
    lines = []

    def command(line):
        lines.append(line)
        out = Run(line[line.index("--out") + 1])
        out.folder.mkdir(parents=True)
        out.write_card(minutes=1.5, hardware="1 CPU core", figures={"training": {"stopped": "critic_loss became nan"}})
        return 2

    found = claims.reproduce("ring-neyman", command, seeds=2, out=home / "claims")
    assert [line[0] for line in lines] == ["train", "train"] and all(
        np.isnan(found[name]) for name in ("modes", "high_quality", "reverse_kl")
    )
    out = capsys.readouterr().out
    assert "nan / nan / nan" in out and "1.5 minutes by the clock a run" in out
    with pytest.raises(ValueError, match="ended with code 2"):
        claims.reproduce("ring-neyman", lambda line: 2, seeds=1, out=home / "others")


def test_a_claim_of_what_is_shipped(tmp_path, monkeypatch, capsys):
    """Its command is an application's, whose JSON is read; errors of it are one line."""
    about = {**dict.fromkeys(claims.read()[0], ""), "name": "sr", "metric": "psnr ssim", "data": "Set5"}
    about |= {"evaluate": "apps.super_resolution evaluate {data}/Set5", "published": "30", "source": "-"}
    monkeypatch.setattr(claims, "read", lambda: [about])
    (tmp_path / "Set5").mkdir()
    code, _, err = run(capsys, "reproduce", "sr", "--data-dir", tmp_path)
    assert code == 2 and "holds no pictures" in err and len(err.strip().splitlines()) == 1
    assert run(capsys, "reproduce", "sr")[0] == 2
    x = np.random.RandomState(0).randint(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(x).resize((64, 48), Image.Resampling.BICUBIC).save(tmp_path / "Set5" / "a.png")
    code, out, err = run(capsys, "reproduce", "sr", "--data-dir", tmp_path)
    assert code == 0 and re.search(r"sr: psnr / ssim \d\d\.\d\d / [01]\.\d+, published 30", out), err


def test_claims_are_whole():
    for claim in claims.read():
        assert all(
            claim[part]
            for part in (
                "name",
                "system",
                "data",
                "metric",
                "published",
                "source",
                "protocol",
                "evaluate",
                "seeds",
                "page",
            )
        ), claim
        assert claim["train"].split()[0] == claim["system"] if claim["train"] else claim["evaluate"].startswith("apps.")
        assert (claim["ours"] != "") == (claim["minutes"] != "") == (claim["hardware"] != "")
        assert not claim["ours"] or claim["ours"].count("/") == len(claim["metric"].split()) - 1
    for page in {claim["page"] for claim in claims.read()}:
        text = (claims.ROOT / page).read_text()
        assert claims.BEGIN + claims.table(page) + "\n" + claims.END in text, (
            f"the claims of {page} are written by reproduce --record"
        )


def test_record_writes_csv_and_page(tmp_path, monkeypatch):
    copies = {name: tmp_path / name for name in ("README.md", "docs/claims.csv")}
    (tmp_path / "docs").mkdir()
    for name, copy in copies.items():
        copy.write_bytes((claims.ROOT / name).read_bytes())
    monkeypatch.setattr(claims, "ROOT", tmp_path)
    monkeypatch.setattr(claims, "CSV", copies["docs/claims.csv"])
    monkeypatch.setattr(claims.read, "__defaults__", (claims.CSV,))
    others = [c for c in claims.read() if c["name"] != "made-mnist"]
    claims.write("made-mnist", ours="12.34", sd="0.05", minutes="3.0", hardware="2 CPU cores")
    assert claims.find("made-mnist")["ours"] == "12.34" and "12.34 ± 0.05" in copies["README.md"].read_text()
    assert [c for c in claims.read() if c["name"] != "made-mnist"] == others


def test_complete(home, capsys):
    """Before and after, as a picture and as numbers; what is known is kept; one line for what cannot be."""
    options = ["--data", "bars", "--limit", 40, "--epochs", 1, "--set", "filters=4", "--set", "layers=1"]
    assert run(capsys, "train", "gated_pixelcnn", *options)[0] == 0
    folder = home / "runs" / "gated_pixelcnn-bars"
    code, out, _ = run(capsys, "complete", folder, "-n", 5, "--seed", 1)
    assert out.strip().endswith("completions-top-5x3-seed1.png")
    assert code == 0 and picture_of(out.splitlines()[-1].strip()).shape[0] > 100
    more = ["--keep", "prefix:9", "--draws", 2, "--temperature", 0.5, "--out", "x.npy"]
    assert run(capsys, "complete", folder, "-n", 5, *more)[0] == 0
    drawn, x = np.load("x.npy"), tfgen.data.arrays("bars", "test", values="binary", limit=5)
    assert drawn.shape == (2, 5, 4, 4, 1)
    np.testing.assert_array_equal(drawn.reshape(2, 5, 16)[:, :, :9], np.stack([x.reshape(5, 16)[:, :9]] * 2))
    assert run(capsys, "sample", folder, "-n", 2, "--temperature", 0, "--out", "y.npy")[0] == 0
    np.testing.assert_array_equal(*np.load("y.npy"))
    for arguments, words in (
        (["complete", folder, "--keep", "middle"], "top, bottom, left, right"),
        (["complete", folder, "--keep", "prefix:17"], "prefix:8"),
        (["complete", folder, "--temperature", -1], "temperature=-1.0"),
        (["complete", folder, "--out", "x.txt"], "ends in .png"),
    ):
        code, _, error = run(capsys, *arguments)
        assert code == 2 and words in error and len(error.strip().splitlines()) == 1, error
