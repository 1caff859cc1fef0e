"""A run → its `export` folder."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from export.artifact import EXTRA, HOLDS, INTEGERS, TOLERANCE, Artifact, artifacts, save
from export.contract import calls_of
from export.runner import read_card
from export.signatures import examples, signatures
from export.work import Worker
from tfgen import catalog
from tfgen import condition as conditions
from tfgen.model import GenerativeModel
from tfgen.restoration import EdgeSE, Upscaler
from tfgen.runs.fitting import epochs_of
from tfgen.runs.folder import Run
from tfgen.runs.material import Material

__all__ = ["ROWS", "data_of", "export", "job", "load", "verify"]

ROWS = 8  # that are compared
REPRESENTATIVE = 64  # examples of the training data, for the ranges of integers
APPLICATIONS = {EdgeSE: "speech_enhancement", Upscaler: "super_resolution"}
_ABOUT = ("system", "family", "paper", "configuration", "data", "seed", "figures")


def export(
    run: Run,
    out: Path | None = None,
    names: list[str] | None = None,
    data_dir: Path | None = None,
    say: Callable[[str], None] = print,
    **options,
) -> tuple[Path, dict]:
    """The folder that was written, and its card. Options are those of `Artifact`."""
    out = out or run.folder / "export"
    inside = out.resolve().is_relative_to(run.folder.resolve())
    with run.locked() if inside else contextlib.nullcontext():
        model, about = load(run)
        if application := next((name for kind, name in APPLICATIONS.items() if isinstance(model, kind)), None):
            say(
                f"{run.folder} is of an application: `python -m apps.{application} export {run.folder}` makes the "
                "files that are of use; these are of the model in the shape that it was trained in"
            )
        *data, told = data_of(run, model, data_dir, say)
        if not set(INTEGERS) & set(options.get("formats", ())):
            told.pop("ranges_from")
        return out, artifacts([job(model, out, names, *data, about=about | told, **options)], say)[0]


def job(
    model: GenerativeModel,
    out: Path,
    names: list[str] | None = None,
    real=(None, None),
    representative=(None, None),
    **options,
) -> Artifact:
    """A model of the house as an artifact; `real` and `representative` are x and the condition, None to draw them."""
    found = signatures(model, names)
    given = {"examples": examples(model, found, ROWS, *real)}
    if set(INTEGERS) & set(options.get("formats", ())):
        n = REPRESENTATIVE if representative[0] is None else len(representative[0])
        given["representative"] = examples(model, found, n, *representative, seed=11)
    return Artifact(out, found, **given, **options)


def load(run: Run) -> tuple[GenerativeModel, dict]:
    """A run's model in full precision, and what its card says of it."""
    model, card = catalog.load(run.model_path), run.card()
    about = {name: card.get(name) for name in _ABOUT} | {"epochs": epochs_of(model, run)}
    return _in_float32(model), {"title": f"{about['system']}, trained on {(about['data'] or {}).get('name')}", **about}


def data_of(run: Run, model: GenerativeModel, data_dir: Path | None, say: Callable) -> tuple:
    """Held-out examples to compare on, training examples for the ranges of integers, and for the card what these are.
    Where the data are not at hand, x is None: samples of the model take their place."""
    material, found, told, missing = Material(run.settings(), model, data_dir), [], [], {}
    for split, n in (("test", ROWS), ("train", REPRESENTATIVE)):
        try:
            x, condition = material.arrays(material.open(split, n))
            if len(x) < ROWS:
                raise ValueError(f"{len(x)} examples, and {ROWS} are needed")
            told.append(f"{len(x)} examples of {material.name}, {split} split")
        except (ValueError, OSError) as error:
            x, (condition, words) = None, _conditions(run, model, n)
            told.append(f"samples of the model{words}")
            missing.setdefault(f"({str(error).splitlines()[0]}): {told[-1]} take their place", []).append(split)
        found.append((x, condition))
    for why, splits in missing.items():
        say(f"no {' and '.join(splits)} data {why}")
    return *found, dict(zip(("compared_on", "ranges_from"), told, strict=True))


