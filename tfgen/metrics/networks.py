"""Networks that see what samples are of: features to take distances in, and probabilities of classes.

Every metric of samples takes features [n, d], so any network serves. Three are shipped (digits, mnist, fashion_mnist:
`tfgen.metrics.classifier` trains them); `inception_v3` is what published figures of natural images were measured with,
but for TensorFlow's weights in place of the original ones.
"""

import re
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfgen.checks import one_of
from tfgen.files import shipped
from tfgen.values import VALUES

__all__ = ["FeatureNetwork", "feature_network", "inception_v3", "to_unit"]

SAVED = shipped("saved_models")
_IMAGES = [name for name in VALUES if name != "real"]


class FeatureNetwork:
    """A Keras classifier of unit images, and the layer of it that holds the features.

    Arguments:
        name: for people.
        model: of images in 0..1 (after `prepare`), [n, height, width, channels] → anything.
        layer: whose output [n, d] the features are; by default the last.
        probabilities: whether the model's own output is probabilities of classes.
        prepare: unit images of any shape → what the model takes; by default they must have its shape.
        batch: images at a time.
    """

    def __init__(
        self,
        name: str,
        model: keras.Model,
        layer: str | None = None,
        *,
        probabilities: bool = False,
        prepare=None,
        batch: int = 500,
    ):
        self.name, self.batch, self.prepare = name, batch, prepare
        self.shape = None if prepare else tuple(model.input_shape[1:])
        self.classes = model.output_shape[-1] if probabilities else None
        outputs = keras.Model(
            model.inputs, [model.outputs[0] if layer is None else model.get_layer(layer).output, model.outputs[0]]
        )
        self._run = tf.function(lambda x: outputs(prepare(x) if prepare else x, training=False), reduce_retracing=True)

    def __call__(self, x: np.ndarray, values: str = "unit") -> tuple[np.ndarray, np.ndarray | None]:
        """Images x [n, height, width, channels] → features [n, d], and probabilities [n, classes] or None."""
        shape = tuple(np.shape(x)[1:])
        if len(shape) != 3 or self.shape not in (None, shape) or not len(x):
            raise ValueError(
                f"{self.name} takes images [n, {', '.join(map(str, self.shape or ('height', 'width', 'channels')))}], "
                f"and {np.shape(x)} came"
            )
        parts = [self._run(tf.constant(to_unit(x[i : i + self.batch], values))) for i in range(0, len(x), self.batch)]
        features, last = (np.concatenate([part.numpy() for part in output]) for output in zip(*parts, strict=True))
        return features.reshape(len(x), -1), None if self.classes is None else last

    def features(self, x: np.ndarray, values: str = "unit") -> np.ndarray:
        """[n, d]."""
        return self(x, values)[0]

    def probabilities(self, x: np.ndarray, values: str = "unit") -> np.ndarray | None:
        """[n, classes], or None of a network that knows no classes."""
        return None if self.classes is None else self(x, values)[1]


def to_unit(x: np.ndarray, values: str) -> np.ndarray:
    """x of any shape that holds "unit", "signed", "bytes" or "binary" values, as float32 in 0..1; what lies outside is
    cut off."""
    one_of(f"values={values!r}", values, _IMAGES)
    x = np.asarray(x)
    if not np.isfinite(x).all():
        raise ValueError("images that are not finite numbers came: look at the model's samples and losses")
    low, high = VALUES[values]
    return np.clip((x.astype("float32") - low) / (high - low), 0, 1)


def feature_network(name: str) -> FeatureNetwork:
    """The shipped classifier of a data set ("digits", "mnist", "fashion_mnist", or any that you trained), or
    "inception_v3"."""
    if name == "inception_v3":
        return inception_v3()
    path, _ = paths_of(name)
    if not path.is_file():
        known = sorted(p.name.removesuffix("_classifier.keras") for p in SAVED.glob("*_classifier.keras"))
        raise ValueError(
            f"there is no classifier of {name} ({', '.join(known) or 'none'} and inception_v3 are there): python -m "
            f"tfgen.metrics.classifier {name} trains one"
        )
    try:
        model = keras.saving.load_model(path, compile=False)
        return FeatureNetwork(f"{name}_classifier", model, "features", probabilities=True)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not one of our classifiers ({str(error).splitlines()[0][:120]}): train it again"
        ) from None


def inception_v3() -> FeatureNetwork:
    """Keras's Inception v3 with ImageNet's weights: 2048 features, 1000 classes. Images are resized to 299x299, grey
    becomes RGB."""
    try:
        model = keras.applications.InceptionV3(weights="imagenet")
    except Exception as error:  # whatever the network or the disk brings forth
        line = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise ValueError(
            f"the weights of inception_v3 cannot be fetched ({line}): try where there is a network, or take a shipped "
            "classifier"
        ) from None

    def prepare(x):
        x = tf.image.grayscale_to_rgb(x) if x.shape[-1] == 1 else x
        return 2.0 * tf.image.resize(x, (299, 299)) - 1.0

    return FeatureNetwork("inception_v3", model, "avg_pool", probabilities=True, prepare=prepare, batch=50)


def paths_of(name: str, folder: str | Path = SAVED) -> tuple[Path, Path]:
    """The classifier of a data set, and its card."""
    stem = f"{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_')}_classifier"
    return Path(folder) / f"{stem}.keras", Path(folder) / f"{stem}.json"
