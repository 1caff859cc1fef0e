"""A process without tfgen and without Keras's model, that loads what was exported and says how far it is from Keras's
numbers: a worker (export/work.py).

A task is {"file": path, "reference": path of an npz, "time": whether to time it}. The answer is for each signature
{"largest": …, "rows": …, "equal": …, "snr": …}, and "operators", "types", "whole_numbers" and "milliseconds"
of the fastest calls, or {"wrong": one line}. The reference holds
`signature/call/input/name` and `signature/call/output/name`; what a call does not give of the state is what the last
call left, by `signature/state/input`, the name of an output.
"""

from pathlib import Path

import numpy as np

from export.runner import Runner, anatomy, milliseconds

TOLERANCE = 1e-4  # of the larger of 1 and the number itself


def compare(ours: np.ndarray, keras: np.ndarray) -> dict[str, float | int]:
    """The largest difference, relative where numbers are large, how many rows are within the tolerance, and the ratio
    of Keras's numbers to the differences, in decibels (200 at most)."""
    rows = len(keras) if keras.ndim else 1
    if ours.shape != keras.shape:
        return {"largest": float("inf"), "rows": rows, "equal": 0, "snr": -200.0}
    gap = np.nan_to_num(np.abs(ours.astype("float64") - keras), nan=np.inf)
    apart = (gap / np.maximum(1, np.abs(keras))).reshape(rows, -1).max(1, initial=0)
    noise = np.sum(gap**2)
    ratio = np.sum(keras.astype("float64") ** 2) / noise if noise else np.inf
    return {
        "largest": float(apart.max(initial=0)),
        "rows": rows,
        "equal": int((apart <= TOLERANCE).sum()),
        "snr": round(float(np.clip(10 * np.log10(max(ratio, 1e-20)), -200, 200)), 1),
    }


def read(path: str) -> dict[str, tuple[list[tuple[dict, dict]], dict]]:
    """signature → its calls (inputs and Keras's outputs), and its state."""
    found = {}
    with np.load(path) as arrays:
        for key in arrays.files:
            signature, call, *rest = key.split("/")
            calls, state = found.setdefault(signature, ([], {}))
            if call == "state":
                state[rest[0]] = str(arrays[key])
                continue
            calls.extend(({}, {}) for _ in range(int(call) + 1 - len(calls)))
            calls[int(call)][rest[0] == "output"][rest[1]] = arrays[key]
    return found


def read_example(path: str | Path) -> dict[str, list[dict]]:
    """signature → inputs and outputs of the one call in an artifact's example.npz."""
    found = {}
    with np.load(path) as arrays:
        for key in arrays.files:
            signature, side, name = key.split("/")
            found.setdefault(signature, ({}, {}))[side == "output"][name] = arrays[key]
    return found


def outputs_of(run, calls: list[tuple[dict, dict]], state: dict) -> list[dict]:
    """Call by call, with its own state."""
    results, carried = [], {}
    for inputs, _ in calls:
        results.append(run(**{**carried, **inputs}))
        carried = {name: results[-1][after] for name, after in state.items()}
    return results


def judge(run, calls: list[tuple[dict, dict]], state: dict, together: bool = False) -> dict:
    """All outputs over all calls: a row is right where all of its outputs are."""
    if together:
        calls = [tuple({k: np.concatenate([c[side][k] for c in calls]) for k in calls[0][side]} for side in (0, 1))]
    results = outputs_of(run, calls, state)
    stack = lambda parts: parts[0] if len(parts) == 1 else np.concatenate([p.reshape(1, -1) for p in parts])
    same = all(len({np.shape(c[1][k]) for c in calls}) == 1 for k in calls[0][1])
    found = []
    for name in calls[0][1]:
        ours, keras = [r[name] for r in results], [c[1][name] for c in calls]
        if same and all(o.shape == k.shape for o, k in zip(ours, keras, strict=True)):
            found.append(compare(stack(ours), stack(keras)))
        else:
            each = [compare(o.reshape(1, -1), k.reshape(1, -1)) for o, k in zip(ours, keras, strict=True)]
            found.append({key: fold(e[key] for e in each) for key, fold in _FOLD.items()})
    return {
        "largest": max(f["largest"] for f in found),
        "rows": found[0]["rows"],
        "equal": min(f["equal"] for f in found),
        "snr": min(f["snr"] for f in found),
    }


_FOLD = {"largest": max, "rows": sum, "equal": sum, "snr": min}


def _known(reference: dict, name: str, path: Path) -> tuple:
    if name not in reference:
        raise ValueError(
            f"{path} has a signature {name}, and the model has {', '.join(reference)}: it is another's, or an "
            "application's, which `python -m export verify FILE` compares with the example beside it"
        )
    return reference[name]


def saved_model(folder: Path, reference: dict) -> dict:
    import tensorflow as tf

    if not (folder / "saved_model.pb").is_file():
        return {"wrong": f"{folder} is no SavedModel (it holds no saved_model.pb)"}
    served, answer = tf.saved_model.load(str(folder)).signatures, {}
    for name in served:
        calls, state = _known(reference, name, folder)
        run = lambda f=served[name], **inputs: {
            k: v.numpy() for k, v in f(**{k: tf.constant(v) for k, v in inputs.items()}).items()
        }
        _, specs = served[name].structured_input_signature
        batches = not state and all(s.shape.rank and s.shape[0] is None for s in specs.values())
        same = len({tuple(v.shape for v in c[0].values()) for c in calls}) == 1
        answer[name] = judge(run, calls, state, together=batches and same)
    return answer


def tflite(path: Path, reference: dict, timed: bool) -> dict:
    runner, answer, total = Runner(path), {}, 0.0
    for name in runner.signatures:
        calls, state = _known(reference, name, path)
        answer[name] = judge(lambda name=name, **inputs: runner(name, **inputs), calls, state)
        if timed:
            call = lambda name=name, inputs=calls[0][0]: runner(name, **inputs)
            total += milliseconds(call, 0.2)
    operators, types = anatomy(path)
    times = {"milliseconds": round(total, 4)} if timed else {}
    whole = {"whole_numbers": found} if (found := runner.whole_numbers()) else {}
    return answer | times | whole | {"operators": operators, "types": sorted(types)}


def work(task: dict) -> dict:
    path, reference = Path(task["file"]), read(task["reference"])
    try:
        if path.is_dir():
            return saved_model(path, reference)
        return tflite(path, reference, task.get("time", False))
    except ValueError as error:
        return {"wrong": str(error).strip().splitlines()[0]}


if __name__ == "__main__":
    from export.work import serve

    serve(work)
