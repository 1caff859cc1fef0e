"""`--set key=value`: text into the typed arguments of a constructor."""

import ast
import inspect
import types
import typing
from collections.abc import Sequence

from tfgen import signature
from tfgen.checks import nearest

__all__ = ["parse"]

_NAMES = {int: "a whole number", float: "a number", str: "a word", bool: "true or false", types.NoneType: "none"}


def parse(system: type, texts: list[str]) -> dict:
    """{"hidden": (64, 64)} of ["hidden=64,64"], with one clear line for a key that is not there or a value of another
    type."""
    accepted = {
        name: p for name, p in signature.parameters(system).items() if p.kind is p.KEYWORD_ONLY and name != "condition"
    }
    hints, given = {name: p.annotation for name, p in accepted.items()}, {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set {text}: expected key=value, such as --set {_example(accepted)}")
        if key not in accepted:
            hint = (
                ": --condition says what it is told, such as --condition labels"
                if key == "condition"
                else f": did you mean {nearest(key, accepted)}?"
            )
            raise ValueError(f"{system.__name__} has no argument {key!r}{hint}")
        try:
            given[key] = _fit(_read(value), hints.get(key, object))
        except TypeError:
            raise ValueError(
                f"--set {key}={value}: expected {_say(hints[key])}, such as {key}={_write(accepted[key].default)}"
            ) from None
    return given


def _read(text: str):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _fit(value, hint):
    """The value as the type asks for, or a TypeError."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is object or hint is typing.Any:
        return value
    if origin in (types.UnionType, typing.Union):
        for part in parts:
            try:
                return _fit(value, part)
            except TypeError:
                continue
        raise TypeError
    if hint is None or hint is types.NoneType:
        if value is None:
            return None
        raise TypeError
    if origin in (tuple, list, Sequence):
        if isinstance(value, str):
            if str not in (parts[0], *typing.get_args(parts[0])):
                raise TypeError
            value = value.split(",")
        values = value if isinstance(value, (tuple, list)) else (value,)
        return tuple(_fit(v, parts[0]) for v in values)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise TypeError
    return value


def _say(hint) -> str:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_say(part) for part in parts if part in _NAMES or typing.get_origin(part))
    if origin in (tuple, list, Sequence):
        return f"{_say(parts[0]).removeprefix('a ')}s with commas between"
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))


def _write(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _example(accepted: dict) -> str:
    name, parameter = next(
        iter(accepted.items()), ("key", inspect.Parameter("key", inspect.Parameter.KEYWORD_ONLY, default="value"))
    )
    return f"{name}={_write(parameter.default)}"
