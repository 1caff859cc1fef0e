"""Runs beside each other: a table of what was set and found, and their samples side by side, as TensorBoard cannot."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tfgen import analysis, catalog, pictures
from tfgen import condition as conditions
from tfgen.runs.folder import Run

__all__ = ["compare"]

SHOWN, POINTS, LARGE, COLUMNS = 36, 512, 9, 3  # samples; runs in a row


def compare(
    runs: Sequence[Run], *, out: str | Path | None = None, seed: int = 0, say: Callable[[str], None] = print
) -> Path:
    """Prints a table with a column for each run, and writes the picture; rows in which all runs agree stand apart.

    Arguments:
        out: a .png file; by default compare.png beside the runs.
        seed: of the samples.
    """
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} run: give two or more to compare")
    out = Path(out) if out else runs[0].folder.parent / "compare.png"
    if out.suffix != ".png":
        raise ValueError(f"--out {out}: a file that ends in .png")
    cards = [run.card() for run in runs]
    names = _names(runs)
    settings, figures = [_settings(card) for card in cards], [_figures(card) for card in cards]
    alike = {key: value for key, value in settings[0].items() if all(s.get(key) == value for s in settings)}
    if alike:
        say("all: " + ", ".join(f"{key} {value}" for key, value in alike.items()))
    rows = [("", *names)]
    for parts in (settings, figures):
        keys = dict.fromkeys(key for part in parts for key in part if key not in alike)
        rows += [(key, *(part.get(key, "") for part in parts)) for key in keys]
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        say("  ".join(f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    frames = [_samples(run, seed) for run in runs]
    high, wide = (max(frame.shape[axis] for frame in frames) for axis in (0, 1))
    padded = [np.pad(f, ((0, high - f.shape[0]), (0, wide - f.shape[1]), (0, 0)), constant_values=255) for f in frames]
    out.parent.mkdir(parents=True, exist_ok=True)
    return pictures.save(analysis.side_by_side(padded, names, COLUMNS), out)


def _names(runs: Sequence[Run]) -> list[str]:
    """The folders, with as much of the path as tells them apart."""
    for depth in range(1, max(len(run.folder.parts) for run in runs) + 1):
        names = ["/".join(run.folder.resolve().parts[-depth:]) for run in runs]
        if len(set(names)) == len(names):
            return names
    raise ValueError(f"{runs[0].folder} was given twice: give different runs")


def _settings(card: dict) -> dict[str, str]:
    settings = dict(card.get("settings", {}))
    given = settings.pop("arguments", None) or {}
    kept = {key: value for key, value in settings.items() if value not in (None, [], "none", False)}
    kept |= {f"set {name}": value for name, value in given.items()}
    return {
        **{key: _written(value) for key, value in kept.items()},
        "numbers": f"{card.get('numbers', 0):,}",
        "done": f"{card.get('epochs', 0)} epochs",
        "minutes": f"{card['cpu_minutes']} CPU" if card.get("cpu_minutes") else f"{card.get('minutes', '')}",
    }


def _figures(card: dict) -> dict[str, str]:
    """Of an evaluation, each with its standard error; else the last epoch's."""
    found = card.get("figures", {})
    judged = {split: part["metrics"] for split, part in found.items() if split != "training"}
    if not judged:
        last = found.get("training", {})
        return {f"training {name}": f"{value:.5g}" for name, value in last.items() if isinstance(value, float)}
    return {
        f"{split} {name}": f"{figure['value']:.5g}" + (f" ± {figure['error']:.2g}" if figure.get("error") else "")
        for split, metrics in judged.items()
        for name, figure in metrics.items()
    }


def _written(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _samples(run: Run, seed: int) -> np.ndarray:
    model = catalog.load(run.model_path)
    count = POINTS if model.shape == (2,) else SHOWN if max(d or 1 for d in model.shape) <= 64 else LARGE
    told = run.conditions(model, count)
    shown = model.show(count, told, seed=seed).numpy()
    columns = conditions.turns(model.condition)
    return pictures.enlarged(pictures.draw(shown, model.values, columns, run.span()), pictures.SQUARE)
