"""Train an upscaler on folders of pictures into a run's folder, or go on there."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from apps.super_resolution import data
from tfgen import catalog, pictures
from tfgen.model import GenerativeModel
from tfgen.runs import Run, Settings, fit
from tfgen.runs.folder import plain

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
    precision: str | None = None,
    degradation: data.Degradation | None = None,
    start: str | Path | None = None,
    data_dir: str | Path | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """The learning rate falls to nothing by a cosine over the epochs. The end is the same, bit for bit, however often a
    run was interrupted.

    Arguments:
        folders: of pictures, with all below them, or names of TensorFlow Datasets; every 25th picture, of fewer the
            last, is held out, for choosing.
        system: a name of the catalog's family of restoration.
        patch: side of a small crop.
        precision: by default the run's, where it goes on; else mixed_bfloat16 (fp32 weights) where the device
            multiplies bf16 matrices, and float32 elsewhere.
        crops: so many are an epoch.
        degradation: of the small crops, beside being made smaller.
        start: a run or model from which weights of the same shape are taken.
        data_dir: where TensorFlow Datasets are.
    """
    if crops < batch:
        raise ValueError(f"--crops {crops}: expected at least one batch, which is of --batch {batch}")
    arguments = dict(arguments or {})
    if system == "srgan" and "features" not in arguments:
        arguments["features"] = _features(Run(out), fresh, say)
    precision = precision or _precision(Run(out), fresh)
    names = "+".join(Path(folder).name for folder in folders)
    side = patch * scale
    settings = Settings(
        system,
        {"scale": scale, **arguments},
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
    asked = plain(settings) | ({"degradation": dataclasses.asdict(degradation)} if degradation else {})
    run, policy = Run(out), keras.config.dtype_policy()
    run.check(asked, fresh)
    learnt, chosen = data.pairs(folders, scale, data_dir).split()
    held_out = data.held_out_crops(chosen, patch)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    try:
        entry = catalog.find(system)
        model = _build(settings, entry, start)
        dataset = data.crops(learnt, patch=patch, batch=batch, steps=crops // batch, seed=seed, degradation=degradation)
        about = {
            "system": system,
            "family": entry.family,
            "paper": entry.paper,
            "data": {"name": names, "pictures": len(learnt.large), "held_out": len(chosen.large)},
        }
        if start is not None:
            about["start"] = {"name": Path(start).name, "steps": int(catalog.load(start).random_state.numpy()[1])}
        return fit(run, model, dataset, held_out, asked, about=about, draw=_draw, fresh=fresh, say=say)
    finally:
        keras.config.set_dtype_policy(policy)


def _precision(run: Run, fresh: bool) -> str:
    """bf16 is twice as fast where there are units for it, and half as fast where there are none."""
    if run.card_path.is_file() and not fresh:
        return run.settings().precision
    cpu = Path("/proc/cpuinfo")
    units = tf.config.list_physical_devices("GPU") or (cpu.is_file() and "amx_bf16" in cpu.read_text())
    return "mixed_bfloat16" if units else "float32"


def _features(run: Run, fresh: bool, say: Callable[[str], None]) -> str:
    """What a run that goes on has; else those of VGG19 where its weights can be had."""
    if run.card_path.is_file() and not fresh:
        return run.settings().arguments.get("features", "spoilt")
    try:
        keras.applications.VGG19(include_top=False)
    except Exception as error:
        say(f"no weights of VGG19 ({str(error).splitlines()[0]}): features are learnt on these pictures")
        return "spoilt"
    return "vgg19"


def _draw(restored: np.ndarray, small: np.ndarray) -> np.ndarray:
    """What was given, by nearest neighbours, and beside it what is made of it."""
    times = restored.shape[1] // small.shape[1]
    given = np.asarray(small)[: len(restored)].repeat(times, 1).repeat(times, 2)
    return pictures.draw(np.concatenate([given, restored], 2), "unit")


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
