"""Train an enhancer on folders of speech and noise into a run's folder, or go on there."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from apps.speech_enhancement import data, spectrogram
from tfgen import catalog
from tfgen.model import GenerativeModel
from tfgen.runs import Run, fit

__all__ = ["Settings", "train"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the weights.

    Arguments:
        system: a name of the catalog's family of restoration.
        arguments: of its constructor.
        seconds: of a mixture.
        batch, steps, epochs: mixtures in a step, steps in an epoch.
        learning_rate: the highest, after `warm_up` steps; then it falls to nothing by a cosine.
        seed: of the weights and of every mixture.
        xla: the training step is compiled.
        start: a run or a .keras file whose averaged weights the training begins with.
    """

    system: str = "edge_se"
    arguments: dict = dataclasses.field(default_factory=dict)
    seconds: float = 2.0
    batch: int = 8
    steps: int = 250
    epochs: int = 40
    learning_rate: float = 2e-3
    warm_up: int = 300
    seed: int = 0
    xla: bool = True
    start: str | None = None


def train(
    pools: dict[str, data.Pool],
    out: str | Path,
    settings: Settings,
    *,
    name: str = "speech",
    pictures_every: int = 5,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Run:
    """The end is the same, bit for bit, however often it was interrupted.

    Arguments:
        pools: of sounds, "clean", "noise" and "rooms" (if any); every 25th sound is held out, for the curves.
        name: of the data, for the card.
    """
    for kind in ("clean", "noise"):
        if kind not in pools:
            raise ValueError(
                f"no {kind} sounds were found below folders that are called {'… or '.join(data.KINDS[kind])}…"
            )
    run = Run(out)
    asked = run.card().get("settings", {}).get("epochs", settings.epochs)
    if asked != settings.epochs and not fresh:
        raise ValueError(
            f"{run.folder} was begun with {asked} epochs, over which the learning rate falls: --epochs {asked} goes "
            "on, --fresh begins anew"
        )
    pools = {kind: pool.split() for kind, pool in pools.items()}
    about = {f"{kind}_minutes": round(learnt.minutes, 1) for kind, (learnt, _) in pools.items()}
    keras.utils.set_random_seed(settings.seed)
    entry, samples = catalog.find(settings.system), round(settings.seconds * data.RATE)
    model = _build(settings, entry.full((samples,), **settings.arguments))
    if settings.start is not None:
        model.begin_at(catalog.load(settings.start))
    mixer = data.Mixer(*(pools[kind][0] if kind in pools else None for kind in data.KINDS), samples, settings.seed)
    judge = data.Mixer(*(pools[kind][1] for kind in ("clean", "noise")), None, samples, settings.seed)
    held_out = None
    if len(judge.clean) and len(judge.noises):
        held_out = tuple(map(np.stack, zip(*(judge(0, i) for i in range(8 * settings.batch)), strict=True)))
    return fit(
        run,
        model,
        data.dataset(mixer, batch=settings.batch, steps=settings.steps),
        held_out,
        settings,
        about={"system": entry.name, "family": entry.family, "paper": entry.paper, "data": {"name": name, **about}},
        callbacks=[] if held_out is None else [_Listen(run.logs, *(x[:4] for x in held_out), pictures_every)],
        draw=spectrogram.sheet,
        pictures_every=pictures_every,
        fresh=fresh,
        say=say,
    )


class _Listen(keras.callbacks.Callback):
    """Sounds for TensorBoard: the first held-out ones, clean, noisy and as they are enhanced by now."""

    def __init__(self, logs: Path, clean: np.ndarray, noisy: np.ndarray, every: int):
        super().__init__()
        self.logs, self.clean, self.noisy, self.every, self.writer = logs, clean, noisy, every, None

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            first = self.writer is None
            self.writer = self.writer or tf.summary.create_file_writer(str(self.logs))
            sounds = {"enhanced": np.asarray(self.model.sample(len(self.noisy), self.noisy, seed=0))}
            sounds |= {"clean": self.clean, "noisy": self.noisy} if first else {}
            with self.writer.as_default():
                for name, x in sounds.items():
                    loud = x / np.maximum(np.abs(self.noisy).max(1, keepdims=True), 1e-9)
                    tf.summary.audio(name, np.clip(loud, -1, 1)[..., None], data.RATE, epoch + 1, max_outputs=len(x))
            self.writer.flush()


def _build(settings: Settings, model: GenerativeModel) -> GenerativeModel:
    """With the system's own optimizer for every player, on the schedule."""
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 100,
        max(1, settings.steps * settings.epochs - settings.warm_up),
        warmup_target=settings.learning_rate,
        warmup_steps=settings.warm_up,
    )
    optimizer = next(iter(model.players().values())).optimizer()
    config = {**optimizer.get_config(), "learning_rate": keras.saving.serialize_keras_object(rate)}
    model.compile(type(optimizer).from_config(config), jit_compile=settings.xla)
    return model
