"""The nearest names to one that does not exist."""

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: str, words: Iterable[str]) -> str:
    """The words to offer in place of an unknown one: the nearest, or all of them."""
    return ", ".join(difflib.get_close_matches(word, list(words), 3) or sorted(words))
