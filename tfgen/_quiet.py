"""Imports TensorFlow without its start-up messages, which come from C++ before any setting is read, lets it keep its
memory and asks for oneDNN.

oneDNN's convolutions are the faster ones on a CPU; TensorFlow takes them by itself on the newest ones alone.
TF_ENABLE_ONEDNN_OPTS=0 takes them away.
"""

import contextlib
import ctypes
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


def _keep_memory() -> None:
    """glibc gives memory back to the system after each step and faults it in again in the next: half the time of a
    GAN's step on a CPU."""
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")) for name in os.environ):
        return  # somebody has chosen
    with contextlib.suppress(OSError, AttributeError):  # another system, another C library
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        for option, value in (
            (-4, 0),
            (-1, 2**31 - 1),
            (-2, 64 << 20),
            (-8, 1),
        ):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD, M_ARENA_MAX
            mallopt(option, value)


def import_tensorflow() -> None:
    _keep_memory()
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with _muted():
        import keras
        import tensorflow
        import tensorflow_probability  # noqa: F401
    oldest, found = (3, 15), tuple(map(int, keras.__version__.split(".")[:2]))
    if found < oldest or not tensorflow.__version__.startswith("2.21"):
        raise ImportError(
            f"tfgen needs TensorFlow 2.21 and Keras 3.15 or later; TensorFlow {tensorflow.__version__} and Keras "
            f"{keras.__version__} are "
            "installed: pip install -r requirements.txt"
        )
    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            f"tfgen trains on Keras's TensorFlow backend, and {keras.backend.backend()!r} is set: unset KERAS_BACKEND"
        )
