"""A net over pictures of any size: in tiles that are bit for bit the whole picture's.

A pixel of the result depends on no more than `reach` pixels of the input in each direction. So each tile sees so many
beside it, which are cut off again, and the picture is continued by its edge beyond the border: zeros, with which
convolutions pad, would brighten or darken the border of a flat picture. All tiles have one size, the last ones overlap.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Net", "bands", "open_lite", "open_net"]

TILE = 192  # pixels of the input a side


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
    step = -(-tile // net.fold) * net.fold
    tall, wide = (min(step, -(-size // net.fold) * net.fold) for size in (height, width))
    margin = -(-net.reach // net.fold) * net.fold
    beyond = [(margin, margin + -size % net.fold) for size in (height, width)]
    picture = np.pad(picture, [*beyond, (0, 0)], mode="edge")
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


def _starts(size: int, step: int) -> list[int]:
    return [*range(0, size - step, step), size - step]


def count(net: Net, height: int, width: int, tile: int = TILE) -> int:
    """Of the bands."""
    tall = min(-(-tile // net.fold) * net.fold, height + -height % net.fold)
    return len(_starts(height + -height % net.fold, tall))


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
    """A file of TF-Lite that enlarges pictures; without TensorFlow."""
    from ai_edge_litert.interpreter import Interpreter

    if not path.is_file():
        raise ValueError(f"{path} is not there: give a .tflite file, or a run's folder")
    try:
        with open(path, "rb") as file:
            if file.read(8)[4:] != b"TFL3":
                raise ValueError
        with _quiet():
            first = Interpreter(str(path), num_threads=threads)
            first.allocate_tensors()
        (given,), (made,) = first.get_input_details(), first.get_output_details()
        shapes = [tuple(map(int, t["shape"])) for t in (given, made)]
        scale = shapes[1][1] // shapes[0][1]
        fits = len(shapes[0]) == 4 and shapes[1] == (1, scale * shapes[0][1], scale * shapes[0][2], 3)
        if not fits or shapes[0][3] != 3 or scale < 2:
            raise ValueError
    except (ValueError, RuntimeError, IndexError):
        raise ValueError(
            f"{path} is no TF-Lite file that enlarges pictures ([1, h, w, 3] to [1, s h, s w, 3]): give one that "
            "`python -m apps.super_resolution export` wrote"
        ) from None
    fold, reach = _reach(first)
    interpreters = {}

    def run(tile):
        if tile.shape not in interpreters:
            if len(interpreters) > 3:
                interpreters.clear()
            interpreter = interpreters[tile.shape] = Interpreter(str(path), num_threads=threads)
            interpreter.resize_tensor_input(given["index"], [1, *tile.shape])
            interpreter.allocate_tensors()
        interpreter = interpreters[tile.shape]
        interpreter.set_tensor(given["index"], _quantised(tile[None], given))
        interpreter.invoke()
        return _real(interpreter.get_tensor(made["index"])[0], made)

    return Net(run, scale, reach, fold, path.parent.name)


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


def _quantised(x: np.ndarray, tensor: dict) -> np.ndarray:
    """As the tensor takes it: float32, or int8 and uint8 by its scale and zero point."""
    if tensor["dtype"] == np.float32:
        return np.ascontiguousarray(x)
    limits, (step, zero) = np.iinfo(tensor["dtype"]), tensor["quantization"]
    return np.clip(np.round(x / step + zero), limits.min, limits.max).astype(tensor["dtype"])


def _real(x: np.ndarray, tensor: dict) -> np.ndarray:
    if tensor["dtype"] == np.float32:
        return x
    step, zero = tensor["quantization"]
    return (x.astype(np.float32) - zero) * np.float32(step)


def _reach(interpreter) -> tuple[int, int]:
    """(fold, reach), read off the operators: pixels folded into channels, and the sum of what each convolution sees."""
    tensors = {t["index"]: t["shape"] for t in interpreter.get_tensor_details()}
    fold, reach = 1, 0
    for operator in interpreter._get_ops_details():
        name, shapes = operator["op_name"], [tensors.get(i) for i in operator["inputs"]]
        if name == "SPACE_TO_DEPTH":
            made = tensors[operator["outputs"][0]]
            fold = int(shapes[0][1] // made[1])
        elif re.fullmatch(r"(DEPTHWISE_)?CONV_2D", name):
            reach += int(max(shapes[1][1:3])) // 2
    return fold, fold * reach + (fold - 1)


def _open_keras(path: Path) -> Net:
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from tfgen import catalog
    from tfgen.restoration import Upscaler

    model = catalog.load(path)
    if not isinstance(model, Upscaler):
        raise ValueError(f"{path} holds a {type(model).__name__}, which enlarges no pictures: give another --model")
    if model.shape[-1] != 3:
        raise ValueError(f"{path} was trained on pictures of {model.shape[-1]} channel: expected 3")
    restore = tf.function(model.restore, input_signature=[tf.TensorSpec([1, None, None, 3])])
    return Net(lambda tile: restore(tile[None]).numpy()[0], model.scale, model.reach, model.fold, type(model).__name__)
