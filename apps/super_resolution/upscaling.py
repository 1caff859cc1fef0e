"""A picture, or a folder of pictures, made larger."""

import dataclasses
import os
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
LARGEST, SHOWN = 16, 512  # times; pixels a side of before and after


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
        consistent: the result, made smaller again, is the picture, where it can be.
        quality: of JPEG, WebP and AVIF.
        compare: where a picture of before (bicubic) and after goes, or None.
        tile: pixels of the input a side.
    """

    def __init__(self, net, scale=None, ensemble=False, consistent=False, quality=95, compare=None, tile=tiles.TILE):
        self.net, self.scale, self.ensemble, self.consistent = net, scale or net.scale, ensemble, consistent
        self.quality, self.compare, self.tile = quality, compare, tile


def upscale(source: Path, target: Path, options: Options, *, force: bool = False, say: bool = True) -> dict:
    """One file. Returns its sizes, the seconds and, of a consistent one, `apart`: the largest gap between it, made
    smaller, and the picture, in levels."""
    begin = time.monotonic()
    _check_names(source, target, options.compare, force)
    given = files.read(source)
    size = tuple(max(1, round(side * options.scale)) for side in given.size)
    if files.check_written(target, given, size) not in files.CLEAR:
        given = dataclasses.replace(given, alpha=None)
    if options.compare is not None:
        files.check_written(options.compare, dataclasses.replace(given, alpha=None), (SHOWN, 2 * SHOWN))
    for path in filter(None, (target, options.compare)):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise ValueError(f"{path.parent} cannot be written into: give another folder")
    done = {
        "in": str(source),
        "out": str(target),
        "size": [given.size[1], given.size[0]],
        "result": [size[1], size[0]],
    }
    rows = _result(given, size, options, source.name if say else None, done)
    if options.compare is not None:
        rows = _watched(rows, given, size, options.compare)
    files.write(target, given, size, rows, options.quality)
    return done | {"seconds": round(time.monotonic() - begin, 3)}


def _check_names(source: Path, target: Path, compare: Path | None, force: bool) -> None:
    """One line where what is there would be lost."""
    if compare is not None and compare.resolve() in (source.resolve(), target.resolve()):
        which = "the picture itself" if compare.resolve() == source.resolve() else "the result's own name"
        raise ValueError(f"--compare {compare} is {which}: give it another name")
    for path in filter(None, (target, compare)):
        if path.is_dir():
            raise ValueError(f"{path} is a folder: give the name of a file")
        if path.exists() and not force:
            raise ValueError(f"{path} is there already: --force writes over it")


def _result(
    given: files.Picture, size: tuple[int, int], options: Options, name: str | None, done: dict
) -> Iterator[np.ndarray]:
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
            within = 0.25 / given.white
            whole = [bicubic.consistent(large, small, within) for large, small in zip(whole, parts, strict=True)]
        colours = [files.from_colours(given, whole)]
        if options.consistent:
            done["apart"] = _apart(colours[0], given.colour)
    at = 0
    for colour in colours:
        part = slice(at, at := at + len(colour))
        if given.alpha is not None:
            colour = np.concatenate([colour, bicubic.window(given.alpha, *size, part, slice(None))], -1)
        yield colour


def _apart(made: np.ndarray, given: np.ndarray) -> float:
    channels = np.split(made, made.shape[-1], -1)
    smaller = np.concatenate([bicubic.resize(x.astype(np.float32), *given.shape[:2]) for x in channels], -1)
    return round(float(np.abs(smaller - given).max()), 1)


def _watched(
    rows: Iterator[np.ndarray], given: files.Picture, size: tuple[int, int], path: Path
) -> Iterator[np.ndarray]:
    """The rows as they come; a picture of bicubic and of them, side by side, is written at their end: of the middle,
    where it is large."""
    height, width = (min(side, SHOWN) for side in size)
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
    target: str | Path,
    options: Options,
    *,
    force: bool = False,
    suffix: str | None = None,
    say: Callable[[str], None] = print,
    complain: Callable[[str], None] = print,
) -> tuple[list[dict], int]:
    """A file, or a folder with all below it. What cannot be done is one line, and the rest goes on. A target that ends
    in a slash is a folder.

    Returns what was done, and how many were not.
    """
    jobs = _jobs(source, target, suffix)
    done, failed, taken = [], 0, {}
    for number, (given, wanted) in enumerate(jobs, 1):
        try:
            if taken.setdefault(wanted, given) != given:
                raise ValueError(f"{wanted} is what {taken[wanted].name} becomes: rename one of them")
            result = upscale(given, wanted, options, force=force)
        except Exception as error:  # TensorFlow's and the codecs' come as many types
            failed += 1
            line = next(iter(str(error).splitlines()), "")
            if isinstance(error, OSError) and error.filename and error.strerror:
                line = f"{error.filename}: {error.strerror}"
            elif not line or not isinstance(error, (ValueError, OSError, MemoryError)):
                line = f"{given} cannot be made larger ({type(error).__name__}: {line})"
            complain(line if len(jobs) == 1 else f"{given.relative_to(source)}: {line}")
            done.append({"in": str(given), "error": line})
            continue
        done.append(result)
        place = "" if len(jobs) == 1 else f"{number} of {len(jobs)}: "
        sizes = " to ".join("x".join(map(str, result[name])) for name in ("size", "result"))
        say(f"{place}{wanted}, {sizes}, {result['seconds']:.1f} s")
        if result.get("apart", 0) > 1:
            say(
                f"{wanted}: made smaller, it differs from the picture by up to {result['apart']:.0f} levels, for "
                "between black and white there is no room for more"
            )
    return done, failed


def _jobs(source: Path, target: str | Path, suffix: str | None) -> list[tuple[Path, Path]]:
    folder, target = str(target).endswith("/"), Path(target)
    if source.is_file():
        if folder or target.is_dir():
            return [(source, target / _named(source, suffix))]
        return [(source, target.with_suffix(suffix) if suffix else target)]
    if not source.is_dir():
        raise ValueError(f"{source} is not there: give a picture, or a folder of pictures")
    if target.is_file():
        raise ValueError(f"{target} is a file, and {source} a folder: give a folder to write into")
    inside = target.resolve()
    if source.resolve().is_relative_to(inside):
        raise ValueError(f"{target} is {source} or holds it: give another folder to write into")
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
