"""Pictures of what a model makes: examples of any shape → uint8 [height, width, 3], and PNG files."""

import math
from pathlib import Path

import numpy as np

from tfgen.files import whole

__all__ = ["curves", "draw", "pairs", "save"]

_RANGE = {"binary": (0.0, 1.0), "unit": (0.0, 1.0), "signed": (-1.0, 1.0), "bytes": (0.0, 255.0)}
PAPER, BETWEEN, GAP, WIDTH = 255, 150, 2, 480


def draw(x: np.ndarray, values: str = "unit", columns: int | None = None) -> np.ndarray:
    """Images [n, h, w, 1 or 3] as a grid, points [n, 2] as a scatter, other vectors as rows of grey cells."""
    x = np.asarray(x)
    if x.ndim == 2 and x.shape[1] == 2 and values == "real":
        return _scatter(x)
    return _grid(_tiles(x, values), columns or math.isqrt(len(x) - 1) + 1)


def pairs(x: np.ndarray, reconstruction: np.ndarray, values: str = "unit", columns: int = 16) -> np.ndarray:
    """Examples, and below each what a model makes of it."""
    x, reconstruction = np.asarray(x), np.asarray(reconstruction)
    if x.ndim == 2 and x.shape[1] == 2 and values == "real":
        return np.concatenate([_scatter(x), _scatter(reconstruction)], 1)
    rows = [_grid(_tiles(part[i : i + columns], values), columns) for i in range(0, len(x), columns) for part in (x, reconstruction)]
    return np.concatenate(rows)


def save(picture: np.ndarray, path: str | Path) -> Path:
    """Small pictures are enlarged by a whole factor, so that their pixels can be seen."""
    from PIL import Image

    factor = max(1, WIDTH // picture.shape[1])
    image = Image.fromarray(picture)
    with whole(path) as partial:
        image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST).save(partial)
    return Path(path)


def curves(history: list[dict[str, float]], path: str | Path, title: str) -> Path:
    """One panel for each term over the epochs, its value on held-out data (`val_…`) beside it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    terms = [name for name in history[-1] if not name.startswith("val_") and name not in ("epoch", "seconds", "learning_rate")]
    columns = min(3, len(terms))
    rows = -(-len(terms) // columns)
    figure = Figure(figsize=(4.5 * columns, 3 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    epochs = [epoch["epoch"] for epoch in history]
    for i, term in enumerate(terms):
        axes = figure.add_subplot(rows, columns, i + 1, title=term, xlabel="epoch")
        for name, label in ((term, "training"), (f"val_{term}", "held out")):
            if name in history[-1]:
                axes.plot(epochs, [epoch.get(name, math.nan) for epoch in history], label=label, marker="." if len(history) < 3 else None)
        axes.legend()
    with whole(path) as partial:
        figure.savefig(partial, dpi=100)
    return Path(path)


def _tiles(x: np.ndarray, values: str) -> np.ndarray:
    """uint8 [n, h, w, 3]."""
    x = x.astype("float32")
    if not (x.ndim == 4 and x.shape[-1] in (1, 3)):
        x = x.reshape(len(x), 1, -1, 1)
    low, high = _RANGE.get(values) or ((0.0, 1.0) if x.min() >= 0 and x.max() <= 1.5 else (float(x.min()), float(x.max())))
    grey = np.clip((x - low) / max(high - low, 1e-12) * 255, 0, 255).round().astype(np.uint8)
    return np.broadcast_to(grey, (*grey.shape[:-1], 3))


def _grid(tiles: np.ndarray, columns: int) -> np.ndarray:
    n, h, w, _ = tiles.shape
    rows = -(-n // columns)
    grid = np.full((rows * (h + GAP) + GAP, columns * (w + GAP) + GAP, 3), BETWEEN, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = GAP + i // columns * (h + GAP), GAP + i % columns * (w + GAP)
        grid[top : top + h, left : left + w] = tile
    return grid


def _scatter(x: np.ndarray) -> np.ndarray:
    """On a square around the points, its half-width the next quarter of a unit, so that pictures of one run compare."""
    x = x[np.isfinite(x).all(1)]
    reach = max(0.25, math.ceil(float(np.quantile(np.abs(x), 0.999)) * 4.4) / 4) if len(x) else 1.0
    places = ((x / reach + 1) / 2 * (WIDTH - 1)).round()
    inside = ((places >= 1) & (places <= WIDTH - 2)).all(1)
    picture = np.full((WIDTH, WIDTH, 3), PAPER, np.uint8)
    for column, row in places[inside].astype(int):
        picture[WIDTH - 1 - row - 1 : WIDTH - 1 - row + 2, column - 1 : column + 2] = (30, 90, 160)
    return picture
