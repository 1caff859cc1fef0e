"""Train into a run folder, and sample from it."""

import difflib
import inspect
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgen import catalog, distribute, pictures, signature
from tfgen import condition as conditions
from tfgen.callbacks import Judge
from tfgen.checks import one_of
from tfgen.data import Source, fit_image, tellers
from tfgen.data.folders import decode
from tfgen.door import our_line
from tfgen.entry import Entry
from tfgen.files import whole
from tfgen.model import GenerativeModel
from tfgen.runs.fitting import DECAYS, check_epochs, fit
from tfgen.runs.folder import Run, Settings, plain
from tfgen.runs.material import Material, open_training
from tfgen.runs.memory import that_fits
from tfgen.runs.sampled import at_a_glance

__all__ = ["place", "sample", "train", "write"]


def train(
    settings: Settings,
    folder: str | Path,
    *,
    data_dir: str | Path | None = None,
    fresh: bool = False,
    distribute_by: str = "none",
    pictures_every: int = 1,
    judge_every: int | None = None,
    say: Callable[[str], None] = print,
) -> Run:
    """Trains into a folder, or goes on there: the end is the same, bit for bit, however often it was interrupted.

    Arguments:
        settings: what decides the weights.
        fresh: forgets what the folder holds.
        distribute_by: "none", "mirrored" or "multiworker"; of several workers only the first one writes.
        pictures_every: samples, reconstructions and histograms for TensorBoard each so many epochs.
        judge_every: after each so many epochs samples are compared with held-out examples (`runs.sampled.at_a_glance`).
        say: takes each line for people.
    """
    entry = catalog.find(settings.system)
    settings = replace(
        settings,
        batch=settings.batch or entry.batch,
        epochs=settings.epochs or entry.epochs,
        condition=settings.condition or (("labels",) if _must_be_told(entry) else ()),
    )
    _check(settings, entry, distribute_by)
    strategy, policy = distribute.strategy(distribute_by), keras.config.dtype_policy()
    run = Run(folder)
    run.check(plain(settings), fresh)
    source = open_training(settings, data_dir, few_labels=getattr(entry.model, "unlabelled", False))
    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    try:
        with strategy.scope():
            model = _build(settings, entry, source)
        material = Material(settings, model, data_dir)
        dataset, held_out = material.dataset(source), material.held_out()
        for note in source.notes:
            say(f"{settings.data}: {note}")
        if (waits := getattr(model, "waits", 0)) >= settings.epochs:
            say(f"its generator begins to learn after epoch {waits}: with {settings.epochs} its samples mean nothing")
        about = {
            "system": entry.name,
            "family": entry.family,
            "paper": entry.paper,
            "data": {"name": settings.data, "dequantised": material.dequantises(source)},
        }
        if source.words:
            about["words"] = list(source.words)
        judges = [] if judge_every is None else [Judge(at_a_glance(material, held_out, say), judge_every)]
        return fit(
            run,
            model,
            dataset,
            held_out,
            settings,
            about=about,
            callbacks=judges,
            pictures_every=pictures_every,
            fresh=fresh,
            say=say,
        )
    finally:
        keras.config.set_dtype_policy(policy)


def _must_be_told(entry: Entry) -> bool:
    """A system that is built with a condition only."""
    condition = signature.parameters(entry.model).get("condition")
    return condition is not None and condition.default is inspect.Parameter.empty


def _check(settings: Settings, entry: Entry, distribute_by: str) -> None:
    if settings.condition and "condition" not in signature.parameters(entry.model):
        raise ValueError(f"--condition {' '.join(settings.condition)}: {entry.name} cannot be told anything")
    if settings.labelled and settings.condition != ("labels",):
        raise ValueError(
            f"--labelled {settings.labelled}: {entry.name} is told no labels; give --condition labels, too, or train "
            "joint_gan"
        )
    if distribute_by == "multiworker" and not os.environ.get("TF_CONFIG"):
        raise ValueError(
            "--distribute multiworker: TF_CONFIG names no other machine, and this one would train alone: set it on "
            "each (tensorflow.org/guide/distributed_training#TF_CONFIG), or take --distribute mirrored"
        )
    one_of(f"--decay {settings.decay}", settings.decay, DECAYS)
    if settings.learning_rate is not None and not settings.learning_rate > 0:
        raise ValueError(f"--learning-rate {settings.learning_rate:g}: expected a number above 0")
    check_epochs(settings.epochs)
    if settings.batch < 1:
        raise ValueError(f"batch {settings.batch}: expected 1 or more")


