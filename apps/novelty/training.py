"""A variational auto-encoder of normal examples, into a run's folder."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from apps.novelty import data, scoring
from tfgen import catalog
from tfgen import data as tfgen_data
from tfgen.runs import Run, Settings, fit
from tfgen.runs.folder import plain

__all__ = ["DEFAULTS", "QUANTILE", "batch_for", "build", "card_of", "thresholds", "train"]

QUANTILE = 0.95  # of normal examples that were held out: scores above it are called new
DEFAULTS = {"likelihood": "gaussian:0.1", "latent": 16, "hidden": (256, 256), "activation": "relu"}


def train(
    name: str,
    label: int | None,
    out: str | Path,
    *,
    arguments: dict | None = None,
    size: tuple[int, int] | None = None,
    limit: int | None = None,
    batch: int | None = None,
    epochs: int = 50,
    seed: int = 0,
    data_dir: str | Path | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Learns what is normal: a set, a folder, or one class of it.

    Arguments:
        batch: by default 20 steps are an epoch, of 10 to 100 examples.
        arguments: of `tfgen.VAE`, in place of those of DEFAULTS. It takes real values and has a diagonal posterior
            and the normal prior.
    """
    arguments = {**DEFAULTS, **(arguments or {})}
    learnt, kept = data.normal(name, label, data_dir=data_dir, limit=limit, size=size)
    batch = batch or batch_for(learnt.count)
    settings = Settings(
        "vae", arguments, name, size=size, limit=limit, batch=batch, epochs=epochs, decay="cosine", seed=seed
    )
    asked = plain(settings) | {"normal": label}
    run = Run(out)
    run.check(asked, fresh)
    model = build(learnt.shape, arguments, seed)
    dataset = tfgen_data.load(learnt, batch=batch, seed=seed, values="real")
    held_out = tfgen_data.arrays(kept, values="real"), None
    about = {"system": "vae", "family": "variational", "data": {"name": learnt.name, "held_out": kept.count}}
    every = max(1, epochs // 5)
    fit(run, model, dataset, held_out, asked, about=about, pictures_every=every, fresh=fresh, say=say)
    scores = {by: scoring.score(catalog.load(run.model_path), held_out[0], by) for by in scoring.SCORES}
    run.write_card(novelty={by: float(np.quantile(values, QUANTILE)) for by, values in scores.items()})
    return run


def build(shape, arguments: dict, seed: int):
    """A compiled model of its first weights."""
    keras.utils.set_random_seed(seed)
    model = catalog.find("vae").full(shape, **arguments)
    if model.values != "real" or model.kl_of_dimensions(np.zeros((1, *model.shape), np.float32)) is None:
        raise ValueError(
            "the scores are those of real values, a diagonal posterior and the normal prior: take a gaussian "
            "likelihood, posterior=diagonal and prior=normal"
        )
    model.compile()
    return model


def card_of(run: Run) -> dict:
    """Of a run that `train` made."""
    card = run.card()
    if "normal" not in card.get("settings", {}):
        raise ValueError(f"{run.folder} is no run of novelty: give a folder that `python -m apps.novelty train` made")
    return card


def thresholds(run: Run) -> dict[str, float]:
    """The scores above which an example is called new."""
    if "novelty" not in (card := card_of(run)):
        raise ValueError(f"{run.folder} was not learnt to its end: train it with the same command as before")
    return card["novelty"]


def batch_for(count: int) -> int:
    """20 steps are an epoch, of 10 to 100 examples."""
    return int(np.clip(count // 20, 10, 100))
