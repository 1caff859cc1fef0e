"""Files that are whole or not there: written beside their final name, then renamed."""

import contextlib
import glob
import importlib.metadata
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["clear_partial", "remove", "shipped", "whole"]


@contextlib.contextmanager
def whole(path: str | Path, suffix: str | None = None) -> Iterator[Path]:
    """A path beside the final one, for a file or a folder, that takes the final name when the block ends well. The
    suffix stays the same."""
    path = Path(path)
    suffix = path.suffix if suffix is None else suffix
    partial = path.with_name(f".{path.name.removesuffix(suffix)}.partial-{os.getpid()}{suffix}")
    stops = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    try:
        if stops:  # as an exception does, so that nothing half-written stays
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        remove(partial)
        yield partial
        if partial.is_dir() and path.exists():  # a folder cannot take the place of another in one step
            old = partial.with_name(f"{partial.name}.old")
            os.rename(path, old)
            os.rename(partial, path)
            remove(old)
        else:
            os.replace(partial, path)
    except OSError as error:
        if error.errno:
            error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        remove(partial)
        if stops:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def clear_partial(folder: Path, name: str | None = None) -> None:
    """Removes what killed processes left half-written below a folder (of one name: beside it alone), and gives back
    what they were replacing."""
    pattern = f".{'*' if name is None else glob.escape(name)}.partial-*"
    for leftover in list(folder.rglob(pattern) if name is None else folder.glob(pattern)):
        final, _, rest = leftover.name[1:].partition(".partial-")
        if _lives(int(re.match(r"\d*", rest)[0] or 0)):
            continue
        if leftover.suffix == ".old" and not leftover.with_name(final).exists():
            os.rename(leftover, leftover.with_name(final))
        else:
            remove(leftover)


def _lives(process: int) -> bool:
    """Whether another process of this number runs."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process not in (0, os.getpid())


def shipped(name: str) -> Path:
    """A file or folder of the project beside the package: in a clone where it is, else where the wheel put it."""
    clone, mark = Path(__file__).parents[1] / name, f"share/tfgen/{name}"
    if not clone.exists():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for file in importlib.metadata.files("tfgen") or ():
                before, found, _ = Path(os.path.normpath(file.locate())).as_posix().partition(mark)
                if found:
                    return Path(before + mark)
    return clone


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