def _build(settings: Settings, entry: Entry, source: Source) -> GenerativeModel:
    arguments = dict(settings.arguments)
    if source.spec is not None:
        arguments["condition"] = source.spec
    with that_fits(f"this {entry.name}"):
        model = entry.full(source.shape, **arguments)
    model.compile(jit_compile=settings.xla)
    if settings.learning_rate is not None:
        if model.optimizer is None:
            raise ValueError(f"--learning-rate: {entry.name} learns without one")
        model.optimizer.learning_rate = settings.learning_rate
    if settings.decay != "none" and model.optimizer is None:
        raise ValueError(f"--decay {settings.decay}: {entry.name} learns without a learning rate")
    return model


def sample(
    run: Run,
    n: int,
    *,
    seed: int | None = None,
    label: int | None = None,
    caption: str | None = None,
    given: str | Path | None = None,
    means: bool = False,
    temperature: float | None = None,
    top_k: int | None = None,
    out: str | Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """n samples as a picture, or as numbers where `out` ends in .npy.

    Arguments:
        label: of a model that is told labels: all of this class.
        caption: of a model that is told captions: all of this one.
        given: of a model that is told a picture: all of this file.
        means: what the samples are drawn around, of a model that decodes.
        temperature, top_k: of a model that picks one value after another.
    """
    if n < 1:
        raise ValueError(f"-n {n}: at least one sample")
    model = catalog.load(run.model_path)
    condition = _asked(run, model, label, caption, given)
    if condition is None:
        condition = run.conditions(model, n)
        if model.condition is not None:
            say(f"conditions: {run.card().get('conditions') or 'every class in turn'}")
    said = {"label": label, "given": given and Path(given).stem, "caption": caption and re.sub(r"\W+", "-", caption)}
    out = place(run, out, f"means-{n}" if means else f"samples-{n}", **said, t=temperature, top=top_k, seed=seed)
    if means and not model.decodes:
        raise ValueError(f"--means: this {run.card().get('system')} decodes nothing, and has samples alone")
    choice = {"temperature": temperature, "top_k": top_k}
    choice = {name: value for name, value in choice.items() if value is not None}
    if choice and not hasattr(model, "complete"):
        name, value = next(iter(choice.items()))
        system = run.card().get("system")
        raise ValueError(f"--{name.replace('_', '-')} {value}: this {system} does not pick one value after another")
    x = (model.show if means else model.sample)(n, condition, seed=seed, **choice).numpy()
    above = pictures.picture_in(conditions.broadcast(model.condition, condition, n))
    columns = conditions.turns(model.condition) if label is None else None
    return write(out, x, lambda: pictures.draw(x, model.values, columns, run.span(), above))


def place(run: Run, out: str | Path | None, name: str, **said) -> Path:
    """Where what was drawn goes: a picture or the numbers, by default among the run's samples, under a name that tells
    what was asked for."""
    name = "-".join([name, *(f"{what}{value}" for what, value in said.items() if value is not None)])
    out = Path(out) if out else run.samples / f"{name}.png"
    if out.suffix not in (".png", ".npy"):
        raise ValueError(f"--out {out}: a file that ends in .png (a picture) or .npy (the numbers)")
    return out


def write(out: Path, x: np.ndarray, picture: Callable[[], np.ndarray]) -> Path:
    """What was drawn, as the file's name asks for it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        return pictures.save(picture(), out)
    with whole(out) as partial:
        np.save(partial, x)
    return out


def _asked(run: Run, model: GenerativeModel, label: int | None, caption: str | None, given: str | Path | None):
    """The one condition that a person names."""
    if (label, caption, given).count(None) < 2:
        raise ValueError("--label, --caption and --given: one of them at a time")
    system, words = run.card().get("system"), run.card().get("words")
    if label is not None:
        if not isinstance(model.condition, int):
            raise ValueError(f"--label {label}: this {system} was not told labels")
        return label
    if given is not None:
        spec = model.condition
        if not isinstance(spec, tuple) or len(spec) != 3 or spec[2] not in (1, 3):
            raise ValueError(f"--given {given}: this {system} was not told pictures alone")
        try:
            return fit_image(tf.constant(decode(given, spec[2], spec[:2])), spec[:2], spec[2]).numpy() / np.float32(255)
        except ValueError as error:
            raise our_line(error) or error from None
    if caption is None:
        return None
    if not words or not isinstance(model.condition, tuple):
        raise ValueError(f"--caption {caption!r}: this {system} was not told captions alone")
    found = tellers.bag([caption], words)[0]
    if not found.any():
        near = [other for word in tellers.words_of(caption) for other in difflib.get_close_matches(word, words, 3)]
        raise ValueError(
            f"--caption {caption!r}: none of its words was learnt; it knows {', '.join(near or words[:8])}"
            f"{'' if near else ', …'}"
        )
    return found
