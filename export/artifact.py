"""Signatures → a folder that works without this project: a SavedModel, TF-Lite files, an example, a card. It gets its
name once every file, loaded afresh elsewhere, gives Keras's numbers."""

import contextlib
import dataclasses
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from export import bench, card
from export.contract import Signature, calls_of, write
from export.convert import FORMATS, MAKERS
from export.runner import Runner
from export.work import Worker
from tfgen.files import clear_partial, whole

__all__ = ["TOLERANCE", "Artifact", "artifact", "artifacts", "save"]

WAYS = {"float": ("converter", "quantizer", "layers"), "int8": ("converter", "quantizer"), "uint8": ("converter",)}
TOLERANCE = {"float16": 40.0, "dynamic": 20.0, "int8": 15.0, "int16x8": 20.0}
INTEGERS = ("int8", "int16x8")  # what flows, too: ranges are needed
HOLDS = {"float16": "FLOAT16", "dynamic": "INT8", "int8": "INT8", "int16x8": "INT16"}
EXTRA = ("milliseconds", "operators", "types", "whole_numbers")  # in the verifier's answer, beside the signatures
SLOWER = 1.25  # than the fastest: what is a better file then is not taken


@dataclasses.dataclass
class Artifact:
    """What to write, and where.

    Arguments:
        folder: becomes the artifact; an artifact that was there before is replaced.
        signatures: by name; the first is the one that the examples of code call.
        examples: signature → calls, each a dict of arrays for one example: real inputs, on which all files are compared
            with Keras. Of a signature with state only its first call needs to give any, and zeros are the default.
        name: of the files: NAME.tflite, NAME_int8.tflite …
        formats: of the TF-Lite files. float32 is always there.
        representative: calls like `examples`, for the ranges of integers; others than those if figures shall be honest.
        io: "float", "int8" or "uint8": what int8 files take and give.
        by: one of `MAKERS`, where it shall not be chosen by measurement.
        tolerance: format → decibels that Keras's numbers are above the differences, at least.
        quality: the task's own metric: `quality(run)` gives {name: figure, higher is better}, where
            `run(signature, **arrays)` gives {output: array}, by Keras or by a file.
        model: Keras's, which goes in, too, as NAME.keras.
        about: for the card: what it is, version, data, split, seed, claim, licence …
        measure: whether the card says milliseconds and memory; or signature → the call to measure, in place of the
            example.
    """

    folder: Path
    signatures: dict[str, Signature]
    examples: dict[str, list[dict[str, np.ndarray]]]
    name: str = "model"
    formats: tuple[str, ...] = ("float32",)
    representative: dict[str, list[dict[str, np.ndarray]]] | None = None
    io: str = "float"
    by: str | None = None
    tolerance: dict[str, float] = dataclasses.field(default_factory=dict)
    quality: Callable[[Callable], dict[str, float]] | None = None
    model: keras.Model | None = None
    about: dict = dataclasses.field(default_factory=dict)
    measure: bool | dict[str, dict[str, np.ndarray]] = True

    def __post_init__(self):
        self.folder = Path(self.folder)
        for value, known, what in (
            *((f, FORMATS, "format") for f in self.formats),
            (self.io, WAYS, "type of inputs and outputs"),
            (self.by or "converter", MAKERS, "way to quantise"),
        ):
            if value not in known:
                raise ValueError(f"there is no {what} {value!r}: choose of {', '.join(known)}")
        if self.by and self.by not in WAYS[self.io]:
            raise ValueError(
                f"{self.by} makes no files that take {self.io}: that is done by {', '.join(WAYS[self.io])}"
            )
        if set(self.examples) != set(self.signatures) or not all(self.examples.values()):
            raise ValueError(
                f"examples are of {sorted(self.examples)}, and the signatures are {sorted(self.signatures)}"
            )

    def file(self, kind: str) -> str:
        return f"{self.name}.tflite" if kind == "float32" else f"{self.name}_{kind}.tflite"

    def least(self, kind: str) -> float:
        return self.tolerance.get(kind, TOLERANCE[kind])


