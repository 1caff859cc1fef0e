"""A TF-Lite file at work, without TensorFlow and without this project's other modules."""

import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

__all__ = ["Runner", "anatomy", "milliseconds", "read_card"]


class Runner:
    """A file: `runner("enhance", x=…)` gives {output: array}. Numbers go in and come out as floats, whatever the file
    takes; names of inputs and outputs are those of the card.

    Arguments:
        path: of the file.
        threads: that it may use.
    """

    def __init__(self, path: str | Path, threads: int = 1):
        from ai_edge_litert.interpreter import Interpreter

        self.path = path = Path(path)
        if not path.is_file():
            raise ValueError(f"{path} is not there: give a .tflite file")
        with open(path, "rb") as file:
            if file.read(8)[4:] != b"TFL3":
                raise ValueError(f"{path} is no TF-Lite file (it does not begin like one): give a .tflite file")
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            names = self._interpreter.get_signature_list()
            self._runners = {name: self._interpreter.get_signature_runner(name) for name in names}
        except (ValueError, RuntimeError) as error:
            line = str(error).strip().splitlines()[0][:200]
            raise ValueError(f"{path} cannot be loaded ({line}): it is damaged, or made for another runtime") from None
        if not names:
            raise ValueError(f"{path} has no signatures: it was not made by this project")
        self.signatures = {
            name: (runner.get_input_details(), runner.get_output_details()) for name, runner in self._runners.items()
        }

    def __call__(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        if signature not in self.signatures:
            raise ValueError(f"{self.path} has no signature {signature!r}: choose of {', '.join(self.signatures)}")
        takes, gives = self.signatures[signature]
        if set(inputs) != set(takes):
            raise ValueError(f"{signature} of {self.path} takes {sorted(takes)}, and {sorted(inputs)} came")
        for name, value in inputs.items():
            shape, wanted = np.shape(value), tuple(int(d) for d in takes[name]["shape_signature"])
            if len(shape) != len(wanted) or any(w not in (-1, s) for s, w in zip(shape, wanted, strict=True)):
                raise ValueError(f"{name} of {self.path} has the shape {wanted} (-1: any), and {shape} came")
        results = self._runners[signature](**{k: _to_integers(np.asarray(v), takes[k]) for k, v in inputs.items()})
        return {k: _to_floats(v, gives[k]) for k, v in results.items()}

    def whole_numbers(self) -> dict[str, dict]:
        """signature → those of its inputs and outputs that stand for other numbers: value = scale (number - zero)."""
        found = {}
        for name, sides in self.signatures.items():
            for k, detail in [pair for side in sides for pair in side.items()]:
                scale, zero = detail["quantization"]
                if scale:
                    kind = {"dtype": np.dtype(detail["dtype"]).name, "scale": float(scale), "zero_point": int(zero)}
                    found.setdefault(name, {})[k] = kind
        return found


def _to_integers(value: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    if not scale or not np.issubdtype(value.dtype, np.floating):
        return value.astype(detail["dtype"])
    ends = np.iinfo(detail["dtype"])
    return np.clip(np.round(value / scale) + zero, ends.min, ends.max).astype(detail["dtype"])


def _to_floats(value: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    return ((value.astype("float32") - zero) * scale).astype("float32") if scale else value


def milliseconds(run, seconds: float) -> float:
    """The least time of a call, for others may be at work: of a few calls and as many more as fit."""
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 1000):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def anatomy(path: str | Path) -> tuple[dict[str, int], set[str]]:
    """How many of each operator, and the types of tensors, over all signatures."""
    from ai_edge_litert import schema_py_generated as schema

    name = lambda enum: {v: k for k, v in vars(enum).items() if isinstance(v, int)}
    codes, types, model = name(schema.BuiltinOperator), name(schema.TensorType), Path(path).read_bytes()
    model, operators, kinds = schema.Model.GetRootAs(model), Counter(), set()
    for g in range(model.SubgraphsLength()):
        graph = model.Subgraphs(g)
        kinds |= {types[graph.Tensors(i).Type()] for i in range(graph.TensorsLength())}
        for i in range(graph.OperatorsLength()):
            code = model.OperatorCodes(graph.Operators(i).OpcodeIndex())
            operators[codes[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]] += 1
    return dict(operators.most_common()), kinds


def read_card(path: str | Path) -> dict:
    """What a file says of itself: the `about.json` that it carries; empty where it carries none."""
    import json

    try:
        with zipfile.ZipFile(path) as inside:
            return json.loads(inside.read("about.json"))
    except (zipfile.BadZipFile, KeyError, OSError, ValueError):
        return {}
