"""A trained scorer → a folder that works without this project: one picture in, its scores out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from apps.novelty import data, scoring, training
from export.artifact import artifact
from export.contract import Signature, Tensor
from tfgen import catalog
from tfgen.runs import Run

__all__ = ["export"]

SHOWN = 8


def export(run: Run, out: str | Path, *, data_dir=None, say: Callable = print) -> dict:
    """SavedModel and TF-Lite, float32 and float16, verified against Keras; its card says where novelty begins."""
    found, card, model = training.thresholds(run), run.card(), catalog.load(run.model_path)
    asked = card["settings"]
    size = tuple(asked["size"]) if asked.get("size") else None
    _, kept = data.normal(asked["data"], asked["normal"], data_dir=data_dir, limit=asked["limit"], size=size)
    x = kept.x[:SHOWN].astype(np.float32) / 255
    signature = Signature(
        lambda x: scoring.pieces(model, x),
        {"x": Tensor((None, *model.shape), "a picture", "data", 0.0, 1.0)},
        {
            "bound": Tensor((None,), "how new it is, in nats: minus a bound of log p(x) at the posterior's mean"),
            "reconstruction": Tensor((None,), "how new it is, in nats: by what is reconstructed alone"),
        },
    )
    about = {
        "title": "How new a picture is",
        "what": f"a variational auto-encoder of {card['data']['name']}",
        "threshold": found,
        "threshold_how": "scores above it are called new: 1 in 20 normal examples that were held out lie there",
        "data": card["data"],
        "seed": card["seed"],
        "settings": asked,
    }
    calls = {"score": [{"x": row[None]} for row in x]}
    return artifact(
        out, {"score": signature}, calls, name="novelty", formats=("float32", "float16"), about=about, say=say
    )
