"""What people write, checked with one clear line: the nearest names to one that does not exist, choices that are none,
numbers that are too small, "name:number"."""

import difflib
import math
from collections.abc import Iterable

__all__ = ["at_least", "nearest", "numbered", "odd", "one_of", "positive", "share"]


def nearest(word: str, words: Iterable[str]) -> str:
    """The words to offer in place of an unknown one: the nearest, or all of them."""
    return ", ".join(difflib.get_close_matches(word, list(words), 3) or sorted(words))


def at_least(least: int, **arguments) -> None:
    """Whole numbers, or tuples of them, that a constructor was given."""
    for name, value in arguments.items():
        if not all(number >= least for number in (value if isinstance(value, (tuple, list)) else (value,))):
            raise ValueError(f"{name}={value}: expected {least} or more")


def odd(least: int = 1, **arguments) -> None:
    """Sizes of kernels, which have a middle."""
    for name, value in arguments.items():
        if not isinstance(value, int) or value < least or value % 2 == 0:
            raise ValueError(f"{name}={value}: expected an odd number, {least} or more")


def positive(**arguments) -> None:
    """Numbers, or one or more of them; tensors among these are taken as they are."""
    for name, value in arguments.items():
        numbers = value if isinstance(value, (tuple, list)) else (value,)
        if len(numbers) == 0 or not all(number > 0 for number in numbers if isinstance(number, (int, float))):
            raise ValueError(
                f"{name}={value}: expected "
                f"{'one or more numbers' if isinstance(value, (tuple, list)) else 'a number'} above 0"
            )


def one_of(given: str, value: str, allowed: Iterable[str]) -> None:
    """A choice; `given` is how the person wrote it."""
    if value not in allowed:
        raise ValueError(f"{given}: expected one of {', '.join(allowed)}")


def share(**arguments) -> None:
    """Numbers from 0 to below 1."""
    for name, value in arguments.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value}: expected a number from 0 to below 1")


def numbered(text: str) -> tuple[str, float | None]:
    """ "name:number" in two; None where there is no colon."""
    name, colon, number = text.partition(":")
    if not colon:
        return name, None
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r}: expected a number behind the colon")
    return name, value
