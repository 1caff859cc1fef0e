"""Train into a run folder, and sample from it."""

import contextlib
import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgen import callbacks, catalog, data, distribute, pictures, rng
from tfgen import condition as conditions
from tfgen.data.sources import Examples, Stream, open_source, with_few_labels
from tfgen.entry import Entry
from tfgen.files import whole
from tfgen.model import GenerativeModel
from tfgen.runs.folder import Run, Settings, hardware, versions
from tfgen.words import one_of

__all__ = ["epochs_of", "is_dequantised", "load_arrays", "load_data", "load_held_out", "sample", "stages", "train"]

DECAYS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    "linear": lambda done: 1 - done,
}
HELD_OUT, SHOWN, POINTS = 1000, 64, 512


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
    strategy = distribute.strategy(distribute_by)
    run, policy, writes = Run(folder), keras.config.dtype_policy(), distribute.is_chief(strategy)
    try:
        with run.locked() if writes else contextlib.nullcontext():
            if writes:
                _may_write(run, settings, fresh)
            return _train(run, settings, entry, strategy, data_dir, fresh, pictures_every, say, writes)
    finally:
        keras.config.set_dtype_policy(policy)


def _must_be_told(entry: Entry) -> bool:
    """A system that is built with a condition only."""
    condition = inspect.signature(entry.model.__init__).parameters.get("condition")
    return condition is not None and condition.default is inspect.Parameter.empty


def _check(settings: Settings, entry: Entry) -> None:
    if settings.labels and "condition" not in inspect.signature(entry.model.__init__).parameters:
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


def _train(run, settings, entry, strategy, data_dir, fresh, pictures_every, say, writes) -> Run:
    source = open_source(settings.data, "train", data_dir=data_dir, limit=settings.limit, size=settings.size)
    if settings.labelled or getattr(entry.model, "unlabelled", False):
        source = with_few_labels(source, settings.labelled)
    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    resumes = run.model_path.is_file() and not fresh
    with strategy.scope():
        model = GenerativeModel.load(run.model_path) if resumes else _build(settings, entry, source)
    if type(model) is not entry.model:
        raise ValueError(
            f"{run.model_path} holds a {type(model).__name__}, and {entry.name} is to be trained: give another --out, "
            "or --fresh"
        )
    dataset = load_data(model, settings, source)
    card = _describe(settings, entry, model, source, len(dataset))
    if resumes and run.card().get("data") != card["data"]:
        raise ValueError(
            f"{run.folder} was trained on other data ({run.card().get('data')}; now {card['data']}): give another "
            "--out, or --fresh"
        )
    done = int(model.random_state.numpy()[1]) // len(dataset)
    history = (
        [epoch for epoch in run.history() if epoch["epoch"] <= done] if resumes else []
    )  # a kill may have left one more than the model has
    if done >= settings.epochs:
        if (
            writes and run.card().get("figures", {}).get("training", {}).get("epoch") != done
        ):  # killed after its last epoch
            _finish(run, settings, model, history, done)
        again = (
            f"--epochs {2 * done}"
            if settings.decay == "none"
            else f"--epochs {2 * done} --fresh (the rate decays over all epochs)"
        )
        say(f"{run.folder} is finished: {done} epochs. {again} goes further, --fresh begins anew.")
        return run
    where = (
        hardware() if strategy.num_replicas_in_sync == 1 else f"{strategy.num_replicas_in_sync} replicas ({hardware()})"
    )
    say(
        f"{entry.name} ({card['numbers']:,} numbers) on {settings.data}: {source.count:,} examples of "
        f"{'x'.join(map(str, source.shape))}, {model.values}; "
        f"batch {settings.batch}, epochs {done + 1} to {settings.epochs}, on {where}, into {run.folder}"
    )
    held_out = load_held_out(model, settings, data_dir)
    if (waits := getattr(model, "waits", 0)) >= settings.epochs:
        say(f"its generator begins to learn after epoch {waits}: with {settings.epochs} its samples mean nothing")
    extra, rate = [_Begin(run, card, fresh)] if writes else [], card["learning_rate"]
    if settings.decay != "none":
        extra.append(
            keras.callbacks.LearningRateScheduler(
                lambda epoch, _: rate * DECAYS[settings.decay](epoch / settings.epochs)
            )
        )
    if writes:
        extra += [
            _monitor(run, settings, model, held_out, pictures_every),
            stages(run, settings, model, source),
            callbacks.Keep(run, history),
        ]
    options = {} if held_out is None else {"validation_data": held_out, "validation_batch_size": settings.batch}
    verbose = 0 if not writes else 1 if sys.stdout.isatty() else 2
    try:
        model.fit(dataset, epochs=settings.epochs, initial_epoch=done, callbacks=extra, verbose=verbose, **options)
    except callbacks.Diverged as error:
        if writes and history:  # else the card is not this run's yet
            run.write_card(
                minutes=run.minutes(), figures={**run.card().get("figures", {}), "training": {"stopped": str(error)}}
            )
        raise
    if writes:
        _finish(run, settings, model, history, settings.epochs)
    return run


class _Begin(keras.callbacks.Callback):
    """The folder becomes this run's when its first epoch is whole: until then an older run is as it was."""

    def __init__(self, run: Run, card: dict, fresh: bool):
        super().__init__()
        self.run, self.card, self.fresh = run, card, fresh

    def on_epoch_end(self, epoch, logs=None):
        if self.card is not None:
            if self.fresh:
                self.run.clear()
            self.run.write_card(**self.card)
            self.card = None


