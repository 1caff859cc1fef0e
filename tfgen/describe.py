"""What a model is made of: its players, its parts and their layers, as a table and as a picture."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from tfgen import pictures

__all__ = ["plot", "table"]

FONT, ROW, GAP, PAD = 14, 22, 40, 12


def table(model) -> str:
    """Players with what they move, then every part and layer with the shape that it gives and its numbers."""
    rows = [("part", "gives", "numbers")]
    for depth, layer in _tree(model):
        rows.append((f"{'  ' * depth}{_name(layer)}", _shape(layer), f"{layer.count_params():,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {count:>{widths[2]}}" for name, shape, count in rows]
    told = "" if model.condition is None else f", told {model.condition}"
    head = [f"{type(model).__name__} of {model.shape}, {model.values}{told}"]
    for name, player in model.players().items():
        count = sum(int(np.prod(v.shape)) for v in player.variables)
        turns = f"{player.turns} turns a step, " if player.turns != 1 else ""
        rule = "a rule of its own" if player.update else "by gradients"
        head.append(f"  plays {name}: {turns}{rule}, moves {count:,} numbers")
    total = sum(int(np.prod(v.shape)) for v in model.weights)
    return "\n".join([*head, "", *lines, "", f"{total:,} numbers in all, with those that no gradient moves"])


def plot(model, path: str | Path) -> Path:
    """A picture: one column for each part, its layers from above to below, with the shapes between them."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT)
    columns = [[(part, 0), *((layer, depth + 1) for depth, layer in _tree(part))] for part in _children(model)]
    words = [[(f"{_name(layer)}  {_shape(layer)}".strip(), depth) for layer, depth in column] for column in columns]
    wide = [max(font.getlength(text) + 14 * depth for text, depth in column) + 2 * PAD for column in words]
    high = max((len(column) for column in words), default=0) * ROW + 2 * PAD
    paper = Image.new("RGB", (int(sum(wide) + GAP * (len(wide) + 1)), int(high + 2 * GAP)), "white")
    pen, left = ImageDraw.Draw(paper), GAP
    pen.text((GAP, PAD), f"{type(model).__name__} {model.shape}", "black", font)
    for column, width in zip(words, wide, strict=True):
        pen.rounded_rectangle((left, GAP, left + width, GAP + len(column) * ROW + 2 * PAD), 8, "#f2f5fa", "#1e5aa0")
        for i, (text, depth) in enumerate(column):
            at = (left + PAD + 14 * depth, GAP + PAD + i * ROW)
            pen.text(at, text, "#1e5aa0" if depth == 0 else "black", font)
        left += width + GAP
    return pictures.save(np.asarray(paper), path)


def _tree(layer, depth: int = 0, seen: set | None = None) -> Iterator[tuple[int, keras.layers.Layer]]:
    """Each layer once: nets that only read others' layers anew are left out."""
    seen = set() if seen is None else seen
    for child in _children(layer):
        below = _children(child)
        if id(child) not in seen and not (below and all(id(part) in seen for part in below)):
            seen.add(id(child))
            yield depth, child
            yield from _tree(child, depth + 1, seen)


def _children(layer) -> list[keras.layers.Layer]:
    """The layers directly below; those that only say what comes in say it by their shape."""
    found = layer._flatten_layers(include_self=False, recursive=False)
    return [child for child in found if not isinstance(child, (keras.layers.InputLayer, keras.metrics.Metric))]


def _name(layer) -> str:
    kind = type(layer).__name__
    return layer.name if layer.name.rstrip("_0123456789").replace("_", "") == kind.lower() else f"{layer.name} ({kind})"


def _shape(layer) -> str:
    try:
        outputs = getattr(layer, "output_shape", None) or layer.output.shape
    except (AttributeError, ValueError):
        return ""
    return str(tuple(outputs)[1:]) if isinstance(outputs, tuple) and (not outputs or outputs[0] is None) else ""
