"""What a model may be told of an example, by name.

    labels       the class: of an embedded set, a TensorFlow Dataset, or the sub-folder of a picture
    small:K      the picture itself, each K x K pixels averaged to one
    a folder     the picture of the same name there: the other half of a pair
    a .csv       its caption there (columns: file, caption), as a vector of the words in it

Of several, a condition is a dict: {"labels": …, "small": …, "pair": …, "caption": …}.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen.data.examples import Examples, Teller, one_or_dict

__all__ = ["bag", "captions", "choose", "read_captions", "small", "with_condition"]


def choose(
    names: Sequence[str], name: str, shape: tuple, known: dict[str, Teller], find: Callable | None = None
) -> dict[str, Teller]:
    """The tellers of these names for a source of some name and shape; `find` knows more: name → (key, teller) or
    None."""
    chosen = {}
    for asked in names:
        if asked in known:
            chosen[asked] = known[asked]
        elif asked.startswith("small:"):
            k, spec = _factor(asked, shape)
            chosen["small"] = Teller(spec, lambda i, record, x, k=k: small(x[None], k)[0])
        elif find and (found := find(asked)):
            chosen[found[0]] = found[1]
        else:
            raise _unknown(asked, name, known)
    return chosen


def with_condition(source: Examples, names: Sequence[str]) -> Examples:
    """An embedded set, which comes with its labels, with the condition that is asked for."""
    parts, specs = {}, {}
    for asked in names:
        if asked == "labels" and source.spec is not None:
            parts[asked], specs[asked] = source.condition, source.spec
        elif asked.startswith("small:"):
            k, specs["small"] = _factor(asked, source.shape)
            parts["small"] = small(source.x, k).numpy()
        else:
            raise _unknown(asked, source.name, () if source.spec is None else ("labels",))
    return replace(source, condition=one_or_dict(parts), spec=one_or_dict(specs))


def small(x: tf.Tensor, k: int) -> tf.Tensor:
    """uint8 [n, h, w, c] → uint8 [n, h / k, w / k, c], by the mean of each k x k pixels."""
    _, h, w, c = x.shape
    blocks = tf.reshape(tf.cast(x, tf.float32), [-1, h // k, k, w // k, k, c])
    return tf.cast(tf.round(tf.reduce_mean(blocks, [2, 4])), tf.uint8)


def read_captions(path: str | Path) -> dict[str, str]:
    """{file: caption} of a .csv with these columns."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as captions ({error}): give a .csv of file and caption") from None
    if not rows or not {"file", "caption"} <= set(rows[0]):
        columns = ", ".join(rows[0]) if rows else "no row"
        raise ValueError(f"{path} has {columns}: captions stand in a .csv with the columns file and caption")
    return {row["file"]: row["caption"] or "" for row in rows}


def words_of(caption: str) -> list[str]:
    return re.findall(r"\w+", caption.lower())


def bag(captions: Sequence[str], words: Sequence[str]) -> np.ndarray:
    """Which of the words are in each caption: float32 [captions, words]."""
    places, found = {word: i for i, word in enumerate(words)}, np.zeros((len(captions), len(words)), np.float32)
    for row, caption in zip(found, captions, strict=True):
        row[[places[word] for word in words_of(caption) if word in places]] = 1
    return found


def captions(path: str | Path, files: Sequence[str], train: Sequence[str]) -> tuple[Teller, tuple[str, ...]]:
    """The teller of these files in their order, and its words: those that stand in two captions of the training files
    or more."""
    read = read_captions(path)
    if missing := [file for file in files if file not in read]:
        raise ValueError(f"{path} has no caption of {missing[0]} ({len(missing)} missing): add a row for each picture")
    counts = Counter(word for file in train for word in set(words_of(read.get(file, ""))))
    words = tuple(sorted(word for word, count in counts.items() if count > 1))
    if not words:
        raise ValueError(f"{path}: no word stands in two captions of the training pictures, so none can be learnt")
    table = tf.constant(bag([read[file] for file in files], words))
    return Teller((len(words),), lambda i, record, x: table[i]), words


def _factor(asked: str, shape: tuple) -> tuple[int, tuple]:
    k = int(digits) if (digits := asked.removeprefix("small:")).isdigit() else 0
    if len(shape) != 3 or k < 2 or shape[0] % k or shape[1] % k:
        raise ValueError(f"condition {asked}: expected small:K with a K from 2 that divides the sides of {shape}")
    return k, (shape[0] // k, shape[1] // k, shape[2])


def _unknown(asked: str, name: str, known) -> ValueError:
    has = f"has {', '.join(known)}" if known else "has no labels"
    return ValueError(
        f"condition {asked!r}: {name} {has}; pictures have small:K, too, and those of a folder the folder of their "
        "pairs or a .csv of captions"
    )
