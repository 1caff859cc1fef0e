"""What can leave the house, by the catalog."""

from export.signatures import signatures
from tfgen.catalog import CATALOG

__all__ = ["listing"]


def listing() -> str:
    """A line for each system: its signatures; those that TF-Lite cannot take, and why."""
    lines = []
    for entry in CATALOG:
        names = list(signatures(entry.tiny()))
        kept = [name for name in names if name not in entry.not_in_tflite]
        lines.append(f"{entry.name:<12} SavedModel: {', '.join(names)}")
        lines.append(f"{'':<12} TF-Lite:    {', '.join(kept) if len(kept) < len(names) else 'all'}")
        lines += [f"{'':<12}   without {name}: {why}" for name, why in entry.not_in_tflite.items()]
    return "\n".join(lines)
