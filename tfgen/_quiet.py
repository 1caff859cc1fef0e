"""Imports TensorFlow without its start-up messages, which come from C++ before any setting is read."""

import contextlib
import logging
import os


@contextlib.contextmanager
def _muted():
    try:
        kept = os.dup(2)
    except OSError:  # no standard error to mute
        yield
        return
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow() -> None:
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with _muted():
        import keras
        import tensorflow
        import tensorflow_probability  # noqa: F401
    oldest, found = (3, 15), tuple(map(int, keras.__version__.split(".")[:2]))
    if found < oldest or not tensorflow.__version__.startswith("2.21"):
        raise ImportError(
            f"tfgen needs TensorFlow 2.21 and Keras 3.15 or later; TensorFlow {tensorflow.__version__} and Keras {keras.__version__} are "
            "installed: pip install -r requirements.txt"
        )
    if keras.backend.backend() != "tensorflow":
        raise ImportError(f"tfgen trains on Keras's TensorFlow backend, and {keras.backend.backend()!r} is set: unset KERAS_BACKEND")
