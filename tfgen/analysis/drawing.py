"""Pictures with words: sheets of samples with names of rows and columns, paths on the plane, stages side by side,
films."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfgen import pictures
from tfgen.analysis.latent import step_sizes
from tfgen.files import whole

__all__ = ["film", "paths", "sheet", "side_by_side", "step_curves"]

FONT, MARGIN, APART, SHEET = ImageFont.load_default(14), 10, 14, 560
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#17becf", "#7f7f7f", "#bcbd22")


def sheet(
    x: np.ndarray,
    values: str = "unit",
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    below: Sequence[str] = (),
    first_apart: bool = False,
    span: tuple[float, float] | None = None,
) -> np.ndarray:
    """Samples [rows, columns, *shape] as a table: names left of each row, above and below each column; the first column
    apart where asked for."""
    cells = [x[:, :1], x[:, 1:]] if first_apart else [x]
    grids = [pictures.draw(part.reshape(-1, *x.shape[2:]), values, part.shape[1], span) for part in cells]
    factor = max(1, SHEET // sum(grid.shape[1] for grid in grids))
    images = [
        Image.fromarray(grid).resize((factor * grid.shape[1], factor * grid.shape[0]), Image.Resampling.NEAREST)
        for grid in grids
    ]
    left = MARGIN + (round(max(map(FONT.getlength, rows))) + MARGIN if rows else 0)
    edge = factor * pictures.GAP / 2
    cell, high = (images[0].width - 2 * edge) / cells[0].shape[1], (images[0].height - 2 * edge) / len(x)
    top, bottom = MARGIN + 20 * bool(columns), MARGIN + 20 * bool(below)
    width = left + sum(image.width for image in images) + APART * (len(images) - 1) + MARGIN
    paper = Image.new("RGB", (width, top + images[0].height + bottom), "white")
    pen, middles = ImageDraw.Draw(paper), []
    for image, part in zip(images, cells, strict=True):
        paper.paste(image, (left, top))
        middles += [left + edge + (i + 0.5) * cell for i in range(part.shape[1])]
        left += image.width + APART
    for i, name in enumerate(rows):
        pen.text((MARGIN, top + edge + (i + 0.5) * high), name, "black", FONT, "lm")
    for names, height in ((columns, top - 12), (below, paper.height - bottom + 11)):
        for name, middle in zip(names, middles, strict=False):
            pen.text((middle, height), name, "black", FONT, "mm")
    return np.asarray(paper)


def paths(
    x: np.ndarray, background: np.ndarray, span: tuple[float, float], *, rows: Sequence[str] = (), joined: bool = True
) -> np.ndarray:
    """Points [rows, columns, 2] over a faint scatter [n, 2]:
    each row a line from its ring to its dot, or dots alone."""
    faint = 255 - (255 - pictures.draw(background, "real", span=span).astype(int)) // 3
    beside = 2 * MARGIN + round(max(map(FONT.getlength, rows))) + MARGIN if rows else 0
    paper = Image.new("RGB", (faint.shape[1] + beside, faint.shape[0]), "white")
    paper.paste(Image.fromarray(faint.astype(np.uint8)))
    pen = ImageDraw.Draw(paper)
    for i, row in enumerate(pictures.places(np.nan_to_num(x), span)):
        colour, spots = COLOURS[i % len(COLOURS)], [tuple(map(int, spot)) for spot in np.clip(row, -(2**15), 2**15)]
        if joined:
            pen.line(spots, colour, 2)
            for spot in spots[1:-1]:
                pen.ellipse(_around(spot, 2), colour)
            pen.ellipse(_around(spots[0], 5), "white", colour, 2)
        for spot in spots[-1:] if joined else spots:
            pen.ellipse(_around(spot, 4), colour)
        if rows:
            pen.text((faint.shape[1] + MARGIN, MARGIN + 10 + 20 * i), rows[i], colour, FONT, "lm")
    return np.asarray(paper)


def side_by_side(frames: Sequence[np.ndarray], names: Sequence[str], columns: int = 3) -> np.ndarray:
    """Pictures of one size, each under its name."""
    height, width, _ = frames[0].shape
    columns = min(columns, len(frames))
    lines = -(-len(frames) // columns)
    paper = Image.new("RGB", (columns * (width + MARGIN) + MARGIN, lines * (height + 24 + MARGIN)), "white")
    pen = ImageDraw.Draw(paper)
    for i, (frame, name) in enumerate(zip(frames, names, strict=True)):
        left, top = MARGIN + i % columns * (width + MARGIN), i // columns * (height + 24 + MARGIN)
        pen.text((left + width / 2, top + 13), name, "black", FONT, "mm")
        paper.paste(Image.fromarray(frame), (left, top + 24))
        pen.rectangle((left - 1, top + 23, left + width, top + 24 + height), None, "#969696")
    return np.asarray(paper)


def film(frames: Sequence[np.ndarray], names: Sequence[str], path: str | Path, seconds: float = 6.0) -> Path:
    """An animated GIF that goes round: each picture under its name, the last one longer."""
    pages = [Image.fromarray(side_by_side([frame], [name])) for frame, name in zip(frames, names, strict=True)]
    each = int(np.clip(1000 * seconds / len(pages), 60, 500))
    with whole(path) as partial:
        pages[0].save(
            partial, save_all=True, append_images=pages[1:], duration=[each] * (len(pages) - 1) + [each + 1500], loop=0
        )
    return Path(path)


def step_curves(x: np.ndarray, path: str | Path) -> Path:
    """How far the samples move at each step of a walk [pairs, steps, …], in the distance of the data; a line for each
    pair, the mean in black."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sizes = step_sizes(x)
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(
        title="how far samples move along the walks", xlabel="step", ylabel="distance to the sample before"
    )
    steps = np.arange(1, sizes.shape[1] + 1)
    for row in sizes:
        axes.plot(steps, row, color="0.7", linewidth=1)
    axes.plot(steps, sizes.mean(0), color="black", label="mean of the pairs")
    axes.set_ylim(0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    with whole(path) as partial:
        figure.savefig(partial, dpi=100)
    return Path(path)


def _around(spot: tuple[int, int], radius: int) -> tuple[int, int, int, int]:
    return spot[0] - radius, spot[1] - radius, spot[0] + radius, spot[1] + radius