def _monitor(run: Run, settings: Settings, model: GenerativeModel, held_out, every: int) -> callbacks.Monitor:
    compared = {name: value for name, value in settings.to_json().items() if name != "arguments"}
    compared |= {f"set.{name}": value for name, value in settings.arguments.items()}
    shown = None if held_out is None else (held_out[0][:32], None if held_out[1] is None else held_out[1][:32])
    return callbacks.Monitor(
        run.logs,
        seed=settings.seed,
        condition=conditions.in_turn(model.condition, 36),
        held_out=shown,
        settings=compared,
        every=every,
    )


def stages(run: Run, settings: Settings, model: GenerativeModel, source: Examples | Stream) -> callbacks.Stages:
    """Of a run: the same noise at each, on the same square where samples are points."""
    count = (
        POINTS if model.shape == (2,) else SHOWN if max(model.shape) <= 64 else 16
    )  # large pictures: a frame that fits a screen
    wide = pictures.reach(source.x[:HELD_OUT]) if source.real else None
    span = None if model.values != "real" else (-wide, wide) if wide else (0.0, 1.0)
    return callbacks.Stages(run.stages, settings.seed, conditions.in_turn(model.condition, count), count, span=span)


def _may_write(run: Run, settings: Settings, fresh: bool) -> None:
    """One line where the folder holds something else."""
    if run.is_foreign():
        raise ValueError(f"{run.folder} holds files and is no run: give another folder with --out")
    if run.model_path.exists() and not fresh and (changes := settings.changes(run.settings())):
        raise ValueError(
            f"{run.folder} was trained with other settings ({'; '.join(changes)}): give another folder with --out, or "
            "--fresh to begin anew"
        )


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
    return model


def _leading_rate(model: GenerativeModel, settings: Settings) -> float | None:
    """Before any decay: what was asked for, or the system's own."""
    if model.optimizer is None:
        if settings.decay != "none":
            raise ValueError(f"--decay {settings.decay}: {settings.system} learns without a learning rate")
        return None
    if settings.learning_rate is not None:
        return settings.learning_rate
    optimizer = next(iter(model.players().values())).optimizer
    return float((optimizer() if optimizer else keras.optimizers.Adam(1e-3)).learning_rate)


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


def epochs_of(model: GenerativeModel, run: Run) -> int | None:
    """Those that the model was trained for: it counts its steps."""
    steps = run.card().get("steps_per_epoch")
    return int(model.random_state.numpy()[1]) // steps if steps else None


def _describe(settings: Settings, entry: Entry, model: GenerativeModel, source: Examples | Stream, steps: int) -> dict:
    return {
        "system": entry.name,
        "family": entry.family,
        "paper": entry.paper,
        "settings": settings.to_json(),
        "configuration": {name: value for name, value in model.get_config().items() if name != "dtype"},
        "learning_rate": _leading_rate(model, settings),
        "data": {
            "name": settings.data,
            "split": "train",
            "examples": source.count,
            "shape": list(source.shape),
            "classes": source.classes,
            "values": model.values,
            "dequantised": is_dequantised(model, source),
        },
        "numbers": sum(math.prod(v.shape) for v in model.variables),
        "steps_per_epoch": steps,
        "seed": settings.seed,
        "versions": versions(),
        "hardware": hardware(),
    }


def _finish(run: Run, settings: Settings, model: GenerativeModel, history: list[dict[str, float]], epochs: int) -> None:
    """Pictures, then the figures of the last epoch: they say that nothing is missing."""
    run.samples.mkdir(exist_ok=True)
    x = model.sample(SHOWN, conditions.in_turn(model.condition, SHOWN), seed=settings.seed)
    pictures.save(pictures.draw(x, model.values), run.samples / "samples.png")
    noise = model.noise(SHOWN, rng.as_seed(settings.seed))
    if hasattr(model, "decode") and isinstance(noise, dict) and "z" in noise:  # what the samples are draws of
        pictures.save(
            pictures.draw(model.decode(noise["z"], conditions.in_turn(model.condition, SHOWN)), model.values),
            run.samples / "means.png",
        )
    if history:
        pictures.curves(history, run.samples / "curves.png", f"{settings.system} on {settings.data}")
    last = {name: value for name, value in (history[-1] if history else {}).items() if name != "seconds"}
    run.write_card(
        epochs=epochs,
        minutes=run.minutes(),
        figures={**run.card().get("figures", {}), "training": {**last, "epoch": epochs}},
    )


def sample(
    run: Run, n: int, *, seed: int | None = None, label: int | None = None, out: str | Path | None = None
) -> Path:
    """n samples as a picture, or as numbers where `out` ends in .npy."""
    if n < 1:
        raise ValueError(f"-n {n}: at least one sample")
    model = catalog.load(run.model_path)
    condition = None
    if isinstance(model.condition, int):
        condition = conditions.in_turn(model.condition, n) if label is None else label
    elif label is not None:
        raise ValueError(f"--label {label}: this {run.card().get('system')} was not told labels")
    out = Path(out) if out else run.samples / f"samples-{n}{'' if seed is None else f'-seed{seed}'}.png"
    if out.suffix not in (".png", ".npy"):
        raise ValueError(f"--out {out}: a file that ends in .png (a picture) or .npy (the numbers)")
    x = model.sample(n, condition, seed=seed).numpy()
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        return pictures.save(pictures.draw(x, model.values), out)
    with whole(out) as partial:
        np.save(partial, x)
    return out
