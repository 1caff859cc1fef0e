"""Questions to a trained sampler: does it train as expected, is its latent space smooth, how is information coded, does
it memorise?

Everything here knows models by their methods only: `noise`, `generate`, and `encode`, `decode`, codes and classes where
they have them.
"""

from tfgen.analysis.coding import Arithmetic, Traversal, arithmetic, codes_linearly, traversals
from tfgen.analysis.drawing import film, paths, sheet, side_by_side, step_curves
from tfgen.analysis.latent import between, decodes, encoded, has_latent, is_uniform, roughness, slerp, step_sizes, walk
from tfgen.analysis.memorising import Memory, memory, neighbours
from tfgen.analysis.units import Units, active_units, has_manifold, manifold, unit_bars

__all__ = [
    "Arithmetic",
    "Memory",
    "Traversal",
    "Units",
    "active_units",
    "arithmetic",
    "between",
    "codes_linearly",
    "decodes",
    "encoded",
    "film",
    "has_latent",
    "has_manifold",
    "is_uniform",
    "manifold",
    "memory",
    "neighbours",
    "paths",
    "roughness",
    "sheet",
    "side_by_side",
    "slerp",
    "step_curves",
    "step_sizes",
    "traversals",
    "unit_bars",
    "walk",
]
