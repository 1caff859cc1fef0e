"""Flows by name, and how many of them: "planar:10"."""

from collections.abc import Callable

from tfgen.checks import nearest, numbered
from tfgen.flows.autoregressive import InverseAutoregressive
from tfgen.flows.coupling import Coupling, Scale
from tfgen.flows.flow import Chain, Flow
from tfgen.flows.householder import Householder
from tfgen.flows.planar import Planar
from tfgen.flows.radial import Radial

__all__ = ["FLOWS", "flow"]

FLOWS: dict[str, Callable[[int, int, tuple[int, ...], int], Flow]] = {  # of dims, told, hidden, and which of the chain
    "planar": lambda dims, told, hidden, i: Planar(dims, told),
    "radial": lambda dims, told, hidden, i: Radial(dims, told),
    "householder": lambda dims, told, hidden, i: Householder(dims, told),
    "iaf": lambda dims, told, hidden, i: InverseAutoregressive(dims, told, hidden=hidden, backwards=i % 2 == 1),
    "coupling": lambda dims, told, hidden, i: Coupling(dims, told, hidden=hidden, odd=i % 2 == 1),
    "affine": lambda dims, told, hidden, i: Coupling(dims, told, hidden=hidden, affine=True, odd=i % 2 == 1),
    "scale": lambda dims, told, hidden, i: Scale(dims, told),
}


def flow(which: str, dims: int, told: int = 0, hidden: tuple[int, ...] = (64,)) -> Chain:
    """So many flows of a name, one after another; "planar:0" is none of them."""
    name, length = numbered(which)
    if name not in FLOWS:
        raise ValueError(f"there is no flow {name!r}: take one of {nearest(name, FLOWS)}")
    length = 1 if length is None else length
    if length != int(length) or length < 0:
        raise ValueError(f"{which!r}: expected how many flows, a whole number, 0 or more")
    return Chain([FLOWS[name](dims, told, hidden, i) for i in range(int(length))])
