"""Small convolutional classifiers of pictures: the networks whose features and labels judge samples of sets that
Inception knows nothing of.

`python -m tfgen.metrics.classifier mnist` trains one on the labels of a data set and writes
saved_models/mnist_classifier.keras beside its card;
`tfgen.metrics.feature_network("mnist")` reads it. The layer before the last, "features", is what distances are taken
in.
"""

import json
import math
import platform
import sys
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
import typer

from tfgen import data, rng
from tfgen.data.sources import open_source
from tfgen.files import whole
from tfgen.metrics.networks import SAVED, paths_of

__all__ = ["convnet", "shift", "train_classifier"]

BATCH, RATE = 128, 2e-3


def convnet(shape: tuple[int, int, int], classes: int, features: int = 96) -> keras.Model:
    """Unit images [n, *shape] → probabilities [n, classes]; two convolutions, then half the side, while the side is
    above 5."""
    x = image = keras.Input(shape)
    width = 16 if min(shape[:2]) >= 16 else 32
    while min(x.shape[1:3]) > 5:
        for _ in range(2):
            x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.MaxPooling2D()(x)
        width = min(2 * width, 64)
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    x = keras.layers.Dense(features, "relu", name="features")(x)
    return keras.Model(image, keras.layers.Dense(classes, "softmax", name="probabilities")(x), name="classifier")


def shift(x: tf.Tensor, pixels: int, seed: tf.Tensor) -> tf.Tensor:
    """Each image of x [n, h, w, c] moved by up to so many pixels in either direction, zeros coming in."""
    n, (height, width) = tf.shape(x)[0], x.shape[1:3]
    by = tf.cast(rng.uniform([2, n, 1], seed) * (2 * pixels + 1), tf.int32)
    x = tf.pad(x, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])
    x = tf.gather(x, by[0] + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(x, by[1] + tf.range(width), axis=2, batch_dims=1)


def train_classifier(
    name: str,
    *,
    data_dir: str | Path | None = None,
    epochs: int | None = None,
    seed: int = 0,
    folder: str | Path = SAVED,
) -> Path:
    """Trains on the train split, measures on the test split, writes NAME_classifier.keras and its card (.json). The
    path of the former."""
    train, test = (open_source(name, split, condition="labels", data_dir=data_dir) for split in ("train", "test"))
    if len(train.shape) != 3 or train.real:
        raise ValueError(f"{name} has no pictures: a classifier learns from pictures with labels")
    epochs = epochs or min(60, max(8, math.ceil(100_000 / train.count)))  # small sets need more
    pixels = 2 if min(train.shape[:2]) >= 16 else 1
    keras.utils.set_random_seed(seed)
    model = convnet(train.shape, train.spec)
    dataset = data.load(train, values="unit", batch=BATCH, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * len(dataset))
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    for epoch in range(epochs):
        key = rng.fold_in(rng.as_seed(seed), epoch)
        moved = dataset.enumerate().map(lambda i, pair, key=key: (shift(pair[0], pixels, rng.fold_in(key, i)), pair[1]))
        seen = model.fit(moved, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0).history
        print(
            f"epoch {epoch + 1} of {epochs}: loss {seen['loss'][0]:.4f}, error {1 - seen['accuracy'][0]:.2%}",
            flush=True,
        )
    x, labels = data.arrays(test, "test", values="unit")
    wrong = int((model.predict(x, batch_size=1000, verbose=0).argmax(1) != labels).sum())
    bare = convnet(train.shape, train.spec)  # without the optimizer's state
    bare.set_weights(model.get_weights())
    card = {
        "data": {"name": name, "shape": list(train.shape), "classes": train.spec, "values": "unit"},
        "train": {
            "split": "train",
            "examples": train.count,
            "epochs": epochs,
            "batch": BATCH,
            "learning_rate": RATE,
            "shift": pixels,
            "seed": seed,
        },
        "test": {"split": "test", "examples": test.count, "wrong": wrong, "error": wrong / test.count},
        "parameters": sum(math.prod(v.shape) for v in bare.variables),
        "features": bare.get_layer("features").units,
        "command": f"python -m tfgen.metrics.classifier {name} --epochs {epochs} --seed {seed}",
        "versions": {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }
    model_path, card_path = paths_of(name, folder)
    model_path.parent.mkdir(parents=True, exist_ok=True)
    with whole(model_path) as partial:
        bare.save(partial)
    with whole(card_path) as partial:
        partial.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    return model_path


def main(
    name: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="digits, a TensorFlow Dataset, or a folder of pictures in one sub-folder a class."
        ),
    ],
    data_dir: Annotated[Path | None, typer.Option(help="Where TensorFlow Datasets are, or go.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="By default 8, more for small sets.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and shifts.")] = 0,
) -> None:
    """Train the classifier that judges samples of a data set, into saved_models/."""
    try:
        path = train_classifier(name, data_dir=data_dir, epochs=epochs, seed=seed)
    except ValueError as error:
        print(f"python -m tfgen.metrics.classifier: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    test = json.loads(path.with_suffix(".json").read_text())["test"]
    print(f"{path}: {100 * test['error']:.2f} % of {test['examples']:,} test examples wrong")


if __name__ == "__main__":
    typer.run(main)
