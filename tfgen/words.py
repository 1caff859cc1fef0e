"""One clear line: the nearest names to one that does not exist, choices that are none, numbers that are too small."""

import difflib
from collections.abc import Iterable

__all__ = ["at_least", "nearest", "one_of"]


def nearest(word: str, words: Iterable[str]) -> str:
    """The words to offer in place of an unknown one: the nearest, or all of them."""
    return ", ".join(difflib.get_close_matches(word, list(words), 3) or sorted(words))


def at_least(least: int, **arguments) -> None:
    """Whole numbers, or tuples of them, that a constructor was given."""
    for name, value in arguments.items():
        if min(value, default=least) < least if isinstance(value, (tuple, list)) else value < least:
            raise ValueError(f"{name}={value}: expected {least} or more")


def one_of(given: str, value: str, allowed: Iterable[str]) -> None:
    """A choice; `given` is how the person wrote it."""
    if value not in allowed:
        raise ValueError(f"{given}: expected one of {', '.join(allowed)}")
