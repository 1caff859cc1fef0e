"""A run → its `export` folder: SavedModel, TF-Lite file, card; under its final name once all of it gives Keras's
numbers."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from export.signatures import Signature, examples, signatures, write
from tfgen import catalog
from tfgen.files import clear_partial, whole
from tfgen.model import GenerativeModel
from tfgen.runs.fitting import epochs_of
from tfgen.runs.folder import Run, versions

__all__ = ["Job", "export", "export_models"]

ROWS = 8
_ABOUT = ("system", "family", "paper", "configuration", "data", "seed", "figures")


class Job(NamedTuple):
    """A model, the folder to write, and what its card says besides."""

    model: GenerativeModel
    out: Path
    about: dict


def export(run: Run, out: Path | None = None, say: Callable[[str], None] = print) -> Path:
    """The folder that was written."""
    out = out or run.folder / "export"
    inside = out.resolve().is_relative_to(run.folder.resolve())
    with run.locked() if inside else contextlib.nullcontext():
        if out.exists() and not (out / "card.json").is_file():
            raise ValueError(f"{out} is there and is no export: give another folder with --out")
        model, card = catalog.load(run.model_path), run.card()
        about = {name: card.get(name) for name in _ABOUT} | {"epochs": epochs_of(model, run)}
        export_models([Job(_in_float32(model), out, about)], say)
    return out


def _in_float32(model: GenerativeModel) -> GenerativeModel:
    """The same weights under the full precision: TF-Lite lacks most operators in others."""
    if model.dtype_policy.name == "float32":
        return model
    plain = type(model).from_config({**model.get_config(), "dtype": "float32"})
    plain.set_weights(model.get_weights())
    return plain


def export_models(jobs: list[Job], say: Callable[[str], None] = print) -> list[dict]:
    """Writes, loads again elsewhere, compares: the cards. A signature that TF-Lite cannot take is left out of its file,
    with the reason in the card.

    Several models share the two processes that convert and verify, because each takes seconds to start.
    """
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = [signatures(job.model) for job in jobs]
        folders = [stack.enter_context(_folder(job.out.resolve())) for job in jobs]
        for i, (job, names, folder) in enumerate(zip(jobs, found, folders, strict=True)):
            say(f"{type(job.model).__name__}: SavedModel with {', '.join(names)}")
            write(names, str(folder / "saved_model"))
            write(names, str(scratch / f"static{i}"), batch=1)
        say("TF-Lite: converting in a process of its own")
        failed = _convert(
            [
                (str(scratch / f"static{i}"), str(folders[i] / "model.tflite"), list(names))
                for i, names in enumerate(found)
            ]
        )
        for name, why in (item for each in failed for item in each.items()):
            say(f"  without {name}: {why}")
        say("verifying both in a fresh process")
        for i, job in enumerate(jobs):
            np.savez(scratch / f"reference{i}.npz", **_reference(job.model, found[i]))
        code, checked = _process(
            "export.verify", [(str(folder), str(scratch / f"reference{i}.npz")) for i, folder in enumerate(folders)]
        )
        if code:
            raise ValueError(
                f"the exported files could not be loaded and run in a fresh process ({checked}): nothing was written"
            )
        cards = []
        for parts in zip(jobs, found, folders, failed, checked, strict=True):
            _check(*parts[1:2], *parts[3:])
            cards.append(_card(*parts))
            (parts[2] / "card.json").write_text(json.dumps(cards[-1], indent=1, ensure_ascii=False) + "\n")
    return cards


@contextlib.contextmanager
def _folder(out: Path):
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        clear_partial(out.parent, out.name)
        with whole(out, suffix="") as partial:
            partial.mkdir()
            yield partial
    except OSError as error:
        raise ValueError(f"{out} cannot be written ({error.strerror}): give another folder with --out") from None


def _convert(jobs: list[tuple[str, str, list[str]]]) -> list[dict[str, str]]:
    """For each job the signatures that do not convert, and why. Where the process crashes: smaller jobs, to see which
    signature does it."""
    code, answer = _process("export.convert", jobs)
    if code == 0:
        return answer
    if len(jobs) > 1:
        return [_convert([job])[0] for job in jobs]
    (folder, out, names), crashed = jobs[0], f"the converter crashed ({answer})"
    if len(names) == 1:
        return [{names[0]: crashed}]
    alone = {name: why for name in names for why in _convert([(folder, out, [name])])[0].values()}
    Path(out).unlink(missing_ok=True)
    rest = [name for name in names if name not in alone]
    if rest == names:
        return [dict.fromkeys(names, crashed)]
    return [alone | (_convert([(folder, out, rest)])[0] if rest else {})]


def _reference(model: GenerativeModel, found: dict[str, Signature]) -> dict[str, np.ndarray]:
    arrays = {}
    for name, (inputs, output) in examples(model, found, ROWS).items():
        arrays |= {f"{name}/input/{part}": value for part, value in inputs.items()} | {
            f"{name}/output/{found[name].output}": output
        }
    return arrays


def _check(found: dict[str, Signature], failed: dict[str, str], checked: dict) -> None:
    """Every signature of every file is there and right, or one line that says which one is not."""
    expected = {"saved_model": set(found)} | (
        {"model.tflite": set(found) - set(failed)} if len(failed) < len(found) else {}
    )
    for file, names in expected.items():
        if set(checked.get(file, {})) != names:
            raise ValueError(
                f"{file} has the signatures {sorted(checked.get(file, {}))}, and {sorted(names)} were expected: "
                "nothing was written"
            )
        for name in names:
            seen = checked[file][name]
            # A symbol drawn within rounding of its threshold may fall on the other side: most rows must agree, not all.
            enough = seen["rows"] / 2 if name == "generate" else seen["rows"]
            if seen["equal"] < enough:
                wrong = (
                    f"{name} of {file} differs from Keras in {seen['rows'] - seen['equal']} of {seen['rows']} "
                    f"rows, by up to {seen['largest']:.2g}"
                )
                raise ValueError(f"{wrong}: nothing was written")


def _process(module: str, jobs: list) -> tuple[int, list | str]:
    """Its exit code, and the JSON that it printed, or else its last words. It ends when we do."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryFile("w+") as words:
        child = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(jobs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path},
        )
        with child:
            printed = child.stdout.read()
        words.seek(0)
        said = words.read().strip().splitlines()
    lines = [line for line in printed.splitlines() if line.startswith("[")]
    if child.returncode or not lines:
        return (
            child.returncode or 1,
            f"code {child.returncode}{': ' + said[-1][:200] if said and child.returncode > 0 else ''}",
        )
    return 0, json.loads(lines[-1])


def _card(job: Job, found: dict[str, Signature], folder: Path, failed: dict[str, str], checked: dict) -> dict:
    def size(path: Path) -> int:
        return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())

    return {
        **job.about,
        "signatures": {
            name: {
                "inputs": {
                    part: {"shape": spec.shape.as_list(), "dtype": spec.dtype.name} for part, spec in s.inputs.items()
                },
                "output": s.output,
            }
            for name, s in found.items()
        },
        "files": {name: {"bytes": size(folder / name), "against_keras": seen} for name, seen in checked.items()},
        "not_in_tflite": failed,
        "versions": versions(),
    }
