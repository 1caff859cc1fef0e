"""A machine that learns what the pictures are like, without labels, into a run."""

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from apps.pretraining.data import Task
from tfgen import catalog, data, runs

__all__ = ["SYSTEMS", "pretrain"]

SYSTEMS = {  # how each is built where nothing else is said
    "rbm": {"learning_rate": 0.1, "chains": 0},
    "dbn": {"learning_rate": 0.1, "chains": 0, "up_down": False},
    "dbm": {"learning_rate": 0.1},
}
HELD_OUT, UPDATES = 1000, 5000


def pretrain(
    task: Task,
    folder: Path,
    *,
    system: str = "dbn",
    arguments: dict | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    fresh: bool = False,
    say: Callable[[str], None] = print,
):
    """The trained machine.

    Arguments:
        epochs: of each layer, by default as many as make UPDATES; of a DBM twice as many follow for all together.
        batch: by default 100, and 20 of fewer than 20,000 pictures.
    """
    entry = catalog.find(system)
    keras.utils.set_random_seed(seed)
    batch = batch or (100 if task.unlabelled.count >= 20_000 else 20)
    epochs = epochs or math.ceil(UPDATES / max(1, task.unlabelled.count // batch))
    given = {**SYSTEMS[system], **(arguments or {})}
    if system != "rbm":
        given["pretrain"] = epochs
    model = entry.full(task.shape, **given)
    model.compile()
    layers = len(given.get("hidden", model.sizes[1:] if system == "dbm" else (0, 0))) if system != "rbm" else 1
    total = epochs * layers + (2 * epochs if system == "dbm" else 0)
    values = {"values": model.values, "dequantise": model.values == "real"}
    dataset = data.load(task.unlabelled, "train", batch=batch, seed=seed, **values)
    held_out = task.test_x[:HELD_OUT]
    if model.values == "binary":
        held_out = (np.random.default_rng(seed).random(held_out.shape) < held_out).astype("float32")
    settings = {"system": system, "arguments": given, "epochs": total, "batch": batch, "seed": seed}
    about = {"system": system, "paper": entry.paper, "data": {"name": task.unlabelled.name}}
    run = runs.fit(
        folder, model, dataset, (held_out, None), settings, about=about, pictures_every=total, fresh=fresh, say=say
    )
    return catalog.load(run.model_path)
