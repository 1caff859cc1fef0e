"""A fresh process without tfgen and without Keras's model: loads what was exported, and says how far it is from Keras's
numbers.

python -m export.verify JOBS, JSON of [[folder, reference.npz], …], prints for each {file: {signature: {"largest": …,
"rows": …, "equal": …}}} The reference holds `signature/input/name` and `signature/output/name`, n rows each.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

TOLERANCE = 1e-4  # of the larger of 1 and the number itself


def compare(ours: np.ndarray, keras: np.ndarray) -> dict[str, float | int]:
    """The largest difference, relative where numbers are large, and how many rows are within the tolerance."""
    if ours.shape != keras.shape:
        return {"largest": float("inf"), "rows": len(keras), "equal": 0}
    apart = np.abs(ours.astype("float64") - keras) / np.maximum(1, np.abs(keras))
    apart = np.nan_to_num(apart, nan=np.inf).reshape(len(keras), -1).max(1)
    return {"largest": float(apart.max()), "rows": len(keras), "equal": int((apart <= TOLERANCE).sum())}


def read(path: str) -> dict[str, tuple[dict, str, np.ndarray]]:
    """signature → inputs, the name of its output, Keras's numbers."""
    found = {}
    with np.load(path) as arrays:
        for key in arrays.files:
            signature, kind, name = key.split("/")
            inputs, output = found.setdefault(signature, ({}, []))
            inputs.update({name: arrays[key]}) if kind == "input" else output.extend([name, arrays[key]])
    return {signature: (inputs, *output) for signature, (inputs, output) in found.items()}


def saved_model(folder: Path, reference: dict) -> dict:
    import tensorflow as tf

    served = tf.saved_model.load(str(folder)).signatures
    return {
        name: compare(served[name](**{k: tf.constant(v) for k, v in inputs.items()})[output].numpy(), expected)
        for name, (inputs, output, expected) in reference.items()
    }


def tflite(path: Path, reference: dict) -> dict:
    """Row by row: the file is made for one example at a time."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    result = {}
    for name in interpreter.get_signature_list():
        inputs, output, expected = reference[name]
        runner = interpreter.get_signature_runner(name)
        rows = [runner(**{k: v[i : i + 1] for k, v in inputs.items()})[output] for i in range(len(expected))]
        result[name] = compare(np.concatenate(rows), expected)
    return result


def main(folder: str, reference: str) -> dict[str, dict]:
    root, expected = Path(folder), read(reference)
    result = {"saved_model": saved_model(root / "saved_model", expected)}
    if (root / "model.tflite").is_file():
        result["model.tflite"] = tflite(root / "model.tflite", expected)
    return result


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from export.convert import end_with_parent

    end_with_parent()
    print(json.dumps([main(*job) for job in json.loads(sys.argv[1])]), flush=True)
    os._exit(0)
