"""Train an enhancer on folders of speech and noise into a run's folder, or go on there."""

import dataclasses
import math
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from apps.speech_enhancement import data
from tfgen import callbacks, catalog
from tfgen.model import GenerativeModel
from tfgen.runs import Run
from tfgen.runs import training as house

__all__ = ["Settings", "train"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the weights.

    Arguments:
        system: a name of the catalog's family of restoration.
        arguments: of its constructor.
        data: the folders' names, and how many minutes of speech and noise they hold.
        seconds: of a mixture.
        batch, steps, epochs: mixtures in a step, steps in an epoch.
        learning_rate: the highest, after `warm_up` steps; then it falls to nothing by a cosine.
        seed: of the weights and of every mixture.
        xla: the training step is compiled.
    """

    system: str = "edge_se"
    arguments: dict = dataclasses.field(default_factory=dict)
    data: str = ""
    seconds: float = 2.0
    batch: int = 8
    steps: int = 250
    epochs: int = 40
    learning_rate: float = 2e-3
    warm_up: int = 300
    seed: int = 0
    xla: bool = True


def train(
    kinds: dict[str, list[Path]],
    out: str | Path,
    settings: Settings,
    *,
    cache: Path,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """The end is the same, bit for bit, however often it was interrupted.

    Arguments:
        kinds: of sounds, "clean", "noise" and "rooms", each a list of files; every 25th is held out, for the curves.
        cache: a folder for the decoded sounds.
    """
    for kind in ("clean", "noise"):
        if not kinds.get(kind):
            raise ValueError(f"no {kind} sounds were found: name a folder {' or '.join(data.KINDS[kind])}…")
    run = Run(out)
    with run.locked():
        if run.is_foreign():
            raise ValueError(f"{run.folder} holds files and is no run: give another folder with --out")
        pools = {kind: data.pool(paths, cache).split() for kind, paths in kinds.items() if paths}
        minutes = {kind: round(part.minutes, 1) for kind, (part, _) in pools.items()}
        about = ", ".join(f"{len(pools[kind][0])} of {kind} ({minutes[kind]} min)" for kind in pools)
        settings = dataclasses.replace(settings, data=about)
        given = {**dataclasses.asdict(settings)}
        if run.model_path.is_file() and not fresh:
            theirs = run.card().get("settings", {})
            if changes := [f"{k} {theirs.get(k)!r} → {v!r}" for k, v in given.items() if theirs.get(k) != v]:
                raise ValueError(
                    f"{run.folder} was trained with other settings ({'; '.join(changes)}): give another folder with "
                    "--out, or --fresh to begin anew"
                )
        return _train(run, settings, given, pools, fresh, say)


def _train(run: Run, settings: Settings, given: dict, pools, fresh: bool, say) -> Run:
    entry = catalog.find(settings.system)
    samples = round(settings.seconds * data.RATE)
    keras.utils.set_random_seed(settings.seed)
    resumes = run.model_path.is_file() and not fresh
    if resumes:
        model = GenerativeModel.load(run.model_path)
    else:
        model = entry.full((samples,), **settings.arguments)
        rate = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate / 100,
            max(1, settings.steps * settings.epochs - settings.warm_up),
            warmup_target=settings.learning_rate,
            warmup_steps=settings.warm_up,
        )
        optimizer = next(iter(model.players().values())).optimizer()
        config = {**optimizer.get_config(), "learning_rate": keras.saving.serialize_keras_object(rate)}
        model.compile(type(optimizer).from_config(config), jit_compile=settings.xla)
    done = int(model.random_state.numpy()[1]) // settings.steps
    if done >= settings.epochs:
        say(f"{run.folder} is finished: {done} epochs. --fresh begins anew.")
        return run
    rooms = pools.get("rooms", (None, None))
    mixer = data.Mixer(pools["clean"][0], pools["noise"][0], rooms[0], samples, settings.seed)
    mixed = data.dataset(mixer, batch=settings.batch, steps=settings.steps)
    held_out = None
    if len(pools["clean"][1]) and len(pools["noise"][1]):
        judge = data.Mixer(pools["clean"][1], pools["noise"][1], None, samples, settings.seed)
        held_out = tuple(map(np.stack, zip(*(judge(0, i) for i in range(8 * settings.batch)), strict=True)))
    card = {
        "system": entry.name,
        "family": entry.family,
        "paper": entry.paper,
        "settings": given,
        "configuration": {name: value for name, value in model.get_config().items() if name != "dtype"},
        "numbers": sum(math.prod(v.shape) for v in model.trainable_variables),
        "steps_per_epoch": settings.steps,
        "seed": settings.seed,
        "versions": house.versions(),
        "hardware": house.hardware(),
    }
    history = [epoch for epoch in run.history() if epoch["epoch"] <= done] if resumes else []
    say(
        f"{entry.name} ({card['numbers']:,} numbers) on {settings.data}; batch {settings.batch} of "
        f"{settings.seconds:g} s, epochs {done + 1} to {settings.epochs} of {settings.steps} steps, into {run.folder}"
    )
    model.fit(
        mixed,
        epochs=settings.epochs,
        initial_epoch=done,
        callbacks=[house._Begin(run, card, fresh), callbacks.Keep(run, history)],
        verbose=1 if sys.stdout.isatty() else 2,
        validation_data=held_out,
        validation_batch_size=settings.batch,
    )
    last = {name: value for name, value in history[-1].items() if name != "seconds"}
    run.write_card(epochs=settings.epochs, minutes=run.minutes(), figures={"training": last})
    return run
