"""Callbacks: what happens around the steps. `House` is in every fit; the others are for the user to add."""

from tfgen.callbacks.gap import FreeEnergyGap
from tfgen.callbacks.house import Diverged, House, for_fit
from tfgen.callbacks.judge import Judge
from tfgen.callbacks.keep import Keep
from tfgen.callbacks.monitor import Monitor, write_scalars
from tfgen.callbacks.progress import Progress
from tfgen.callbacks.schedule import Schedule
from tfgen.callbacks.snapshots import Snapshots

__all__ = [
    "Diverged",
    "FreeEnergyGap",
    "House",
    "Judge",
    "Keep",
    "Monitor",
    "Progress",
    "Schedule",
    "Snapshots",
    "for_fit",
    "write_scalars",
]
