"""What examples may hold, by name: the one table of their ranges."""

import math

__all__ = ["VALUES"]

VALUES = {
    "binary": (0.0, 1.0),
    "unit": (0.0, 1.0),
    "signed": (-1.0, 1.0),
    "bytes": (0.0, 255.0),
    "real": (-math.inf, math.inf),
}
