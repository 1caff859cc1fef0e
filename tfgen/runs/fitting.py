"""The seam between a model and its run: whatever surrounds `model.fit`, once, for the catalog and the applications."""

import contextlib
import dataclasses
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen import callbacks as house
from tfgen import condition as conditions
from tfgen import distribute, pictures
from tfgen.checks import one_of
from tfgen.model import GenerativeModel
from tfgen.runs.folder import Run, hardware, plain, versions

__all__ = ["DECAYS", "Subject", "check_epochs", "epochs_of", "fit", "snapshots"]

DECAYS: dict[str, Callable[[float], float]] = {
    "none": lambda done: 1.0,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    "linear": lambda done: 1 - done,
}
GAP, DIMENSIONS = 500, 500  # examples on either side of the free-energy gap; those that divergences are the means of
SHOWN, POINTS, LARGE = 64, 512, 16  # samples in a picture: of most shapes; points; pictures above 64 pixels
MOST = 1_000_000  # epochs
DEFAULTS = {"seed": 0, "batch": None, "decay": "none"}


def fit(
    run: Run | str | Path,
    model: GenerativeModel,
    dataset: tf.data.Dataset,
    held_out: tuple | tf.data.Dataset | None = None,
    settings: Any = None,
    *,
    about: Mapping | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    draw: Callable[[np.ndarray], np.ndarray] | None = None,
    pictures_every: int = 1,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """Trains a model into a folder, or goes on there: the end is the same, bit for bit, however often it was
    interrupted.

    The folder is locked, and holds after every epoch the model, its card, the history, TensorBoard's logs and pictures.
    Where a loss is not finite, the last good epoch stays. The model needs no row in the catalog.

    Arguments:
        run: the folder.
        model: compiled, in the state in which its training is to begin; where the folder holds a run that is not
            finished, the model takes over its state.
        dataset: batches of x or (x, condition), equally many in each epoch. `dataset.epochs.next` is set to the epoch
            that the next pass is: `tfgen.data.load` gives such datasets, and `tfgen.data.Epochs` helps to make others.
        held_out: (x, condition or None) or a dataset: for the curves, and to draw and reconstruct with.
        settings: a dict or dataclass of everything that decides the weights. `epochs` must be among them; `seed` (of
            pictures), `batch` (of the validation) and `decay` ("none", "cosine" or "linear", of the learning rate) are
            understood; all others are for the card. A folder of other settings is refused, but for more epochs.
        about: more for the card, such as {"system": "vae", "data": {"name": "digits"}}.
        callbacks: your own, called before the epoch is logged and the model saved: what they add to the logs is logged.
            The folder may still hold another run until the first epoch is whole: write at the end of epochs.
        draw: makes a picture, uint8 [height, width, 3], of samples [n, *shape]; else `tfgen.pictures.draw` does.
        pictures_every: samples, reconstructions and histograms for TensorBoard each so many epochs.
        fresh: forgets what the folder holds.
        say: takes each line for people.

    Example:
        keras.utils.set_random_seed(0)  # of the first weights
        model = tfgen.VAE((8, 8, 1))
        model.compile()
        digits = tfgen.data.load("digits", values="binary", seed=0)
        held_out = tfgen.data.arrays("digits", "test", values="binary"), None
        tfgen.runs.fit("runs/mine", model, digits, held_out, {"epochs": 20, "seed": 0})
    """
    run = run if isinstance(run, Run) else Run(run)
    asked = {**DEFAULTS, **plain(settings)}
    _check(asked, dataset)
    writes = distribute.is_chief(model.distribute_strategy)
    with run.locked() if writes else contextlib.nullcontext():
        if writes:
            run.check(asked, fresh)
        subject = Subject.of(model, held_out, dataset, asked["seed"], draw)
        card = _card(subject, dataset, asked, about or {})
        resumes = run.model_path.is_file() and not fresh
        if resumes:
            _resume(run, model, card)
        done, epochs = (_steps(model) - card["begun_at_step"]) // len(dataset), asked["epochs"]
        # a kill may have left one epoch more than the model has
        history = [epoch for epoch in run.history() if epoch["epoch"] <= done] if resumes else []
        if done >= epochs:
            if writes and run.card().get("figures", {}).get("training", {}).get("epoch") != done:
                _finish(run, subject, history, done)  # killed after its last epoch
            more = f"--epochs {2 * done}"
            more += " --fresh (the rate decays over all epochs)" if asked["decay"] != "none" else ""
            say(f"{run.folder} is finished: {done} epochs. {more} goes further, --fresh begins anew.")
            return run
        say(_first_line(run, model, card, done))
        ours = list(callbacks)
        if writes:
            begin, *others = _callbacks(run, subject, held_out, card, history, fresh, pictures_every)
            ours = [begin, *callbacks, *others]
            if hasattr(model, "free_energy") and held_out is not None:
                seen, unseen = (_first(data, GAP)[0] for data in (dataset, held_out))
                ours.insert(1, house.FreeEnergyGap(seen, unseen))  # before the terms are written
        if asked["decay"] != "none":
            rate, shape = card["learning_rate"], DECAYS[asked["decay"]]
            ours.insert(0, keras.callbacks.LearningRateScheduler(lambda epoch, _: rate * shape(epoch / epochs)))
        if writes:
            ours.append(house.Progress(say))
        validation = {} if held_out is None else {"validation_data": held_out}
        if isinstance(held_out, tuple):
            validation["validation_batch_size"] = asked["batch"] or _batch_of(dataset)
        try:
            model.fit(dataset, epochs=epochs, initial_epoch=done, callbacks=ours, verbose=0, **validation)
        except house.Diverged as error:
            if writes and history:  # else the card is not this run's yet
                _figures(run, {"stopped": str(error)})
            raise
        except KeyboardInterrupt:
            same = "the same command without --fresh" if fresh else "the same command"
            print(f"\ninterrupted: every finished epoch is in {run.folder}; {same} goes on from there", file=sys.stderr)
            raise
        if writes:
            _finish(run, subject, history, epochs)
    return run


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model, and what its pictures are drawn with: held-out examples and their conditions, one seed, one scale."""

    model: GenerativeModel
    held_out: tuple | None  # the first examples (x, condition or None)
    conditions: Any  # of the first examples, held out or else of training; None for a model that takes none
    origin: str | None  # where these are from
    span: tuple[float, float] | None  # of real values: what is black and what is white, or the edges of a square
    seed: int
    draw: Callable

    @classmethod
    def of(cls, model: GenerativeModel, held_out, training, seed: int, draw: Callable | None = None) -> "Subject":
        """`held_out` and `training`: (x, condition or None), or datasets."""
        shown, trained = _first(held_out, SHOWN), None
        if shown is None:
            trained = _first(training, SHOWN)
        x, condition = shown or trained
        span = pictures.span(np.asarray(x), model.values)
        origin = None if model.condition is None else "held-out examples" if shown else "training examples"
        if conditions.has_turns(model.condition):
            origin = "every class in turn"
        given = pictures.picture_in
        behind = np.asarray(_first(held_out or training, POINTS)[0]) if model.shape == (2,) else None
        columns = conditions.turns(model.condition)
        draw = draw or (lambda x, condition: pictures.draw(x, model.values, columns, span, given(condition), behind))
        return cls(model, shown, condition, origin, span, seed, draw)

    @property
    def count(self) -> int:
        """Of samples in a picture."""
        return POINTS if self.model.shape == (2,) else self.whole(SHOWN if max(self.model.shape) <= 64 else LARGE)

    def whole(self, n: int) -> int:
        """So many, or fewer, that every class has as many of them as the others."""
        classes = conditions.turns(self.model.condition) or 1
        return max(n // classes, 1) * classes

    def conditions_for(self, n: int):
        return conditions.in_turn(self.model.condition, n, self.conditions)

    def picture(self, n: int | None = None) -> np.ndarray:
        condition = self.conditions_for(n or self.count)
        return self.draw(self.model.sample(n or self.count, condition, seed=self.seed).numpy(), condition)

    def means(self, n: int) -> np.ndarray | None:
        """The picture of what the samples are drawn around, where that is another."""
        if not self.model.decodes:
            return None
        condition = self.conditions_for(n)
        return self.draw(self.model.show(n, condition, seed=self.seed).numpy(), condition)


def snapshots(run: Run, subject: Subject) -> house.Snapshots:
    """Of a run: the same noise at each, on the same scale."""
    told = subject.conditions_for(subject.count)
    return house.Snapshots(run.stages, subject.seed, told, subject.count, draw=subject.draw)


def _callbacks(
    run: Run, subject: Subject, held_out, card: dict, history: list, fresh: bool, pictures_every: int
) -> list[keras.callbacks.Callback]:
    compared = {k: v for k, v in card["settings"].items() if k != "arguments"}
    compared |= {f"set.{name}": value for name, value in (card["settings"].get("arguments") or {}).items()}
    monitor = house.Monitor(
        run.logs,
        seed=subject.seed,
        condition=subject.conditions_for(few := subject.whole(36)),
        samples=few,
        held_out=_first(held_out, DIMENSIONS if hasattr(subject.model, "kl_of_dimensions") else SHOWN),
        settings=compared,
        every=pictures_every,
        draw=subject.draw,
    )
    return [_Begin(run, card, subject, fresh), monitor, snapshots(run, subject), house.Keep(run, history)]


class _Begin(keras.callbacks.Callback):
    """The folder becomes this run's when its first epoch is whole: until then an older run is as it was."""

    def __init__(self, run: Run, card: dict, subject: Subject, fresh: bool):
        super().__init__()
        self.run, self.card, self.subject, self.fresh = run, card, subject, fresh

    def on_epoch_end(self, epoch, logs=None):
        if self.card is not None:
            if self.fresh:
                self.run.clear()
            self.run.write_card(**self.card)
            self.run.write_conditions(self.subject.conditions)
            self.card = None


def check_epochs(epochs) -> None:
    if not isinstance(epochs, int) or not 1 <= epochs <= MOST:
        raise ValueError(f"epochs={epochs!r}: expected a whole number from 1 to {MOST:,}")


def _check(asked: dict, dataset) -> None:
    check_epochs(asked.get("epochs"))
    one_of(f"decay={asked['decay']!r}", asked["decay"], DECAYS)
    if not isinstance(dataset, tf.data.Dataset) or int(dataset.cardinality()) < 1:
        raise ValueError(
            "a run trains on a tf.data.Dataset that knows how many batches an epoch has: tfgen.data.load gives one, or "
            "apply tf.data.experimental.assert_cardinality"
        )


def _card(subject: Subject, dataset, asked: dict, about: Mapping) -> dict:
    model, spec = subject.model, {}
    for name in ("name", "examples", "shape", "condition"):
        if (value := getattr(dataset, name, None)) is not None:
            spec[name] = list(value) if isinstance(value, tuple) else value
    data = {"split": "train", "shape": list(model.shape), **spec, "values": model.values, **about.get("data", {})}
    return {
        **about,
        "model": type(model).__name__,
        "settings": asked,
        "configuration": {name: value for name, value in model.get_config().items() if name != "dtype"},
        "learning_rate": _leading_rate(model, asked),
        "data": data,
        "conditions": subject.origin,
        "span": subject.span and list(map(float, subject.span)),
        "numbers": sum(math.prod(v.shape) for v in model.variables),
        "steps_per_epoch": len(dataset),
        "begun_at_step": _steps(model),
        "seed": asked["seed"],
        "versions": versions(),
        "hardware": hardware(),
    }


def _leading_rate(model: GenerativeModel, asked: dict) -> float | None:
    """Before any decay; None of a model that learns without one."""
    if model.optimizer is not None:
        return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    if asked["decay"] != "none":
        raise ValueError(f"decay={asked['decay']!r}: {type(model).__name__} learns without a learning rate")
    return None


def _resume(run: Run, model: GenerativeModel, card: dict) -> None:
    """The state of the run into the model, which must be built as the run's was."""
    old = run.card()
    if old.get("model", card["model"]) != card["model"]:
        raise ValueError(
            f"{run.folder} holds a {old['model']}, and a {card['model']} is to be trained: give another folder with "
            "--out, or --fresh"
        )
    now, then = ({"steps_per_epoch": c.get("steps_per_epoch"), **c.get("data", {})} for c in (card, old))
    if any(now[name] != then[name] for name in now.keys() & then.keys()):
        raise ValueError(
            f"{run.folder} was trained on other data ({then}; now {now}): give another folder with --out, or --fresh"
        )
    with model.distribute_strategy.scope():
        saved = type(model).load(run.model_path)
    mine, theirs = _state(model), _state(saved)
    if [v.shape for v in mine] != [v.shape for v in theirs]:
        raise ValueError(f"{run.model_path} holds a {card['model']} of other sizes: give another --out, or --fresh")
    for variable, other in zip(mine, theirs, strict=True):
        variable.assign(other.numpy())
    model.make_train_function(force=True)  # the stage of a model that learns in stages is among the state
    model.make_test_function(force=True)
    card["begun_at_step"] = old.get("begun_at_step", 0)


def _state(model: GenerativeModel) -> list:
    return [*model.variables, *(v for optimizer in model.optimizers.values() for v in optimizer.variables)]


def _steps(model: GenerativeModel) -> int:
    return int(model.random_state.numpy()[1])


def epochs_of(model: GenerativeModel, run: Run) -> int | None:
    """Those that the model was trained for: it counts its steps."""
    card = run.card()
    steps = card.get("steps_per_epoch")
    return (_steps(model) - card.get("begun_at_step", 0)) // steps if steps else None


def _first_line(run: Run, model: GenerativeModel, card: dict, done: int) -> str:
    data, replicas = card["data"], model.distribute_strategy.num_replicas_in_sync
    examples = f"{data['examples']:,} examples" if "examples" in data else f"{card['steps_per_epoch']:,} batches"
    where = card["hardware"] if replicas == 1 else f"{replicas} replicas ({card['hardware']})"
    batch = f"batch {card['settings']['batch']}, " if card["settings"]["batch"] else ""
    return (
        f"{card.get('system', card['model'])} ({card['numbers']:,} numbers) on {data.get('name', 'your data')}: "
        f"{examples} of {'x'.join(map(str, data['shape']))}, {model.values}; "
        f"{batch}epochs {done + 1} to {card['settings']['epochs']}, on {where}, into {run.folder}"
    )


def _finish(run: Run, subject: Subject, history: list[dict[str, float]], epochs: int) -> None:
    """Pictures, then the figures of the last epoch: they say that nothing is missing."""
    run.samples.mkdir(exist_ok=True)
    n = min(subject.count, SHOWN)
    pictures.save(subject.picture(n), run.samples / "samples.png")
    if (means := subject.means(n)) is not None:
        pictures.save(means, run.samples / "means.png")
    if history:
        card = run.card()
        title = f"{card.get('system', card['model'])} on {card['data'].get('name', 'your data')}"
        pictures.curves(history, run.samples / "curves.png", title)
    last = {k: v for k, v in (history[-1] if history else {}).items() if not k.endswith("seconds")}
    run.write_card(epochs=epochs)
    _figures(run, {**last, "epoch": epochs})


def _figures(run: Run, training: dict) -> None:
    run.write_card(**run.minutes(), figures={**run.card().get("figures", {}), "training": training})


def _first(data, n: int) -> tuple | None:
    """The first n examples of (x, condition or None), or of a dataset."""
    if data is None:
        return None
    if isinstance(data, tf.data.Dataset):
        pairs = data.element_spec if isinstance(data.element_spec, tuple) else (data.element_spec,)
        x, condition = next(
            iter(
                data.map(lambda *e: (e[0], e[1]) if len(pairs) > 1 else (e[0], tf.zeros_like(e[0]))).unbatch().batch(n)
            )
        )
        return tf.nest.map_structure(np.asarray, (x, condition if len(pairs) > 1 else None))
    x, condition = (*data, None)[:2]
    cut = lambda part: np.asarray(part[:n])
    return cut(x), None if condition is None else tf.nest.map_structure(cut, condition)


def _batch_of(dataset: tf.data.Dataset) -> int:
    return next((s[0] for v in tf.nest.flatten(dataset.element_spec) if (s := tuple(v.shape)) and s[0]), 32)
