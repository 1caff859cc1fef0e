"""Train into a run folder, and sample from it."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgen import catalog, data, distribute, pictures, signature
from tfgen.checks import one_of
from tfgen.data.sources import Examples, Stream, open_source, with_few_labels
from tfgen.entry import Entry
from tfgen.files import whole
from tfgen.model import GenerativeModel
from tfgen.runs.fitting import DECAYS, fit
from tfgen.runs.folder import Run, Settings, plain

__all__ = ["is_dequantised", "load_arrays", "load_data", "load_held_out", "sample", "train"]

HELD_OUT = 1000


def train(
    settings: Settings,
    folder: str | Path,
    *,
    data_dir: str | Path | None = None,
    fresh: bool = False,
    distribute_by: str = "none",
    pictures_every: int = 1,
    say: Callable[[str], None] = print,
) -> Run:
    """Trains into a folder, or goes on there: the end is the same, bit for bit, however often it was interrupted.

    Arguments:
        settings: what decides the weights.
        fresh: forgets what the folder holds.
        distribute_by: "none", "mirrored" or "multiworker"; of several workers only the first one writes.
        pictures_every: samples, reconstructions and histograms for TensorBoard each so many epochs.
        say: takes each line for people.
    """
    entry = catalog.find(settings.system)
    settings = replace(
        settings,
        batch=settings.batch or entry.batch,
        epochs=settings.epochs or entry.epochs,
        labels=settings.labels or _must_be_told(entry),
    )
    _check(settings, entry)
    strategy, policy = distribute.strategy(distribute_by), keras.config.dtype_policy()
    run = Run(folder)
    run.check(plain(settings), fresh)
    source = open_source(settings.data, "train", data_dir=data_dir, limit=settings.limit, size=settings.size)
    if settings.labelled or getattr(entry.model, "unlabelled", False):
        source = with_few_labels(source, settings.labelled)
    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    try:
        with strategy.scope():
            model = _build(settings, entry, source)
        dataset, held_out = load_data(model, settings, source), load_held_out(model, settings, data_dir)
        if (waits := getattr(model, "waits", 0)) >= settings.epochs:
            say(f"its generator begins to learn after epoch {waits}: with {settings.epochs} its samples mean nothing")
        about = {
            "system": entry.name,
            "family": entry.family,
            "paper": entry.paper,
            "data": {"name": settings.data, "classes": source.classes, "dequantised": is_dequantised(model, source)},
        }
        return fit(
            run, model, dataset, held_out, settings, about=about, pictures_every=pictures_every, fresh=fresh, say=say
        )
    finally:
        keras.config.set_dtype_policy(policy)


def _must_be_told(entry: Entry) -> bool:
    """A system that is built with a condition only."""
    condition = signature.parameters(entry.model).get("condition")
    return condition is not None and condition.default is inspect.Parameter.empty


def _check(settings: Settings, entry: Entry) -> None:
    if settings.labels and "condition" not in signature.parameters(entry.model):
        raise ValueError(f"--labels: {entry.name} cannot be told labels")
    if settings.labelled and not settings.labels:
        raise ValueError(
            f"--labelled {settings.labelled}: {entry.name} is told no labels; give --labels, too, or train joint_gan"
        )
    one_of(f"--decay {settings.decay}", settings.decay, DECAYS)
    if settings.learning_rate is not None and not settings.learning_rate > 0:
        raise ValueError(f"--learning-rate {settings.learning_rate:g}: expected a number above 0")
    if min(settings.batch, settings.epochs) < 1:
        raise ValueError(f"batch {settings.batch} and epochs {settings.epochs}: both are at least 1")


def _build(settings: Settings, entry: Entry, source: Examples | Stream) -> GenerativeModel:
    arguments = dict(settings.arguments)
    if settings.labels:
        if source.classes is None:
            raise ValueError(f"--labels: {settings.data} has none")
        arguments["condition"] = source.classes
    model = entry.full(source.shape, **arguments)
    model.compile(jit_compile=settings.xla)
    if settings.learning_rate is not None:
        if model.optimizer is None:
            raise ValueError(f"--learning-rate: {entry.name} learns without one")
        model.optimizer.learning_rate = settings.learning_rate
    if settings.decay != "none" and model.optimizer is None:
        raise ValueError(f"--decay {settings.decay}: {entry.name} learns without a learning rate")
    return model


def load_data(model: GenerativeModel, settings: Settings, source: Examples | Stream) -> tf.data.Dataset:
    """To train on, in the values of the model."""
    if source.real and model.values != "real":
        raise ValueError(
            f"{settings.data} holds real numbers, and this {settings.system} takes {model.values} values: take other "
            "data, or see its arguments"
        )
    return data.load(source, "train", batch=settings.batch, seed=settings.seed, **_form(model, settings, source))


def load_arrays(
    model: GenerativeModel, settings: Settings, source: Examples | Stream, seed: int = 0
) -> tuple[np.ndarray, np.ndarray | None]:
    """x and the labels (None for a model that is not told any), in their own order."""
    given = data.arrays(source, seed=seed, **_form(model, settings, source))
    return given if isinstance(given, tuple) else (given, None)


def _form(model: GenerativeModel, settings: Settings, source: Examples | Stream) -> dict:
    return {
        "values": model.values,
        "binarise": settings.binarise,
        "dequantise": is_dequantised(model, source),
        "condition": model.condition is not None,
    }


def is_dequantised(model: GenerativeModel, source: Examples | Stream) -> bool:
    """Bytes are, for a density of real numbers."""
    return not source.real and model.values == "real" and (hasattr(model, "log_prob") or hasattr(model, "bound"))


def load_held_out(
    model: GenerativeModel, settings: Settings, data_dir: str | Path | None
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """The first thousand examples of the test split, for the curves; None where the data have none."""
    try:
        source = open_source(settings.data, "test", data_dir=data_dir, limit=HELD_OUT, size=settings.size)
    except ValueError as error:
        if "split" not in str(error):
            raise
        return None
    return load_arrays(model, settings, source)


def sample(
    run: Run, n: int, *, seed: int | None = None, label: int | None = None, out: str | Path | None = None
) -> Path:
    """n samples as a picture, or as numbers where `out` ends in .npy."""
    if n < 1:
        raise ValueError(f"-n {n}: at least one sample")
    model = catalog.load(run.model_path)
    if label is not None and not isinstance(model.condition, int):
        raise ValueError(f"--label {label}: this {run.card().get('system')} was not told labels")
    out = Path(out) if out else run.samples / f"samples-{n}{'' if seed is None else f'-seed{seed}'}.png"
    if out.suffix not in (".png", ".npy"):
        raise ValueError(f"--out {out}: a file that ends in .png (a picture) or .npy (the numbers)")
    x = model.sample(n, run.conditions(model, n) if label is None else label, seed=seed).numpy()
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        return pictures.save(pictures.draw(x, model.values), out)
    with whole(out) as partial:
        np.save(partial, x)
    return out
