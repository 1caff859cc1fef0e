"""Train an upscaler on folders of pictures into a run's folder, or go on there."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from apps.super_resolution import data
from tfgen import callbacks, catalog
from tfgen.model import GenerativeModel
from tfgen.runs import Run, Settings
from tfgen.runs import training as house

__all__ = ["train"]


def train(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    system: str = "edge_sr",
    scale: int = 4,
    arguments: dict | None = None,
    patch: int = 48,
    batch: int = 16,
    crops: int = 8000,
    epochs: int = 100,
    learning_rate: float | None = None,
    seed: int = 0,
    precision: str = "mixed_bfloat16",
    start: str | Path | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """The learning rate falls to nothing by a cosine over the epochs. The end is the same, bit for bit, however often a
    run was interrupted.

    Arguments:
        folders: of pictures, with all below them; every 25th is held out, for choosing.
        system: a name of the catalog's family of restoration.
        patch: side of a small crop.
        crops: so many are an epoch.
        start: a run or model from which weights of the same shape are taken.
    """
    names = "+".join(Path(folder).name for folder in folders)
    side = patch * scale
    settings = Settings(
        system,
        {"scale": scale, **(arguments or {})},
        names,
        limit=crops,
        size=(side, side),
        batch=batch,
        epochs=epochs,
        learning_rate=learning_rate,
        decay="cosine",
        seed=seed,
        precision=precision,
    )
    run, policy = Run(out), keras.config.dtype_policy()
    with run.locked():
        house._may_write(run, settings, fresh)
        keras.utils.set_random_seed(seed)
        keras.config.set_dtype_policy(precision)
        try:
            return _train(run, settings, data.found(folders), patch, start, fresh, say)
        finally:
            keras.config.set_dtype_policy(policy)


def _train(run: Run, settings: Settings, paths, patch: int, start, fresh: bool, say) -> Run:
    entry, scale = catalog.find(settings.system), settings.arguments["scale"]
    resumes = run.model_path.is_file() and not fresh
    model = GenerativeModel.load(run.model_path) if resumes else _build(settings, entry, start)
    steps = settings.limit // settings.batch
    done = int(model.random_state.numpy()[1]) // steps
    if done >= settings.epochs:
        say(f"{run.folder} is finished: {done} epochs. --fresh begins anew.")
        return run
    learnt, chosen = data.pairs(paths, scale).split()
    dataset = data.crops(learnt, patch=patch, batch=settings.batch, steps=steps, seed=settings.seed)
    held_out = data.held_out_crops(chosen, patch)
    rate = house._leading_rate(model, settings)
    card = {
        "system": entry.name,
        "family": entry.family,
        "paper": entry.paper,
        "settings": settings.to_json(),
        "configuration": {name: value for name, value in model.get_config().items() if name != "dtype"},
        "learning_rate": rate,
        "data": {"name": settings.data, "pictures": len(learnt.large), "held_out": len(chosen.large)},
        "numbers": sum(math.prod(v.shape) for v in model.trainable_variables),
        "steps_per_epoch": steps,
        "seed": settings.seed,
        "versions": house.versions(),
        "hardware": house.hardware(),
    }
    history = [epoch for epoch in run.history() if epoch["epoch"] <= done] if resumes else []
    say(
        f"{entry.name} x{scale} ({card['numbers']:,} numbers) on {len(learnt.large)} pictures of {settings.data}, "
        f"{len(chosen.large)} held out; batch {settings.batch} of {patch}x{patch}, epochs {done + 1} to "
        f"{settings.epochs} of {steps} steps, into {run.folder}"
    )
    extra = [
        house._Begin(run, card, fresh),
        keras.callbacks.LearningRateScheduler(lambda epoch, _: rate * house.DECAYS["cosine"](epoch / settings.epochs)),
        callbacks.Keep(run, history),
    ]
    model.fit(
        dataset,
        epochs=settings.epochs,
        initial_epoch=done,
        callbacks=extra,
        verbose=2,
        validation_data=held_out,
        validation_batch_size=settings.batch,
    )
    last = {name: value for name, value in history[-1].items() if name != "seconds"}
    run.write_card(epochs=settings.epochs, minutes=run.minutes(), figures={"training": last})
    return run


def _build(settings: Settings, entry, start) -> GenerativeModel:
    model = entry.full((*settings.size, 3), **settings.arguments)
    if start is not None:
        _take(model, catalog.load(start))
    model.compile()
    if settings.learning_rate is not None:
        model.optimizer.learning_rate = settings.learning_rate
    return model


def _take(model: GenerativeModel, other: GenerativeModel) -> None:
    """The other's weights, where they have the same shape at the same place; its moving averages where it has any."""
    theirs = other.averages or other.net.trainable_variables
    for ours, copy, given in zip(
        model.net.trainable_variables, model.averages or model.net.trainable_variables, theirs, strict=False
    ):
        if ours.shape == given.shape:
            ours.assign(np.asarray(given.value))
            copy.assign(np.asarray(given.value))
