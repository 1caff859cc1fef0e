"""Folders of pictures: their sub-folders are classes; another folder holds the other half of each pair, or a .csv the
captions (`tfgen.data.tellers`).

A picture is turned as its camera says. Sixteen bits are scaled to eight, transparent pixels lie over white, an
animation gives its first frame; `notes` say where one of these happened.
"""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tfgen.data import tellers
from tfgen.data.embedded import train_or_test
from tfgen.data.examples import Stream, Teller
from tfgen.data.transforms import fit_image
from tfgen.progress import progress

__all__ = ["SUFFIXES", "decode", "folder"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif")
SCALED, OVER_WHITE, FRAMES = "16 bits scaled to 8", "transparency over white", "the first frame of animations"

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # an error of twice the size has its line


def folder(
    path: str | Path,
    split: str = "train",
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    condition: Sequence[str] = (),
) -> Stream:
    """The pictures of a folder; its sub-folders, where there are any, are the classes.

    One file in ten, chosen by a hash of its name within the folder, is for testing: adding files moves none of the
        others.
    size: (height, width), by default that of the first picture, which all must have then. channels: 1 or 3.
    condition: names of `tfgen.data.tellers`.
    """
    root = Path(path).expanduser()
    train_or_test(root, split)
    every = _names(root)
    classes = sorted({name.split("/")[0] for name in every if "/" in name})
    if classes and any("/" not in name for name in every):
        raise ValueError(
            f"{root} holds pictures beside sub-folders of pictures: put all of them in sub-folders (the classes), or "
            "none"
        )
    hashes = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) for name in every}
    of_split = {
        which: sorted((n for n in every if (hashes[n] % 10 == 0) == (which == "test")), key=lambda n: (hashes[n], n))
        for which in ("train", "test")
    }
    names = of_split[split]
    if not names:
        raise ValueError(f"{root} has too few pictures ({len(every)}) to have any in its {split} split: add some")
    target, depth = _shape(root / names[0], size, channels)
    reader = _reader(root, target, depth, fixed=size is not None, example=names[0])
    words = ()

    def find(asked):
        nonlocal words
        if asked.endswith(".csv"):
            files = [Path(name).name for name in names]
            teller, words = tellers.captions(asked, files, [Path(name).name for name in of_split["train"]])
            return "caption", teller
        if Path(asked).expanduser().is_dir():
            return "pair", _pair(Path(asked).expanduser(), names, target)
        return None

    labels = np.array([classes.index(name.split("/")[0]) if classes else 0 for name in names], np.int32)
    known = {"labels": Teller(len(classes), lambda i, record, x: record["label"])} if classes else {}
    chosen = tellers.choose(condition, str(root), (*target, depth), known, find)
    records = tf.data.Dataset.from_tensor_slices({"name": names, "label": labels}).enumerate()
    read = lambda i, record: reader(record["name"])
    notes = _notes([root / name for name in every])
    return Stream(
        records, read, (*target, depth), len(names), str(root), len(names), chosen, notes=notes, words=words or None
    )


def decode(path: str | Path, depth: int, least: tuple[int, int] | None = None) -> np.ndarray:
    """A file as uint8 [h, w, depth]; an error behind "[tfgen]", for it passes through a graph.

    least: (height, width) that will be averaged to: JPEGs are decoded at an eighth, a quarter or a half where that
        leaves twice as much in each direction.
    """
    try:
        with Image.open(path) as picture:
            if least and picture.format == "JPEG":
                times = 2 * max(least) / min(picture.size)
                picture.draft(None, tuple(max(1, int(side * times)) for side in picture.size))
            picture = ImageOps.exif_transpose(picture)
            if picture.mode.startswith("I"):
                wide = np.asarray(picture).astype(np.int64)
                picture = Image.fromarray((np.clip(wide, 0, 65535) / 257).round().astype(np.uint8))
            elif picture.mode == "F":
                raise ValueError("its pixels are real numbers, not bytes")
            elif picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            pixels = np.asarray(picture.convert("L" if depth == 1 else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise ValueError(f"[tfgen] {path} cannot be read as a picture ({reason}): repair or remove it") from None
    return pixels[..., None] if depth == 1 else pixels


def _names(root: Path) -> list[str]:
    """Of the pictures below a folder, through links, too, but none that is hidden."""
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder: say where the pictures are")
    found, seen = [], set()
    for at, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        if (real := os.path.realpath(at)) in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        for file in files:
            if Path(file).suffix.lower() in SUFFIXES and not file.startswith("."):
                found.append(Path(at, file).relative_to(root).as_posix())
    if not found:
        raise ValueError(f"{root} holds no pictures: put files that end in {', '.join(SUFFIXES)} there")
    for name in found:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{str(root / name)!a}: its name is not UTF-8: rename it") from None
    return found


def _shape(path: Path, size, channels) -> tuple[tuple[int, int], int]:
    """(height, width) and channels: as asked for, or those of this picture."""
    if size is not None and channels is not None:
        return tuple(size), channels
    try:
        if channels is None:
            decode(path, 3, size)  # one clear line where it cannot be read
            with Image.open(path) as picture:
                channels = 1 if picture.mode in ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L") else 3
        return tuple(size or decode(path, channels).shape[:2]), channels
    except ValueError as error:
        raise ValueError(str(error).removeprefix("[tfgen] ")) from None


def _reader(root: Path, target: tuple[int, int], depth: int, *, fixed: bool, example: str):
    """A function of a name, in graphs. `fixed`: pictures of other sizes are cut and averaged, else refused."""

    def pixels_of(name: bytes) -> np.ndarray:
        pixels = decode(root / name.decode(), depth, target if fixed else None)
        if not fixed and pixels.shape[:2] != target:
            raise ValueError(
                f"[tfgen] {root / name.decode()} is {pixels.shape[:2]} and {example} is {target}: say size=(height, "
                "width)"
            )
        return pixels

    def read(name):
        pixels = tf.numpy_function(pixels_of, [name], tf.uint8)
        pixels.set_shape((None, None, depth))
        return fit_image(pixels, target, depth)

    return read


def _pair(other: Path, names: Sequence[str], target: tuple[int, int]) -> Teller:
    """The pictures of the same names, whatever their suffixes, cut as the examples are."""
    there = {name.rpartition(".")[0]: name for name in _names(other)}
    stems = [name.rpartition(".")[0] for name in names]
    if missing := [stem for stem in stems if stem not in there]:
        raise ValueError(
            f"{other} has no other half of {missing[0]} ({len(missing)} of {len(names)} missing): pairs have one name"
        )
    _, depth = _shape(other / there[stems[0]], None, None)
    read = _reader(other, target, depth, fixed=True, example="")
    table = tf.constant([there[stem] for stem in stems])
    return Teller((*target, depth), lambda i, record, x: read(table[i]))


def _notes(paths: Sequence[Path]) -> tuple[str, ...]:
    """How many pictures were not taken as they are, from their heads."""
    counts = Counter()
    some = [path for path in paths if path.suffix.lower() not in (".jpg", ".jpeg", ".bmp")]
    for path in progress(some, len(some), "heads of pictures"):
        try:
            with Image.open(path) as picture:
                counts[SCALED] += picture.mode.startswith("I")
                counts[OVER_WHITE] += "A" in picture.mode or "transparency" in picture.info
                counts[FRAMES] += getattr(picture, "is_animated", False)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue  # read later, if at all
    return tuple(f"{what} ({count} of {len(paths)})" for what, count in counts.items() if count)
