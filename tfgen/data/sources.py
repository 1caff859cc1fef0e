"""One door to all sources: what a name means."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfgen.data.embedded import EMBEDDED, train_or_test
from tfgen.data.examples import Examples, Stream
from tfgen.data.folders import folder
from tfgen.data.tellers import with_condition
from tfgen.data.tfds import tfds_set
from tfgen.data.unpaired import Unpaired

__all__ = ["MEMORY", "Source", "open_source"]

MEMORY = 2 << 30  # bytes of decoded examples that are held in memory; larger sets stream

Source = Examples | Stream | Unpaired


def open_source(
    name: str | Path | Source,
    split: str = "train",
    *,
    condition: str | Sequence[str] = (),
    data_dir: str | Path | None = None,
    limit: int | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    memory: int = MEMORY,
) -> Source:
    """The examples that a name means; in memory where they take no more than `memory` bytes. Arguments as those of
    `load`."""
    if channels not in (None, 1, 3):
        raise ValueError(f"channels={channels!r}: expected 1 (grey) or 3 (colour)")
    if size is not None and (np.shape(size) != (2,) or min(size) < 1):
        raise ValueError(f"size={size!r}: expected (height, width), such as (64, 64)")
    size = None if size is None else tuple(map(int, size))
    if limit is not None and (not isinstance(limit, (int, np.integer)) or limit < 1):
        raise ValueError(f"limit={limit!r}: expected a whole number of at least 1, or None for all examples")
    if isinstance(condition, bool) or not isinstance(condition, (str, list, tuple)):
        raise ValueError(f"condition={condition!r}: expected what to be told by name, such as 'labels'")
    condition = (condition,) if isinstance(condition, str) else tuple(condition)
    if isinstance(name, Source):
        if condition or size is not None or channels is not None:
            raise ValueError(
                f"{name.name} has the shape {name.shape} and brings its condition: size, channels and condition are "
                "for names and folders"
            )
        source = name
    elif isinstance(name, Path) or (isinstance(name, str) and name.startswith(("/", "./", "../", "~"))):
        source = folder(name, split, size=size, channels=channels, condition=condition)
    elif not isinstance(name, str):
        raise ValueError(
            f"{type(name).__name__} came for the name of a data set: give a name, a folder, or tfgen.data.Examples(x, "
            "condition, spec)"
        )
    elif name in EMBEDDED:
        train_or_test(name, split)
        if size is not None or channels is not None:
            raise ValueError(f"{name} has one size: size and channels are for folders and TensorFlow Datasets")
        source = with_condition(EMBEDDED[name](split), condition)
    else:
        source = tfds_set(name, split, data_dir=data_dir, size=size, channels=channels, condition=condition)
    source = source if limit is None else source.first(limit)
    return source.load() if isinstance(source, Stream) and source.bytes <= memory else source
