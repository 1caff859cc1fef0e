"""Whether a model fits into memory, known before it is built."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import keras

__all__ = ["memory", "that_fits"]

COPIES = 5  # of each weight: itself, its gradient, Adam's two moments, the copy of the last good epoch


def memory() -> int:
    """Bytes of this machine, or of the container that we are in."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return found


@contextlib.contextmanager
def that_fits(who: str) -> Iterator[None]:
    """Inside, a weight that would be one too many is refused before it is made."""
    add_weight, numbers, limit = keras.layers.Layer.add_weight, 0, memory()

    def checked(self, shape=None, *args, **kwargs):
        nonlocal numbers
        numbers += math.prod(shape or ())
        if 4 * COPIES * numbers > limit:
            raise ValueError(
                f"{who} holds {numbers / 1e6:,.0f} million numbers or more, and training takes {COPIES} of each: "
                f"{4 * COPIES * numbers / 1e9:,.1f} GB, where {limit / 1e9:,.1f} GB are there: take smaller sizes"
            )
        return add_weight(self, shape, *args, **kwargs)

    keras.layers.Layer.add_weight = checked
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight
