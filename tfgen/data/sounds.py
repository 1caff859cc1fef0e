"""Folders of sounds: each file gives its consecutive pieces of one length, at one rate."""

import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen.data.embedded import train_or_test
from tfgen.data.examples import Stream
from tfgen.progress import progress

__all__ = ["SOUNDS", "sounds"]

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")


def sounds(path: str | Path, split: str = "train", *, length: int = 16_384) -> Stream:
    """Pieces of the sounds below a folder: float32 [length, 1] in -1..1, the mean of the channels; ends shorter than
    that are left out, and one file in ten, by a hash of its name, is for testing.

    All files must have one rate: resample others before.
    """
    import soundfile

    root = Path(path).expanduser()
    train_or_test(root, split)
    files = sorted(f for f in root.rglob("*") if f.suffix.lower() in SOUNDS and f.is_file())
    names = [f.relative_to(root).as_posix() for f in files]
    hashes = {name: hashlib.sha256(name.encode()).digest()[0] % 10 for name in names}
    names = [name for name in names if (hashes[name] == 0) == (split == "test")]
    which, starts, rates = [], [], {}
    for name in progress(names, len(names), "heads of sounds"):
        try:
            head = soundfile.info(str(root / name))
        except (RuntimeError, OSError) as error:
            raise ValueError(f"{root / name} cannot be read as a sound ({error}): repair or remove it") from None
        rates.setdefault(head.samplerate, name)
        pieces = range(0, head.frames - length + 1, length)
        which += [name] * len(pieces)
        starts += list(pieces)
    if len(rates) > 1:
        said = ", ".join(f"{name} {rate} Hz" for rate, name in rates.items())
        raise ValueError(f"the sounds of {root} have several rates ({said}): resample them to one")
    if not which:
        raise ValueError(f"{root} has no sound of {length} samples in its {split} split: files that end in {SOUNDS}")

    def piece(name: bytes, start: np.int64) -> np.ndarray:
        sound, _ = soundfile.read(root / name.decode(), length, int(start), dtype="float32", always_2d=True)
        return sound.mean(1, keepdims=True).astype(np.float32)

    def read(_, record):
        return tf.ensure_shape(tf.numpy_function(piece, [record["name"], record["start"]], tf.float32), (length, 1))

    records = tf.data.Dataset.from_tensor_slices({"name": which, "start": np.array(starts, np.int64)}).enumerate()
    return Stream(records, read, (length, 1), len(which), str(root), len(which), {}, real=True)
