"""A row of the catalog."""

import dataclasses
from collections.abc import Callable

__all__ = ["Entry"]

_ABILITIES = ("log_prob", "bound", "free_energy", "encode", "decode", "reconstruct", "complete", "classify", "cluster")


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the house knows of a system; everything else is read off its class.

    Arguments:
        name: on the command line.
        model: the class.
        paper: authors and year.
        summary: one line.
        tiny: makes one that trains in a second and, where it can be, is small enough to enumerate.
        tiny_data: x, or (x, condition), in numpy, that fits it.
        full: makes the paper's configuration for a shape.
        batch, epochs: to train it with.
        idle: trainable weights that the loss does not depend on.
        not_in_tflite: signatures that TF-Lite cannot take, and why.
    """

    name: str
    model: type
    paper: str
    summary: str
    tiny: Callable
    tiny_data: Callable
    full: Callable
    batch: int = 100
    epochs: int = 20
    idle: tuple[str, ...] = ()
    not_in_tflite: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def family(self) -> str:
        return self.model.__module__.split(".")[1]

    @property
    def abilities(self) -> list[str]:
        """What is true of the system, by its methods."""
        return ["sample", *(name for name in _ABILITIES if hasattr(self.model, name))]
