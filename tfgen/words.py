"""One clear line: the nearest names to one that does not exist, numbers that are too small."""

import difflib
from collections.abc import Iterable

__all__ = ["at_least", "nearest"]


def nearest(word: str, words: Iterable[str]) -> str:
    """The words to offer in place of an unknown one: the nearest, or all of them."""
    return ", ".join(difflib.get_close_matches(word, list(words), 3) or sorted(words))


def at_least(least: int, **arguments) -> None:
    """Whole numbers, or tuples of them, that a constructor was given."""
    for name, value in arguments.items():
        if min(value, default=least) < least if isinstance(value, (tuple, list)) else value < least:
            raise ValueError(f"{name}={value}: expected {least} or more")
