"""How long a call takes and how much memory it needs: a process of its own for each number of threads, a worker
(export/work.py) that imports nothing but the interpreter.

A task is {"file": …, "threads": n, "inputs": npz of `signature/input/name`, or none, "shapes": {input: shape}}; the
answer {"milliseconds": {signature: the least of its calls, with inputs and outputs}, "megabytes": peak beyond the bare
process}, or {"wrong": one line}.
"""

import re
from pathlib import Path

import numpy as np

from export.runner import Runner, milliseconds
from export.work import Worker

__all__ = ["THREADS", "bench", "report"]

THREADS = (1, 2)


def bench(file: Path, inputs: Path | None = None, shapes: dict[str, list[int]] | None = None) -> dict[str, dict]:
    """number of threads → {"milliseconds": …, "megabytes": …}."""
    found = {}
    for threads in THREADS:
        with Worker("export.bench") as worker:
            task = {"file": str(file), "threads": threads, "inputs": inputs and str(inputs), "shapes": shapes or {}}
            answer = worker.do(task)
        if "crashed" in answer or "wrong" in answer:
            raise ValueError(answer.get("wrong") or f"{file} crashed the interpreter ({answer['crashed']})")
        found[str(threads)] = answer
    return found


def report(file: Path, shapes: dict[str, list[int]]) -> str:
    """A table for people."""
    lines = [f"{'threads':>7}{'MB':>8}   ms a call, with its inputs and outputs"]
    for threads, found in bench(file, _inputs_beside(file), shapes).items():
        times = ", ".join(f"{name} {ms:.4g}" for name, ms in found["milliseconds"].items())
        lines.append(f"{threads:>7}{found['megabytes']:>8.1f}   {times}")
    return "\n".join(lines)


def _inputs_beside(file: Path) -> Path | None:
    """The example that an export leaves with its files."""
    example = file.parent / "example.npz"
    return example if example.is_file() else None


def work(task: dict) -> dict:
    given = {}
    if task["inputs"]:
        with np.load(task["inputs"]) as arrays:
            given = {key: arrays[key] for key in arrays.files}
    import ai_edge_litert.interpreter  # noqa: F401

    before = _megabytes("VmRSS")
    try:
        runner, times = Runner(task["file"], task["threads"]), {}
        if unknown := sorted(set(task["shapes"]) - {k for takes, _ in runner.signatures.values() for k in takes}):
            raise ValueError(f"{task['file']} has no input {unknown[0]!r}: {_takes(runner)}")
        for name, (takes, _) in runner.signatures.items():
            inputs = {}
            for part, detail in takes.items():
                example = None if part in task["shapes"] else given.get(f"{name}/input/{part}")
                inputs[part] = _made_up(part, detail, task["shapes"]) if example is None else example
            call = lambda name=name, inputs=inputs: runner(name, **inputs)
            times[name] = round(milliseconds(call, 1.0 / len(runner.signatures)), 4)
    except ValueError as error:
        return {"wrong": str(error).strip().splitlines()[0]}
    return {"milliseconds": times, "megabytes": round(max(0.0, _megabytes("VmHWM") - before), 1)}


def _made_up(name: str, detail: dict, shapes: dict) -> np.ndarray:
    shape = shapes.get(name) or [int(d) for d in detail["shape_signature"]]
    if -1 in shape:
        raise ValueError(f"{name} takes any size ({shape}): say one, such as --shape {name}={_some(shape)}")
    if np.issubdtype(detail["dtype"], np.floating):
        return np.random.default_rng(1).random(shape, "float32")
    return np.zeros(shape, detail["dtype"])


def _some(shape: list[int]) -> str:
    return ",".join(str(64 if d == -1 else d) for d in shape)


def _takes(runner: Runner) -> str:
    return "; ".join(f"{name} takes {', '.join(takes)}" for name, (takes, _) in runner.signatures.items())


def _megabytes(which: str) -> float:
    """Of this process: "VmRSS" now, "VmHWM" at most so far. Where Linux does not tell, 0."""
    try:
        found = re.search(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    from export.work import serve

    serve(work)
