"""The classifier → a folder that works without this project."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from export.artifact import artifact
from export.contract import Signature, Tensor

__all__ = ["export"]


def export(net: keras.Model, x: np.ndarray, out: Path, *, about: dict, say: Callable = print) -> dict:
    """SavedModel and TF-Lite, verified, with a card. `x` are pictures of the task."""
    shape, classes = net.input_shape[1:], net.output_shape[-1]
    picture = Tensor((None, *shape), "a picture", "data", 0.0, 1.0)
    signature = Signature(
        lambda x: {"probabilities": net(x)},
        {"x": picture},
        {"probabilities": Tensor((None, classes), "of the classes", "given", 0.0, 1.0)},
    )
    calls = [{"x": x[i : i + 1].astype("float32")} for i in range(min(8, len(x)))]
    options = {"name": "classifier", "model": net, "measure": False, "about": about}
    return artifact(out, {"classify": signature}, {"classify": calls}, say=say, **options)
