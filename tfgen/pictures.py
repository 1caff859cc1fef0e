"""Pictures of what a model makes: examples of any shape → uint8 [height, width, 3], and PNG files."""

import math
from pathlib import Path

import numpy as np

from tfgen.files import whole
from tfgen.values import VALUES

__all__ = ["GAP", "curves", "draw", "pairs", "picture_in", "places", "save", "span"]

PAPER, BETWEEN, GAP, WIDTH = 255, 150, 2, 480


def draw(
    x: np.ndarray,
    values: str = "unit",
    columns: int | None = None,
    span: tuple[float, float] | None = None,
    given: np.ndarray | None = None,
) -> np.ndarray:
    """Images [n, h, w, 1 or 3] as a grid, points [n, 2] as a scatter, other vectors as rows of grey cells.

    Arguments:
        span: of real values, what is black and what is white, or the square's edges; by default found from x.
        given: pictures [n, …, 1 or 3] in 0..1 that the images were made of, to stand above each.
    """
    x = np.asarray(x)
    if x.ndim == 2 and x.shape[1] == 2 and values == "real":
        return _scatter(x, span)
    tiles = _tiles(x, values, span)
    if given is not None and x.ndim == 4:
        rows, places = ((np.arange(side) * of) // side for side, of in zip(x.shape[1:3], given.shape[1:3], strict=True))
        tiles = np.concatenate([_tiles(np.asarray(given)[:, rows][:, :, places], "unit"), tiles], 1)
    return _grid(tiles, columns or math.isqrt(len(x) - 1) + 1)


def picture_in(condition) -> np.ndarray | None:
    """The first picture [n, h, w, 1 or 3] among what a model is told."""
    parts = condition.values() if isinstance(condition, dict) else (condition,)
    return next((np.asarray(p) for p in parts if np.ndim(p) == 4 and np.shape(p)[-1] in (1, 3)), None)


def pairs(x: np.ndarray, reconstruction: np.ndarray, values: str = "unit", columns: int = 16) -> np.ndarray:
    """Examples, and below each what a model makes of it."""
    x, reconstruction = np.asarray(x), np.asarray(reconstruction)
    if x.ndim == 2 and x.shape[1] == 2 and values == "real":
        return np.concatenate([_scatter(x), _scatter(reconstruction)], 1)
    rows = [
        _grid(_tiles(part[i : i + columns], values), columns)
        for i in range(0, len(x), columns)
        for part in (x, reconstruction)
    ]
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

    terms = [
        name
        for name in history[-1]
        if not name.startswith("val_") and name not in ("epoch", "seconds", "learning_rate")
    ]
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
                axes.plot(
                    epochs,
                    [epoch.get(name, math.nan) for epoch in history],
                    label=label,
                    marker="." if len(history) < 3 else None,
                )
        axes.legend()
    with whole(path) as partial:
        figure.savefig(partial, dpi=100)
    return Path(path)


def reach(x: np.ndarray) -> float:
    """Half the width of a square around the points: the next quarter of a unit, so that pictures of one run compare."""
    return max(0.25, math.ceil(float(np.quantile(np.abs(x), 0.999)) * 4.4) / 4) if len(x) else 1.0


def span(x: np.ndarray, values: str) -> tuple[float, float] | None:
    """Of real values, what is black and what is white (the edges of the square of points), so that pictures compare."""
    if values != "real":
        return None
    return (0.0, 1.0) if len(x) and x.min() >= 0 and x.max() <= 1 else (-(wide := reach(x)), wide)


def places(x: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Points [..., 2] to (column, row) in a picture of a square whose edges are `span`."""
    column, height = np.moveaxis((np.asarray(x) - span[0]) / (span[1] - span[0]) * (WIDTH - 1), -1, 0)
    return np.stack([column, WIDTH - 1 - height], -1).round()


def _tiles(x: np.ndarray, values: str, span: tuple[float, float] | None = None) -> np.ndarray:
    """uint8 [n, h, w, 3]."""
    x = np.nan_to_num(x.astype("float32"))
    if not (x.ndim == 4 and x.shape[-1] in (1, 3)):
        x = x.reshape(len(x), 1, -1, 1)
    low, high = (
        (VALUES[values] if values != "real" else None)
        or span
        or ((0.0, 1.0) if x.min() >= 0 and x.max() <= 1.5 else (float(x.min()), float(x.max())))
    )
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


def _scatter(x: np.ndarray, span: tuple[float, float] | None = None) -> np.ndarray:
    """On a square, a dot of 3x3 for each point."""
    x = x[np.isfinite(x).all(1)]
    span = span or (-reach(x), reach(x))
    where = places(x, span)
    inside = ((where >= 1) & (where <= WIDTH - 2)).all(1)
    picture = np.full((WIDTH, WIDTH, 3), PAPER, np.uint8)
    for column, row in where[inside].astype(int):
        picture[row - 1 : row + 2, column - 1 : column + 2] = (30, 90, 160)
    return picture
