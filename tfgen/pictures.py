"""Pictures of what a model makes: examples of any shape → uint8 [height, width, 3], and PNG files."""

import math
from pathlib import Path

import numpy as np

from tfgen.files import whole
from tfgen.values import VALUES

__all__ = [
    "GAP",
    "SQUARE",
    "completions",
    "curves",
    "draw",
    "enlarged",
    "known_part",
    "pairs",
    "picture_in",
    "places",
    "save",
    "span",
]

UNKNOWN = (90, 120, 190)
PAPER, BETWEEN, GAP, WIDTH, SQUARE = 255, 150, 2, 960, 720  # the last two: of a saved picture, of points


def draw(
    x: np.ndarray,
    values: str = "unit",
    columns: int | None = None,
    span: tuple[float, float] | None = None,
    given: np.ndarray | None = None,
    behind: np.ndarray | None = None,
) -> np.ndarray:
    """Images [n, h, w, 1 or 3] as a grid, points [n, 2] as a scatter, other vectors as rows of grey cells.

    Arguments:
        span: of real values, what is black and what is white, or the square's edges; by default found from x.
        given: pictures [n, …, 1 or 3] in 0..1 that the images were made of, to stand above each.
        behind: points of the data, in grey below the others.
    """
    x = np.asarray(x)
    if x.ndim == 2 and x.shape[1] == 2 and values == "real":
        return _scatter(x, span, behind)
    tiles = _tiles(x, values, span)
    if given is not None and x.ndim == 4:
        rows, places = ((np.arange(side) * of) // side for side, of in zip(x.shape[1:3], given.shape[1:3], strict=True))
        tiles = np.concatenate([_tiles(np.asarray(given)[:, rows][:, :, places], "unit"), tiles], 1)
    return _grid(tiles, columns or math.isqrt(len(x) - 1) + 1)


def picture_in(condition) -> np.ndarray | None:
    """The first picture [n, h, w, 1 or 3] among what a model is told."""
    parts = condition.values() if isinstance(condition, dict) else (condition,)
    return next((np.asarray(p) for p in parts if np.ndim(p) == 4 and np.shape(p)[-1] in (1, 3)), None)


def pairs(
    x: np.ndarray,
    reconstruction: np.ndarray,
    values: str = "unit",
    columns: int = 16,
    span: tuple[float, float] | None = None,
) -> np.ndarray:
    """Examples, and below each what a model makes of it."""
    x, reconstruction = np.asarray(x), np.asarray(reconstruction)
    if x.ndim == 2 and x.shape[1] == 2 and values == "real":
        return np.concatenate([_scatter(x, span), _scatter(reconstruction, span)], 1)
    rows = [
        _grid(_tiles(part[i : i + columns], values, span), columns)
        for i in range(0, len(x), columns)
        for part in (x, reconstruction)
    ]
    return np.concatenate(rows)


def completions(x: np.ndarray, known: np.ndarray, drawn: np.ndarray, values: str = "unit") -> np.ndarray:
    """A column for each example: itself, what is known of it (the rest blue), and what was drawn [draws, n, *shape]."""
    known, rows = np.broadcast_to(known, np.shape(x)), [_tiles(np.asarray(part), values) for part in (x, x, *drawn)]
    rows[1] = np.where(_tiles(known, "unit") > 0, rows[1], np.uint8(UNKNOWN))
    return np.concatenate([_grid(tiles, len(x)) for tiles in rows])


def known_part(keep: str, shape: tuple[int, ...]) -> np.ndarray:
    """Bools of a shape, by a word: "top", "bottom", "left" or "right" half of a picture, "prefix:100" the first numbers
    as they are written; or a .png file of the size of the pictures, white where they are known."""
    word, _, count = keep.partition(":")
    if word == "prefix" and count.isdigit() and int(count) <= math.prod(shape):
        return (np.arange(math.prod(shape)) < int(count)).reshape(shape)
    if len(shape) == 3 and keep.endswith(".png") and Path(keep).is_file():
        from PIL import Image

        with Image.open(keep) as image:
            white = np.asarray(image.convert("L")) > 127
        if white.shape == tuple(shape[:2]):
            return np.broadcast_to(white[..., None], shape)
        raise ValueError(f"{keep} is {white.shape[1]}x{white.shape[0]}, and the pictures are {shape[1]}x{shape[0]}")
    if len(shape) == 3 and keep in ("top", "bottom", "left", "right"):
        row, column = np.indices(shape)[:2]
        first = row < shape[0] // 2 if keep in ("top", "bottom") else column < shape[1] // 2
        return first if keep in ("top", "left") else ~first
    words = "top, bottom, left, right, a .png file of the pictures' size, or " if len(shape) == 3 else ""
    raise ValueError(f"{keep!r}: expected {words}prefix:COUNT, such as prefix:{math.prod(shape) // 2}")


def save(picture: np.ndarray, path: str | Path) -> Path:
    """Small pictures are enlarged by a whole factor, so that their pixels can be seen."""
    from PIL import Image

    with whole(path) as partial:
        Image.fromarray(enlarged(picture, WIDTH)).save(partial)
    return Path(path)


def enlarged(picture: np.ndarray, width: int) -> np.ndarray:
    """By the whole factor that comes nearest to a width from below."""
    factor = max(1, width // picture.shape[1])
    return picture.repeat(factor, 0).repeat(factor, 1)


def curves(history: list[dict[str, float]], path: str | Path, title: str) -> Path:
    """One panel for each term over the epochs, its value on held-out data (`val_…`) beside it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = dict.fromkeys(name for epoch in history for name in epoch)  # some are measured each few epochs alone
    left_out = ("epoch", "seconds", "cpu_seconds", "learning_rate")
    terms = [name for name in known if not name.startswith("val_") and name not in left_out]
    columns = min(3, len(terms))
    rows = -(-len(terms) // columns)
    figure = Figure(figsize=(4.5 * columns, 3 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    epochs = [epoch["epoch"] for epoch in history]
    for i, term in enumerate(terms):
        axes = figure.add_subplot(rows, columns, i + 1, title=term, xlabel="epoch")
        for name, label in ((term, "training"), (f"val_{term}", "held out")):
            if name in known:
                here = [(epoch, values[name]) for epoch, values in zip(epochs, history, strict=True) if name in values]
                axes.plot(*zip(*here, strict=True), label=label, marker="." if len(here) < 3 else None)
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
    column, height = np.moveaxis((np.asarray(x) - span[0]) / (span[1] - span[0]) * (SQUARE - 1), -1, 0)
    return np.stack([column, SQUARE - 1 - height], -1).round()


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


def _scatter(x: np.ndarray, span: tuple[float, float] | None = None, behind: np.ndarray | None = None) -> np.ndarray:
    """On a square with the lines of its whole numbers, a dot of 5x5 for each point."""
    x = x[np.isfinite(x).all(1)]
    span = span or (-reach(x), reach(x))
    picture = _axes(span)
    for points, colour in ((behind, (200, 200, 200)), (x, (30, 90, 160))):
        where = places(np.zeros((0, 2)) if points is None else points, span)
        inside = ((where >= 2) & (where <= SQUARE - 3)).all(1)
        for column, row in where[inside].astype(int):
            picture[row - 2 : row + 3, column - 2 : column + 3] = colour
    return picture


def _axes(span: tuple[float, float]) -> np.ndarray:
    """Paper with lines at whole numbers (or at one, two or five of a power of ten), named at the left and below."""
    from PIL import Image, ImageDraw, ImageFont

    power = 10 ** math.floor(math.log10((span[1] - span[0]) / 4))
    step = max(1.0, next(power * times for times in (1, 2, 5, 10) if (span[1] - span[0]) / (power * times) <= 8))
    paper, font = Image.new("RGB", (SQUARE, SQUARE), (PAPER,) * 3), ImageFont.load_default(14)
    pen = ImageDraw.Draw(paper)
    for i in range(math.ceil(span[0] / step), math.floor(span[1] / step) + 1):
        column, row = places(np.array([i * step, i * step]), span)
        pen.line((column, 0, column, SQUARE), (232,) * 3)
        pen.line((0, row, SQUARE, row), (232,) * 3)
        if 20 < column < SQUARE - 20:
            pen.text((column, SQUARE - 4), f"{i * step:g}", (120,) * 3, font, "mb")
            pen.text((4, row), f"{i * step:g}", (120,) * 3, font, "lm")
    return np.array(paper)
