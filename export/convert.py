"""The converter at work (export/work.py): SavedModel → TF-Lite, in a process that it may crash.

A task is {"saved_model": …, "names": [signature, …], "out": file, "format": one of FORMATS, "by": one of MAKERS}, for
integers with {"representative": npz, "io": type of inputs and outputs}, and with {"float32": file} where that verified
one is what `export/quantize.py` works on. The answer is {"failed": {signature: reason}}: the file holds the others.
"""

import re
from pathlib import Path

FORMATS = ("float32", "float16", "dynamic", "int8", "int16x8")
MAKERS = {
    "converter": "TensorFlow's converter",
    "quantizer": "litert-quantizer, all operators that it knows",
    "layers": "litert-quantizer, layers with weights alone; what is between them stays in floats",
}


def convert(task: dict, names: list[str]) -> bytes:
    """With TF-Lite's own operators alone: the delegate for TensorFlow's is not in the runtimes."""
    import tensorflow as tf

    lite, kind = tf.lite.OpsSet, task["format"]
    converter = tf.lite.TFLiteConverter.from_saved_model(task["saved_model"], signature_keys=names)
    converter.target_spec.supported_ops = [lite.TFLITE_BUILTINS]
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in ("int8", "int16x8"):
        integers = {
            "int8": lite.TFLITE_BUILTINS_INT8,
            "int16x8": lite.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        }
        converter.target_spec.supported_ops = [integers[kind], lite.TFLITE_BUILTINS]
        calls = representative(task["representative"], names)
        converter.representative_dataset = lambda: ((name, inputs) for name in names for inputs in calls[name])
        if task["io"] != "float":
            converter.inference_input_type = converter.inference_output_type = getattr(tf, task["io"])
    return converter.convert()


def representative(path: str, names: list[str]) -> dict[str, list[dict]]:
    """signature → inputs, call by call."""
    from export.verify import read

    return {name: [inputs for inputs, _ in calls] for name, (calls, _) in read(path).items() if name in names}


def reason(error: Exception) -> str:
    """The operators that TF-Lite lacks, or the error's first line."""
    missing = re.findall(r"'?tf\.(\w+)'? op is neither a custom op nor a flex op|\btf\.(\w+) \{", str(error))
    names = sorted({a or b for a, b in missing})
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"TF-Lite has no {', '.join(names)}" if names else first[:200]


def work(task: dict) -> dict:
    if task["by"] == "converter":
        make = lambda names: convert(task, names)
    else:
        from export.quantize import quantize

        make = lambda names: quantize(task, names)
    names, failed = task["names"], {}
    try:
        content = make(names)
    except Exception as all_together:  # the converter raises what it likes
        if task["by"] != "converter":  # its file holds all signatures or none
            return {"failed": dict.fromkeys(names, reason(all_together))}
        for name in names if len(names) > 1 else ():
            try:
                make([name])
            except Exception as error:
                failed[name] = reason(error)
        failed = failed or dict.fromkeys(names, reason(all_together))
        kept = [name for name in names if name not in failed]
        content = make(kept) if kept else None
    if content:
        Path(task["out"]).write_bytes(content)
    return {"failed": failed}


if __name__ == "__main__":
    import tensorflow  # noqa: F401

    from export.work import serve

    serve(work)
