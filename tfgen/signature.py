"""The arguments of a constructor, also those that it hands on to its parent:
`def __init__(self, shape, *, game="hinge", **others)` takes every argument of the parent, too."""

import difflib
import inspect

__all__ = ["bind", "parameters"]

_OWN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """What `cls(…)` takes, by name; where a default is redefined, the nearest one."""
    found, handed_on = {}, True
    for base in cls.__mro__:
        if handed_on and "__init__" in vars(base) and base is not object:
            own = list(inspect.signature(base.__init__).parameters.values())[1:]
            found |= {p.name: p for p in own if p.kind not in _OWN and p.name not in found}
            handed_on = any(p.kind in _OWN for p in own)
    return found


def bind(cls: type, args: tuple, kwargs: dict) -> dict:
    """The arguments of `cls(*args, **kwargs)` by name: those that the constructor names, with its defaults, and those
    given that it hands on. A TypeError says what the class takes."""
    known = parameters(cls)
    ours = cls.__module__.partition(".")[0] == __name__.partition(".")[0]  # others may take what they hand on to nobody
    hands_on = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(cls.__init__).parameters.values())
    if (unknown := [name for name in kwargs if name not in known]) and (ours or not hands_on):
        near = difflib.get_close_matches(unknown[0], known, 3)
        meant = f": did you mean {', '.join(near)}?" if near else "."
        raise TypeError(f"{cls.__name__} has no argument {unknown[0]!r}{meant} It takes {', '.join(known)}")
    try:
        bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}: {error}; it takes {', '.join(known)}") from None
    bound.apply_defaults()
    arguments = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments |= value
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            places = [p.name for p in parameters(cls).values() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
            rest = places[len(args) - len(value) :]
            if len(value) > len(rest):
                raise ValueError(f"{cls.__name__} got {len(args)} arguments without a name: name them")
            arguments |= dict(zip(rest, value, strict=False))
        else:
            arguments[name] = value
    return arguments
