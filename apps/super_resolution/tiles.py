"""A net over pictures of any size: in tiles that are bit for bit the whole picture's.

A pixel of the result depends on no more than `reach` pixels of the input in each direction. So each tile sees so many
beside it, which are cut off again, and beyond its border the picture is continued as in a mirror: zeros, with which
convolutions pad, would brighten or darken the border of a flat picture. All tiles have one size, the last ones overlap.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Net", "bands", "load", "open_lite", "open_net"]

TILE = 192  # pixels of the input a side, at most


@dataclass(frozen=True)
class Net:
    """`run` takes float32 [h, w, 3] in 0..1, h and w multiples of `fold`, to [scale h, scale w, 3]."""

    run: Callable[[np.ndarray], np.ndarray]
    scale: int
    reach: int
    fold: int = 1
    name: str = ""


def bands(net: Net, picture: np.ndarray, *, tile: int = TILE, ensemble: bool = False) -> Iterator[np.ndarray]:
    """float32 [h, w, 3] in 0..1 to the result's rows from top to bottom, [some, scale w, 3] at a time.

    `ensemble`: the mean over the eight ways to flip and turn each tile.
    """
    height, width = picture.shape[:2]
    tall, wide = (_side(size, tile, net.fold) for size in (height, width))
    margin = -(-net.reach // net.fold) * net.fold
    beyond = [(margin, margin + -size % net.fold) for size in (height, width)]
    picture = np.pad(picture, [*beyond, (0, 0)], mode="symmetric")
    run, s = (_ensemble(net.run) if ensemble else net.run), net.scale
    inside = (slice(margin * s, (margin + tall) * s), slice(margin * s, (margin + wide) * s))
    full = width + -width % net.fold
    done = 0
    for top in _starts(height + -height % net.fold, tall):
        band = np.empty((tall * s, full * s, picture.shape[-1]), np.float32)
        for left in _starts(full, wide):
            seen = picture[top : top + tall + 2 * margin, left : left + wide + 2 * margin]
            band[:, left * s : (left + wide) * s] = run(seen)[inside]
        yield band[(done - top) * s : (min(top + tall, height) - top) * s, : width * s]
        done = top + tall


def _side(size: int, tile: int, fold: int) -> int:
    """Of equal tiles, so that they overlap little: at most `tile`, a multiple of `fold`."""
    number = -(-size // tile)
    return -(-size // (number * fold)) * fold


def _starts(size: int, step: int) -> list[int]:
    return [*range(0, size - step, step), size - step]


def count(net: Net, height: int, width: int, tile: int = TILE) -> int:
    """Of the bands."""
    return len(_starts(height + -height % net.fold, _side(height, tile, net.fold)))


def _ensemble(run):
    def mean(tile):
        total = 0.0
        for how in range(8):
            seen = tile[:, ::-1] if how & 1 else tile
            seen = seen[::-1] if how & 2 else seen
            made = run(np.ascontiguousarray(seen.transpose(1, 0, 2) if how & 4 else seen))
            made = made.transpose(1, 0, 2) if how & 4 else made
            made = made[::-1] if how & 2 else made
            total = total + (made[:, ::-1] if how & 1 else made)
        return total / 8

    return mean


def open_net(path: str | Path, threads: int) -> Net:
    """A .tflite file, or a run or .keras file of the catalog."""
    path = Path(path)
    if path.is_dir() or path.suffix == ".keras":
        return _open_keras(path)
    return open_lite(path, threads)


def open_lite(path: Path, threads: int) -> Net:
    """A file that `export` wrote; without TensorFlow."""
    from export.runner import Runner, read_card

    run, card = Runner(path, threads), read_card(path)
    if set(run.signatures) != {"upscale"} or not {"scale", "reach", "fold"} <= set(card):
        raise ValueError(
            f"{path} is no file that makes pictures larger: give one that `python -m apps.super_resolution export` "
            "wrote"
        )
    call = lambda tile: run("upscale", small=np.ascontiguousarray(tile[None]))["large"][0]
    with _quiet():
        call(np.zeros((card["fold"], card["fold"], 3), np.float32))
    return Net(call, card["scale"], card["reach"], card["fold"], card["name"])


@contextlib.contextmanager
def _quiet():
    """The runtime's own lines stay away from the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def load(path: str | Path):
    """The upscaler of a run or .keras file."""
    from tfgen import catalog
    from tfgen.restoration import Upscaler

    path = Path(path)
    if path.is_dir() and not (path / "model.keras").is_file():
        raise ValueError(f"{path} holds no model.keras: give a run's folder, a .keras file or a .tflite file")
    model = catalog.load(path)
    if not isinstance(model, Upscaler):
        raise ValueError(f"{path} holds a {type(model).__name__}, which enlarges no pictures: give an upscaler")
    if model.shape[-1] != 3:
        raise ValueError(f"{path} was trained on pictures of {model.shape[-1]} channel: expected 3")
    return model


def _open_keras(path: Path) -> Net:
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    model = load(path)
    restore = tf.function(model.restore)  # of each size by itself: the projection of amap knows it
    return Net(
        lambda tile: restore(tf.constant(tile[None])).numpy()[0],
        model.scale,
        model.reach,
        model.fold,
        type(model).__name__,
    )