def _conditions(run: Run, model: GenerativeModel, n: int) -> tuple:
    """To draw samples with, and whence they are; noise where a run that is told tensors has kept none."""
    if model.condition is None:
        return None, ""
    if run.conditions_path.is_file():
        return run.conditions(model, n), f" told {run.conditions_path.name}"
    return None, " told " + ("every class in turn" if conditions.has_turns(model.condition) else "noise from 0 to 1")


def _in_float32(model: GenerativeModel) -> GenerativeModel:
    """The same weights under the full precision: TF-Lite lacks most operators in others."""
    if model.dtype_policy.name == "float32":
        return model
    plain = type(model).from_config({**model.get_config(), "dtype": "float32"})
    plain.set_weights(model.get_weights())
    return plain


def verify(file: Path, run: Run | None = None, data_dir: Path | None = None) -> str:
    """A table of how far a file is from the run's model; without a run, from what Keras makes of the example beside
    it."""
    with tempfile.TemporaryDirectory() as scratch, Worker("export.verify") as worker:
        path = Path(scratch) / "reference.npz"
        other, picks = _of_example(path, file) if run is None else _of_run(path, run, data_dir)
        answer = worker.do({"file": str(file), "reference": str(path)})
    if wrong := answer.get("wrong") or (answer.get("crashed") and f"{file} crashed: {answer['crashed']}"):
        raise ValueError(wrong)
    kind, least = _tolerated(file, answer)
    lines, bad = [f"{'signature':<14}{'equal':>9}{'largest':>10}{'dB':>7}"], []
    for name, seen in ((name, seen) for name, seen in answer.items() if name not in EXTRA):
        rows = f"{seen['equal']} of {seen['rows']}"
        lines.append(f"{name:<14}{rows:>9}{seen['largest']:>10.2g}{seen['snr']:>7.0f}")
        enough = seen["rows"] / 2 if name in picks else seen["rows"]
        if seen["equal"] < enough if least is None else seen["snr"] < least:
            bad.append(name)
    if bad:
        print("\n".join(lines))
        raise ValueError(f"{file} is not the model of {other}: {', '.join(bad)} differs from Keras as said above")
    return "\n".join([*lines, f"{kind}: as Keras, within what is tolerated, by {other}"])


def _of_run(path: Path, run: Run, data_dir: Path | None) -> tuple[Path, set[str]]:
    """What the run's model makes of held-out examples, saved; the run, and the signatures that pick."""
    model, _ = load(run)
    real, *_ = data_of(run, model, data_dir, print)
    found = signatures(model)
    given = examples(model, found, ROWS, *real)
    save(path, found, {name: calls_of(s, given[name]) for name, s in found.items()}, given)
    return run.folder, {name for name, signature in found.items() if signature.picks}


def _of_example(path: Path, file: Path) -> tuple[Path, set[str]]:
    """The example that an export leaves with its files, saved as the one call of each signature."""
    example = file.parent / "example.npz"
    if not example.is_file():
        raise ValueError(f"{example} is not there: give the run, `python -m export verify {file} RUN`")
    with np.load(example) as arrays:
        np.savez(path, **{key.replace("/", "/0/", 1): arrays[key] for key in arrays.files})
    return example, set()


def _tolerated(file: Path, found: dict) -> tuple[str, float | None]:
    """A file's format and the decibels that it is to have: what it says, or by what it holds where it does not say."""
    said = read_card(file) if file.is_file() else {}
    flowing = "whole_numbers" in found or "QUANTIZE" in found.get("operators", ())
    kinds = ("int16x8", "int8" if flowing else "dynamic", "float16")
    held = next((kind for kind in kinds if HOLDS[kind] in found.get("types", ())), "float32")
    kind = said.get("format", held)
    return kind, said.get("least_snr", TOLERANCE.get(kind))
