"""A run → its `export` folder."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from export.artifact import INTEGERS, TOLERANCE, Artifact, artifacts, save
from export.contract import calls_of
from export.signatures import examples, signatures
from export.work import Worker
from tfgen import catalog
from tfgen.model import GenerativeModel
from tfgen.runs.fitting import epochs_of
from tfgen.runs.folder import Run
from tfgen.runs.material import Material

__all__ = ["ROWS", "data_of", "export", "job", "load", "verify"]

ROWS = 8  # that are compared
REPRESENTATIVE = 64  # examples of the training data, for the ranges of integers
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
        made = job(model, out, names, *data_of(run, model, data_dir, say), about=about, **options)
        return out, artifacts([made], say)[0]


def job(
    model: GenerativeModel, out: Path, names: list[str] | None = None, real=None, representative=None, **options
) -> Artifact:
    """A model of the house as an artifact; `real` and `representative` are pairs of x and the condition."""
    found = signatures(model, names)
    given = {"examples": examples(model, found, ROWS, *(real or ()))}
    if set(INTEGERS) & set(options.get("formats", ())):
        n = len(representative[0]) if representative else REPRESENTATIVE
        given["representative"] = examples(model, found, n, *(representative or ()), seed=11)
    return Artifact(out, found, **given, **options)


def load(run: Run) -> tuple[GenerativeModel, dict]:
    """A run's model in full precision, and what its card says of it."""
    model, card = catalog.load(run.model_path), run.card()
    about = {name: card.get(name) for name in _ABOUT} | {"epochs": epochs_of(model, run)}
    return _in_float32(model), {"title": f"{about['system']}, trained on {(about['data'] or {}).get('name')}", **about}


def data_of(run: Run, model: GenerativeModel, data_dir: Path | None, say: Callable) -> tuple:
    """Held-out examples to compare on and training examples for the ranges of integers; None where the data are not at
    hand, and then samples of the model take their place."""
    material, found = Material(run.settings(), model, data_dir), []
    for split, n in (("test", ROWS), ("train", REPRESENTATIVE)):
        try:
            x, condition = material.arrays(material.open(split, n))
            found.append((x, condition) if len(x) >= ROWS else None)
        except (ValueError, OSError) as error:
            say(f"no {split} data ({str(error).splitlines()[0]}): samples of the model take their place")
            found.append(None)
    return tuple(found)


def _in_float32(model: GenerativeModel) -> GenerativeModel:
    """The same weights under the full precision: TF-Lite lacks most operators in others."""
    if model.dtype_policy.name == "float32":
        return model
    plain = type(model).from_config({**model.get_config(), "dtype": "float32"})
    plain.set_weights(model.get_weights())
    return plain


def verify(file: Path, run: Run, data_dir: Path | None = None) -> str:
    """A table of how far a file is from the run's model."""
    model, _ = load(run)
    real, _ = data_of(run, model, data_dir, print)
    found = signatures(model)
    given = examples(model, found, ROWS, *(real or ()))
    with tempfile.TemporaryDirectory() as scratch, Worker("export.verify") as worker:
        path = Path(scratch) / "reference.npz"
        save(path, found, {name: calls_of(s, given[name]) for name, s in found.items()}, given)
        answer = worker.do({"file": str(file), "reference": str(path)})
    if wrong := answer.get("wrong") or (answer.get("crashed") and f"{file} crashed: {answer['crashed']}"):
        raise ValueError(wrong)
    kind = next((kind for kind in TOLERANCE if Path(file).stem.endswith(f"_{kind}")), "float32")
    lines, bad = [f"{'signature':<14}{'equal':>9}{'largest':>10}{'dB':>7}"], []
    for name, seen in ((name, answer[name]) for name in found if name in answer):
        rows = f"{seen['equal']} of {seen['rows']}"
        lines.append(f"{name:<14}{rows:>9}{seen['largest']:>10.2g}{seen['snr']:>7.0f}")
        least = seen["rows"] / 2 if found[name].picks else seen["rows"]
        if seen["snr"] < TOLERANCE[kind] if kind in TOLERANCE else seen["equal"] < least:
            bad.append(name)
    if bad:
        print("\n".join(lines))
        raise ValueError(f"{file} is not the model of {run.folder}: {', '.join(bad)} differs from Keras as said above")
    return "\n".join([*lines, f"{kind}: as Keras, within what is tolerated"])
