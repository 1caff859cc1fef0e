"""Files that are whole or not there: written beside their final name, then renamed."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["clear_partial", "whole"]


@contextlib.contextmanager
def whole(path: str | Path, suffix: str | None = None) -> Iterator[Path]:
    """A path beside the final one, for a file or a folder, that takes the final name when the block ends well. The suffix stays the same."""
    path = Path(path)
    suffix = path.suffix if suffix is None else suffix
    partial = path.with_name(f".{path.name.removesuffix(suffix)}.partial-{os.getpid()}{suffix}")
    remove(partial)
    try:
        yield partial
        if partial.is_dir() and path.exists():  # a folder cannot take the place of another in one step
            old = partial.with_name(f"{partial.name}.old")
            os.rename(path, old)
            os.rename(partial, path)
            remove(old)
        else:
            os.replace(partial, path)
    finally:
        remove(partial)


def clear_partial(folder: Path) -> None:
    """Removes what killed processes left half-written. Only where nobody else is writing."""
    for leftover in folder.rglob(".*.partial-*"):
        remove(leftover)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