def artifact(folder: str | Path, signatures: dict[str, Signature], examples: dict, *, say=print, **options) -> dict:
    """One, by the arguments of `Artifact`: its card."""
    return artifacts([Artifact(Path(folder), signatures, examples, **options)], say)[0]


def artifacts(jobs: list[Artifact], say: Callable[[str], None] = print) -> list[dict]:
    """Several share the two processes that convert and verify, because each takes seconds to start: their cards."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        converter = stack.enter_context(Worker("export.convert"))
        checker = stack.enter_context(Worker("export.verify"))
        made = []
        for i, job in enumerate(jobs):
            partial = stack.enter_context(_folder(job.folder.resolve()))
            (scratch / str(i)).mkdir()
            made.append(_Making(job, partial, scratch / str(i), converter, checker, say))
        return [making.all() for making in made]


@contextlib.contextmanager
def _folder(out: Path):
    if out.exists() and not (out / "card.json").is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is there and is no export: give another folder with --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        clear_partial(out.parent, out.name)
        with whole(out, suffix="") as partial:
            partial.mkdir()
            yield partial
    except OSError as error:
        raise ValueError(f"{out} cannot be written ({error.strerror}): give another folder with --out") from None


class _Making:
    """One artifact on its way."""

    def __init__(self, job: Artifact, folder: Path, scratch: Path, converter: Worker, checker: Worker, say: Callable):
        self.job, self.folder, self.scratch, self.say = job, folder, scratch, say
        self.converter, self.checker = converter, checker
        self.files, self.not_written, self.measured_on = {}, {}, {}

    def all(self) -> dict:
        job = self.job
        self.say(f"{job.name}: SavedModel with {', '.join(job.signatures)}")
        write(job.signatures, str(self.folder / "saved_model"))
        self.calls = {name: calls_of(s, job.examples[name]) for name, s in job.signatures.items()}
        save(self.scratch / "reference.npz", job.signatures, self.calls, job.examples)
        checked = self._verified(self.folder / "saved_model")
        self._check("saved_model", checked, set(job.signatures))
        self.files["saved_model"] = {"format": "SavedModel", **checked}
        self._float32()
        for kind in [f for f in FORMATS[1:] if f in job.formats and self.kept]:
            self._quantised(kind)
        self._example()
        if job.model:
            self._model()
        if job.quality:
            self._quality()
        if job.measure and self.kept:
            self._bench()
        found = {"files": self.files, "not_in_tflite": self.failed, "not_written": self.not_written}
        return card.write(job, self.folder, self.calls, found | {"measured_on": self.measured_on})

    def _float32(self) -> None:
        job = self.job
        static = self.folder / "saved_model"
        if any(t.on_phone != tuple(t.shape) for s in job.signatures.values() for t in s.inputs.values()):
            static = self.scratch / "saved_model"
            write(job.signatures, str(static), on_phone=True)
        self.static, file = str(static), self.folder / job.file("float32")
        self.failed = self._convert(list(job.signatures), file)
        for name, why in self.failed.items():
            self.say(f"  TF-Lite without {name}: {why}")
        self.kept = [name for name in job.signatures if name not in self.failed]
        if self.kept:
            self._tell(file, "float32")
            checked = self._verified(file)
            self._check(file.name, checked, set(self.kept))
            del checked["types"]
            self.files[file.name] = {"format": "float32", "made_by": MAKERS["converter"], **checked}

    def _convert(self, names: list[str], file: Path) -> dict[str, str]:
        """What does not convert, and why; where the converter crashes, each signature is tried alone."""
        task = {"saved_model": self.static, "out": str(file), "format": "float32", "by": "converter"}
        answer = self.converter.do({**task, "names": names})
        if "crashed" not in answer:
            return answer["failed"]
        crashed = f"the converter crashed ({answer['crashed']})"
        if len(names) == 1:
            return {names[0]: crashed}
        alone = {name: why for name in names for why in self._convert([name], file).values()}
        file.unlink(missing_ok=True)
        rest = [name for name in names if name not in alone]
        if rest == names:
            return dict.fromkeys(names, crashed)
        return alone | (self._convert(rest, file) if rest else {})

    def _quantised(self, kind: str) -> None:
        """By every way there is, unless one is asked for; of those that are near enough to Keras and not slower than
        the fastest by a quarter, the nearest."""
        job = self.job
        io = job.io if kind == "int8" else "float"
        ways = [job.by] if job.by else [way for way in WAYS[io] if kind in INTEGERS or way != "layers"]
        tried = {way: self._by(way, kind, io, timed=len(ways) > 1) for way in ways}
        made = {way: found for way, found in tried.items() if isinstance(found, dict)}
        if not made:
            self.not_written[kind] = _together(tried)
            self.say(f"  without {kind}: {self.not_written[kind]}")
            return
        limit = SLOWER * min(found["milliseconds"] for found in made.values())
        way = max((way for way, found in made.items() if found["milliseconds"] <= limit), key=lambda w: made[w]["snr"])
        shutil.move(self._scratch(kind, way), self.folder / job.file(kind))
        figures = {w: f if isinstance(f, str) else {k: f[k] for k in ("snr", "milliseconds")} for w, f in tried.items()}
        entry = {"format": kind, "made_by": MAKERS[way], "least_snr": job.least(kind), **made[way]["checked"]}
        self.files[job.file(kind)] = entry | ({"tried": figures} if len(ways) > 1 else {})
        self.say(f"  {kind}: {made[way]['snr']:.0f} dB, by {MAKERS[way].split(',')[0]}")

    def _scratch(self, kind: str, way: str) -> Path:
        return self.scratch / f"{kind}_{way}.tflite"

    def _by(self, way: str, kind: str, io: str, timed: bool) -> dict | str:
        """A file that can be used, or why there is none."""
        file = self._scratch(kind, way)
        task = {"saved_model": self.static, "float32": str(self.folder / self.job.file("float32")), "names": self.kept}
        task |= {"format": kind, "by": way, "io": io, "out": str(file)}
        if kind in INTEGERS:
            task["representative"] = str(self._representative())
        answer = self.converter.do(task)
        if "crashed" in answer:
            return f"crashed ({answer['crashed']})"
        if answer["failed"]:
            return _together(answer["failed"])
        self._tell(file, kind)
        checked = self._verified(file, timed)
        if "crashed" in checked:
            return f"its file crashed the interpreter ({checked['crashed']})"
        if HOLDS[kind] not in checked.pop("types"):
            return f"it found nothing to turn into {HOLDS[kind].lower()}"
        snr, worst = min((seen["snr"], name) for name, seen in checked["against_keras"].items())
        if snr < self.job.least(kind):
            return f"{worst} is {snr:.1f} dB from Keras, and {self.job.least(kind):g} are wanted"
        return {"snr": snr, "milliseconds": checked.pop("milliseconds", 0.0), "checked": checked}

    def _representative(self) -> Path:
        path = self.scratch / "representative.npz"
        if not path.is_file():
            given, signatures = self.job.representative or self.job.examples, self.job.signatures
            save(path, signatures, {name: calls_of(signatures[name], given[name]) for name in self.kept})
        return path

    def _tell(self, file: Path, kind: str) -> None:
        """What the file is, inside of it, as the files that belong to a TF-Lite file are kept: a zip after its end."""
        least = {} if kind == "float32" else {"least_snr": self.job.least(kind)}
        about = card.about(self.job) | {"format": kind} | least
        with zipfile.ZipFile(file, "a") as inside:
            inside.writestr("about.json", json.dumps(about, indent=1, ensure_ascii=False))

    def _verified(self, file: Path, time: bool = False) -> dict:
        answer = self.checker.do({"file": str(file), "reference": str(self.scratch / "reference.npz"), "time": time})
        if "wrong" in answer:
            answer = {"crashed": answer["wrong"]}
        if "crashed" in answer:
            return answer
        extra = {key: answer.pop(key) for key in EXTRA if key in answer}
        return {"bytes": card.size(file), "against_keras": answer, **extra}

    def _check(self, file: str, checked: dict, expected: set[str]) -> None:
        """Every signature is there and right, or one line says which is not."""
        if "crashed" in checked:
            raise ValueError(
                f"{file} could not be loaded and run in a fresh process ({checked['crashed']}): nothing was written"
            )
        seen = checked["against_keras"]
        if set(seen) != expected:
            raise ValueError(
                f"{file} has the signatures {sorted(seen)}, and {sorted(expected)} were expected: nothing was written"
            )
        for name, signature in seen.items():
            # A symbol picked within rounding of its threshold may fall on the other side: most rows agree, not all.
            enough = signature["rows"] / 2 if self.job.signatures[name].picks else signature["rows"]
            if signature["equal"] < enough:
                raise ValueError(
                    f"{name} of {file} differs from Keras in {signature['rows'] - signature['equal']} of "
                    f"{signature['rows']} rows, by up to {signature['largest']:.2g}: nothing was written"
                )

    def _example(self) -> None:
        sides = ("input", "output")
        np.savez_compressed(
            self.folder / "example.npz",
            **{
                f"{signature}/{side}/{name}": value
                for signature, calls in self.calls.items()
                for side, arrays in zip(sides, calls[0], strict=True)
                for name, value in arrays.items()
            },
        )

    def _model(self) -> None:
        """Loaded again, it holds the same weights."""
        path, model = self.folder / f"{self.job.name}.keras", self.job.model
        model.save(path)
        ours, again = model.get_weights(), keras.saving.load_model(path, compile=False).get_weights()
        if len(ours) != len(again) or not all(map(np.array_equal, ours, again)):
            raise ValueError(f"{path.name}, loaded again, holds other weights: nothing was written")
        self.files[path.name] = {"format": "Keras", "bytes": card.size(path)}

    def _quality(self) -> None:
        signatures = self.job.signatures

        def keras(name, **inputs):
            answer = (signatures[name].reference or signatures[name].call)(**inputs)
            return {key: np.asarray(value) for key, value in answer.items()}

        self.say("quality by Keras and by each file")
        best = self.files["saved_model"]["quality"] = _figures(self.job.quality(keras))
        for name, entry in self.files.items():
            if name.endswith(".tflite"):
                entry["quality"] = _figures(self.job.quality(Runner(self.folder / name, threads=2)))
                entry["quality_lost"] = {k: round(best[k] - v, 5) for k, v in entry["quality"].items()}

    def _bench(self) -> None:
        self.say("milliseconds and memory of each file")
        inputs = self.scratch / "measured.npz"
        given = {name: self.calls[name][0][0] for name in self.kept}
        for name, call in self.job.measure.items() if isinstance(self.job.measure, dict) else ():
            given[name] = calls_of(self.job.signatures[name], [call])[0][0]
        np.savez(inputs, **{f"{name}/input/{k}": v for name, call in given.items() for k, v in call.items()})
        for name, entry in self.files.items():
            if name.endswith(".tflite"):
                entry["threads"] = bench.bench(self.folder / name, inputs)
        self.measured_on = {name: {k: list(v.shape) for k, v in call.items()} for name, call in given.items()}


def _together(whys: dict[str, str]) -> str:
    """Those with the same reason share it."""
    return "; ".join(f"{', '.join(k for k in whys if whys[k] == why)}: {why}" for why in dict.fromkeys(whys.values()))


def _figures(quality: dict) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in quality.items()}


def save(path: Path, signatures: dict[str, Signature], calls: dict[str, list], given: dict | None = None) -> None:
    """Calls for `verify.read`; with what was given, without the state that a file shall carry on by itself."""
    arrays = {}
    for name, each in calls.items():
        state = signatures[name].state
        arrays |= {f"{name}/state/{k}": np.array(after) for k, after in state.items()}
        for i, (inputs, outputs) in enumerate(each):
            carried = set(state) - set(given[name][i]) if given and i else ()
            arrays |= {f"{name}/{i}/input/{k}": v for k, v in inputs.items() if k not in carried}
            arrays |= {f"{name}/{i}/output/{k}": v for k, v in outputs.items()}
    np.savez(path, **arrays)
