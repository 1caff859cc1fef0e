"""Scores of new examples, how well they tell novelties, and a sheet of the most and the least likely."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from apps.novelty import data, scoring, training
from tfgen import analysis, catalog, pictures
from tfgen.checks import one_of
from tfgen.files import whole
from tfgen.runs import Run

__all__ = ["evaluate", "one_class", "score_files", "sheet"]

ROW = 12


def evaluate(
    run: Run, *, by: str = "bound", data_dir=None, limit: int | None = None, say: Callable = print
) -> scoring.Measured:
    """AUROC of the test split: the run's normal class against all others. A sheet of pictures beside it."""
    one_of(f"--by {by}", by, scoring.SCORES)
    asked = training.card_of(run)["settings"]
    if (label := asked["normal"]) is None:
        raise ValueError(
            f"{run.folder} learnt all of {asked['data']}: nothing of it is a novelty; score other pictures"
        )
    size = tuple(asked["size"]) if asked.get("size") else None
    found = data.judged(asked["data"], label, data_dir=data_dir, limit=limit, size=size)
    model = catalog.load(run.model_path)
    scores = scoring.score(model, found.x, by)
    measured = scoring.auroc(scores, found.novel)
    pictures.save(sheet(found.x, scores), run.folder / "novelty.png")
    how = f"by {by}, {int((~found.novel).sum())} normal and {int(found.novel.sum())} other test examples"
    figures = run.card().get("figures", {})
    ours = figures.get("novelty", {}) | {by: {"auroc": measured.auroc, "how": how}}
    run.write_card(figures=figures | {"novelty": ours})
    say(
        f"class {label}: AUROC {100 * measured.auroc:.2f} ± {100 * measured.error:.2f}, {how}; {run.folder}/novelty.png"
    )
    return measured


def one_class(
    name: str,
    labels: Sequence[int],
    *,
    arguments: dict | None = None,
    limit: int | None = None,
    epochs: int = 50,
    seed: int = 0,
    data_dir=None,
    say: Callable = print,
) -> dict[str, list[float]]:
    """Each class in turn as the normal one, learnt anew by its training examples: AUROC over all of the test split, by
    each score. No run is kept."""
    train, test = (data.labelled(name, split, data_dir=data_dir) for split in ("train", "test"))
    if len(labels) > train.spec:
        raise ValueError(f"--classes {len(labels)}: {train.name} has {train.spec} classes")
    x, table = test.x.astype(np.float32) / 255, {by: [] for by in scoring.SCORES}
    for label in labels:
        learnt = data.of_class(train, label, limit)
        model = training.build(learnt.shape, {**training.DEFAULTS, **(arguments or {})}, seed)
        batch = training.batch_for(learnt.count)
        model.fit(learnt.x.astype(np.float32) / 255, batch_size=batch, epochs=epochs, verbose=0)
        for by, found in table.items():
            found.append(scoring.auroc(scoring.score(model, x, by), test.condition != label).auroc)
        say(f"class {label}: " + ", ".join(f"{100 * found[-1]:.2f} by {by}" for by, found in table.items()))
    say("| normal class | " + " | ".join(map(str, labels)) + " | mean |")
    say("|" + "---|" * (len(labels) + 2))
    for by, found in table.items():
        say(f"| {by} | " + " | ".join(f"{100 * v:.1f}" for v in found) + f" | {100 * np.mean(found):.1f} |")
    return table


def score_files(
    run: Run, folder: str | Path, *, by: str = "bound", out: str | Path | None = None, say: Callable = print
) -> Path:
    """A .csv of every picture of a folder with its score and whether it is new, and a sheet of pictures beside it."""
    one_of(f"--by {by}", by, scoring.SCORES)
    out = Path(out or run.folder / f"scores-{Path(folder).resolve().name}.csv")
    if out.suffix != ".csv":
        raise ValueError(f"--out {out}: a file that ends in .csv; the sheet of pictures lies beside it")
    threshold, model = training.thresholds(run)[by], catalog.load(run.model_path)
    paths, x = data.files(folder, model.shape)
    scores = scoring.score(model, x, by)
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole(out) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "score", "new"])
        for place in np.argsort(-scores):
            writer.writerow(
                [str(paths[place].relative_to(folder)), f"{scores[place]:.3f}", int(scores[place] > threshold)]
            )
    shown = pictures.save(sheet(x, scores), out.with_suffix(".png"))
    above = f"{int((scores > threshold).sum())} of {len(x)} pictures score above {threshold:.1f}"
    say(f"{above}, as 1 in 20 normal ones do; {out}, {shown}")
    return out


def sheet(x: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Two rows of the most likely, two of the least likely."""
    order = np.argsort(scores, kind="stable")
    columns = min(ROW, max(1, len(x) // 4))
    least, most = order[: 2 * columns], order[::-1][: 2 * columns]
    shown = np.resize(np.concatenate([least, most]), (4, columns)) if len(x) >= 4 else np.resize(order, (4, columns))
    return analysis.sheet(x[shown], "unit", rows=["most likely", "", "least likely", ""])
