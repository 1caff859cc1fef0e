"""A process of its own, because the converter can crash: python -m export.convert JOBS

JOBS is JSON, [[saved model, file to write, [signature, …]], …]. Each file gets the signatures that convert to TF-Lite's
own operators; printed are, for each job, those that do not: [{signature: reason}, …].
"""

import json
import os
import re
import sys
import threading
from pathlib import Path


def convert(folder: str, names: list[str]) -> bytes:
    """With TF-Lite's own operators alone: the delegate for TensorFlow's is not in the runtimes."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=names)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter.convert()


def reason(error: Exception) -> str:
    """The operators that TF-Lite lacks, or the error's first line."""
    missing = re.findall(r"'?tf\.(\w+)'? op is neither a custom op nor a flex op|\btf\.(\w+) \{", str(error))
    names = sorted({a or b for a, b in missing})
    return f"TF-Lite has no {', '.join(names)}" if names else str(error).strip().splitlines()[0][:200]


def end_with_parent() -> None:
    """A killed parent closes our standard input."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()


def main(folder: str, out: str, names: list[str]) -> dict[str, str]:
    """What did not convert."""
    failed = {}
    try:
        content = convert(folder, names)
    except Exception as all_together:  # the converter raises what it likes
        for name in names:
            try:
                convert(folder, [name])
            except Exception as error:
                failed[name] = reason(error)
        failed = failed or dict.fromkeys(names, reason(all_together))
        kept = [name for name in names if name not in failed]
        content = convert(folder, kept) if kept else None
    if content:
        Path(out).write_bytes(content)
    return failed


if __name__ == "__main__":
    end_with_parent()
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    print(json.dumps([main(*job) for job in json.loads(sys.argv[1])]), flush=True)
    os._exit(0)
