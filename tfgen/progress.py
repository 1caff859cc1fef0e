"""A line on the terminal for what takes longer than two seconds."""

import sys
import time
from collections.abc import Iterable, Iterator

__all__ = ["progress"]


def progress(items: Iterable, total: int, what: str) -> Iterator:
    """The items, with "what: done of total, seconds left" on standard error once two seconds have gone by."""
    begin = shown = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - begin > 2 and now - shown > 0.5:
            shown = now
            left = f"{(now - begin) / done * (total - done):.0f} s left" if done else "the first takes its time"
            print(
                f"\r{what}: {done} of {total}, {left}   ",
                end="",
                file=sys.stderr,
                flush=True,
            )
        yield item
    if shown != begin:
        print(f"\r{what}: {total} of {total}, {time.monotonic() - begin:.0f} s          ", file=sys.stderr)
