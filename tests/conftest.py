"""Two logical CPUs and one thread each, for every test process, before TensorFlow starts."""

import gc
import os

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import tfgen

# isort: split
import keras
import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
gc.freeze()
gc.set_threshold(50_000, 20, 20)  # a trace makes a million objects that stay: looked through less often, 7 % less time


@pytest.fixture(scope="session")
def mirrored():
    return tfgen.distribute.strategy("mirrored", ["CPU:0", "CPU:1"])


@pytest.fixture(autouse=True)
def _fresh():
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session(free_memory=False)


def pytest_collection_modifyitems(items):
    """The longest first, so that no process waits for it at the end: one process begins with the kills, another, whose
    half begins in the middle, with the export that many tests look at, which come last."""
    look = [item for item in items if "exported" in item.fixturenames]
    items[:] = sorted((item for item in items if item not in look), key=lambda item: "torture" not in item.nodeid)
    half = (len(items) + len(look)) // 2
    items[half:half] = look[:1]
    items += look[1:]
