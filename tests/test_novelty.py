"""The application that finds what is new: its figure by hand, its commands on digits, what it says of wrong input."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from apps.novelty import data, scoring
from apps.novelty.__main__ import command
from tfgen import catalog, rng
from tfgen import data as tfgen_data
from tfgen.runs import Run


def test_auroc_by_hand():
    """Pairs in the right order, ties half."""
    scores, novel = np.array([1.0, 2.0, 2.0, 3.0, 0.5]), np.array([0, 0, 1, 1, 0])
    pairs = [(b > a) + 0.5 * (b == a) for a in scores[novel == 0] for b in scores[novel == 1]]
    assert scoring.auroc(scores, novel).auroc == pytest.approx(np.mean(pairs))
    assert scoring.auroc(-scores, novel).auroc == pytest.approx(1 - np.mean(pairs))
    dice = np.random.default_rng(0)
    drawn = [scoring.auroc(dice.normal(size=60), np.arange(60) < 20) for _ in range(300)]
    assert np.std([m.auroc for m in drawn]) == pytest.approx(np.mean([m.error for m in drawn]), rel=0.15)
    with pytest.raises(ValueError, match="some of each"):
        scoring.auroc(scores, np.ones(5))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("novelty") / "zeros"
    line = ["train", "--data", "digits", "--normal", "0", "--epochs", "10", "--set", "latent=4", "--set", "hidden=32"]
    assert command([*line, "--batch", "8", "--out", str(folder)]) == 0
    return Run(folder)


def test_zeros_among_digits(run, capsys):
    """Other digits score above zeros; the held-out quantile stands in the card."""
    assert command(["evaluate", str(run.folder)]) == 0
    assert "class 0: AUROC" in capsys.readouterr().out and (run.folder / "novelty.png").is_file()
    card = run.card()
    assert card["figures"]["novelty"]["bound"]["auroc"] > 0.9 and card["settings"]["normal"] == 0
    model = catalog.load(run.model_path)
    _, kept = data.normal("digits", 0)
    assert command(["evaluate", str(run.folder), "--by", "reconstruction"]) == 0
    assert set(run.card()["figures"]["novelty"]) == {"bound", "reconstruction"}
    scores = scoring.score(model, kept.x.astype("float32") / 255)
    assert np.mean(scores > card["novelty"]["bound"]) <= 0.1


def test_the_score_is_a_bound_but_for_the_draw(run):
    """Near minus the mean of log w; and the reconstruction is its first half."""
    model = catalog.load(run.model_path)
    x = data.judged("digits", 0, limit=40).x
    drawn = -np.mean(model.log_w(x, None, 200, rng.as_seed(1)), 1)
    bound, first = (scoring.score(model, x, by) for by in scoring.SCORES)
    assert np.corrcoef(drawn, bound)[0, 1] > 0.9
    np.testing.assert_allclose(bound - first, np.sum(model.kl_of_dimensions(x), -1), rtol=1e-3, atol=1e-2)
    with pytest.raises(ValueError, match="expected one of bound, reconstruction"):
        scoring.score(model, x, "likelihood")


def test_each_class_in_turn(capsys):
    """A table of two classes; no folder is left."""
    line = [
        "one-class",
        "--data",
        "digits",
        "--classes",
        "2",
        "--epochs",
        "15",
        "--set",
        "latent=4",
        "--set",
        "hidden=32",
    ]
    assert command(line) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[-4].startswith("| normal class | 0 | 1 | mean |")
    figures = [float(v) for v in rows[-2].split("|")[2:5]]
    assert figures[2] == pytest.approx(np.mean(figures[:2]), abs=0.06) and figures[2] > 80


def test_a_folder_is_scored(run, tmp_path, capsys):
    """The newest first, in a .csv, with a sheet."""
    digits, labels = tfgen_data.arrays("digits", "test", values="unit", condition="labels")
    for i in (*np.flatnonzero(labels == 0)[:3], *np.flatnonzero(labels == 1)[:3]):
        Image.fromarray((255 * digits[i, ..., 0]).astype("uint8")).save(tmp_path / f"{labels[i]}-{i}.png")
    assert command(["score", str(run.folder), str(tmp_path), "--out", str(tmp_path / "found" / "scores.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "found" / "scores.csv").read_text().splitlines()))
    assert [row["picture"][0] for row in rows[:3]] == ["1"] * 3 and (tmp_path / "found" / "scores.png").is_file()
    assert sorted(map(float, (row["score"] for row in rows)), reverse=True) == [float(row["score"]) for row in rows]
    (tmp_path / "none").mkdir()
    assert command(["score", str(run.folder), str(tmp_path / "none")]) == 2
    assert "holds no pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["train", "--data", "digits", "--normal", "11"], "classes 0 to 9"),
        (["train", "--data", "ring"], "holds no pictures"),
        (["train", "--data", "digits", "--normal", "0", "--set", "likelihood=bernoulli"], "a gaussian likelihood"),
        (["train", "--data", "digits", "--normal", "0", "--set", "posterior=iaf:1"], "a diagonal posterior"),
        (["train", "--data", "digits", "--normal", "0", "--set", "prior=mixture:3"], "the normal prior"),
        (["one-class", "--data", "digits", "--classes", "11"], "--classes 11: digits has 10 classes"),
    ],
)
def test_what_does_not_fit_gets_one_line(line, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command([*line, "--epochs", "1"]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["score", "RUN", ".", "--by", "foo"], "--by foo: expected one of bound, reconstruction"),
        (["score", "RUN", ".", "--out", "scores.png"], "--out scores.png: a file that ends in .csv"),
        (["evaluate", "RUN", "--by", "foo"], "--by foo: expected one of"),
        (["evaluate", "plain"], "plain is no run of novelty"),
        (["score", "plain", "."], "plain is no run of novelty"),
        (["export", "plain"], "plain is no run of novelty"),
        (["score", "torn", "."], "torn was not learnt to its end: train it with the same command as before"),
        (["export", "torn"], "torn was not learnt to its end"),
    ],
)
def test_runs_that_cannot_score_get_one_line(run, line, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = {name: value for name, value in run.card()["settings"].items() if name != "normal"}
    for name, asked in (("plain", settings), ("torn", run.card()["settings"])):
        other = Run(tmp_path / name)
        other.folder.mkdir()
        other.write_card(settings=asked)
        other.model_path.write_bytes(run.model_path.read_bytes())
    before = run.card()
    assert command([str(run.folder) if word == "RUN" else word for word in line]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error and run.card() == before


def test_the_scorer_leaves(run):
    """As a phone's file that gives Keras's numbers; its card says where novelty begins."""
    assert command(["export", str(run.folder)]) == 0
    card = json.loads((run.folder / "novelty" / "card.json").read_text())
    assert card["threshold"]["bound"] == run.card()["novelty"]["bound"]
    assert (run.folder / "novelty" / "novelty.tflite").is_file()
