"""A picture, or a folder of pictures, made larger."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from apps.super_resolution import picture as files
from apps.super_resolution import tiles
from tfgen import bicubic
from tfgen.progress import progress

__all__ = ["Options", "shipped", "upscale", "upscale_all"]

SHIPPED = Path(__file__).parents[2] / "saved_models"
LARGEST = 16


def shipped(scale: float, quantised: bool = False) -> Path:
    """The file of the shipped model that is made for it: x2 up to twice as large, else x4."""
    if not 1 < scale <= LARGEST:
        raise ValueError(f"--scale {scale:g}: expected a number above 1, up to {LARGEST}")
    name = f"super_resolution_x{2 if scale <= 2 else 4}"
    return SHIPPED / name / f"{name}{'_int8' if quantised else ''}.tflite"


class Options:
    """How: what is asked for on the command line.

    Arguments:
        scale: how many times larger; None is the net's own.
        ensemble: the mean over eight flips and turns.
        consistent: the result, made smaller again, is the picture.
        quality: of JPEG, WebP and AVIF.
        compare: where a picture of before (bicubic) and after goes, or None.
        tile: pixels of the input a side.
    """

    def __init__(self, net, scale=None, ensemble=False, consistent=False, quality=95, compare=None, tile=tiles.TILE):
        self.net, self.scale, self.ensemble, self.consistent = net, scale or net.scale, ensemble, consistent
        self.quality, self.compare, self.tile = quality, compare, tile


def upscale(source: Path, target: Path, options: Options, say: bool = True) -> dict:
    """One file. Returns its sizes and the seconds."""
    begin = time.monotonic()
    given = files.read(source)
    size = tuple(max(1, round(side * options.scale)) for side in given.size)
    if files.check_written(target, given, size) not in files.CLEAR:
        given = dataclasses.replace(given, alpha=None)
    rows = _result(given, size, options, source.name if say else None)
    target.parent.mkdir(parents=True, exist_ok=True)
    if options.compare is not None:
        rows = _watched(rows, given, size, options.compare)
    files.write(target, given, size, rows, options.quality)
    return {
        "in": str(source),
        "out": str(target),
        "size": [given.size[1], given.size[0]],
        "result": [size[1], size[0]],
        "seconds": round(time.monotonic() - begin, 3),
    }


def _result(given: files.Picture, size: tuple[int, int], options: Options, name: str | None) -> Iterator[np.ndarray]:
    """Rows of the result, from top to bottom, alpha last. By tiles, so that only some rows are in memory; where the
    scale is not the net's, or the result is to be consistent, the picture is as a whole."""
    net, parts = options.net, files.colours(given)
    each = [tiles.bands(net, part, tile=options.tile, ensemble=options.ensemble) for part in parts]
    rows = zip(*each, strict=True)
    if name is not None:
        rows = progress(rows, tiles.count(net, *given.size, options.tile), name)
    own = tuple(side * net.scale for side in given.size)
    if own == size and not options.consistent:
        colours = (files.from_colours(given, list(bands)) for bands in rows)
    else:
        whole = [np.concatenate(bands) for bands in zip(*rows, strict=True)]
        if own != size:
            whole = [bicubic.resize(part, *size) for part in whole]
        if options.consistent:
            whole = [bicubic.consistent(large, small) for large, small in zip(whole, parts, strict=True)]
        colours = iter([files.from_colours(given, whole)])
    done = 0
    for colour in colours:
        part = slice(done, done := done + len(colour))
        if given.alpha is not None:
            colour = np.concatenate([colour, bicubic.window(given.alpha, *size, part, slice(None))], -1)
        yield colour


def _watched(
    rows: Iterator[np.ndarray], given: files.Picture, size: tuple[int, int], path: Path
) -> Iterator[np.ndarray]:
    """The rows as they come; a picture of bicubic and of them, side by side, is written at their end: of the middle,
    where it is large."""
    height, width = (min(side, 512) for side in size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    seen, done = [], 0
    for band in rows:
        part = band[max(0, top - done) : max(0, top + height - done), left : left + width]
        seen.append(part)
        done += len(band)
        yield band
    after = np.concatenate(seen)[..., : given.colour.shape[-1]]
    before = bicubic.window(given.colour, *size, slice(top, top + height), slice(left, left + width))
    gap = np.full((height, 4, after.shape[-1]), given.white, after.dtype)
    both = np.concatenate([before, gap, after], 1)
    files.write(path, files.Picture(both, profile=given.profile), both.shape[:2], [both])


def upscale_all(
    source: Path,
    target: Path,
    options: Options,
    *,
    force: bool = False,
    suffix: str | None = None,
    say: Callable[[str], None] = print,
    complain: Callable[[str], None] = print,
) -> tuple[list[dict], int]:
    """A file, or a folder with all below it. What cannot be done is one line, and the rest goes on.

    Returns what was done, and how many were not.
    """
    jobs = _jobs(source, target, suffix)
    done, failed = [], 0
    for number, (given, wanted) in enumerate(jobs, 1):
        try:
            if wanted.exists() and not force:
                raise ValueError(f"{wanted} is there already: --force writes over it")
            result = upscale(given, wanted, options)
        except (ValueError, OSError, MemoryError) as error:
            failed += 1
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            complain(line if len(jobs) == 1 else f"{given.relative_to(source)}: {line}")
            done.append({"in": str(given), "error": line})
            continue
        done.append(result)
        place = "" if len(jobs) == 1 else f"{number} of {len(jobs)}: "
        sizes = " to ".join("x".join(map(str, result[name])) for name in ("size", "result"))
        say(f"{place}{wanted}, {sizes}, {result['seconds']:.1f} s")
    return done, failed


def _jobs(source: Path, target: Path, suffix: str | None) -> list[tuple[Path, Path]]:
    if source.is_file():
        if target.is_dir():
            target = target / _named(source, suffix)
        return [(source, target.with_suffix(suffix) if suffix else target)]
    if not source.is_dir():
        raise ValueError(f"{source} is not there: give a picture, or a folder of pictures")
    if target.is_file():
        raise ValueError(f"{target} is a file, and {source} a folder: give a folder to write into")
    inside = target.resolve()
    found = [
        path
        for path in sorted(source.rglob("*"))
        if path.suffix.lower() in files.SUFFIXES and path.is_file() and not path.resolve().is_relative_to(inside)
    ]
    if not found:
        raise ValueError(f"{source} holds no pictures ({', '.join(files.SUFFIXES)})")
    return [(path, target / path.parent.relative_to(source) / _named(path, suffix)) for path in found]


def _named(path: Path, suffix: str | None) -> str:
    """Of what is made of a file: a GIF becomes a PNG."""
    return path.with_suffix(suffix or (".png" if path.suffix.lower() == ".gif" else path.suffix)).name
