"""Writes the files of this folder, which are kept for ever: python tests/golden/make.py NAME."""

import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

import tfgen

HERE = pathlib.Path(__file__).parent
MAKE = {
    "vae": lambda: tfgen.VAE((5,), latent=2, hidden=(8,)),
    "dcgan": lambda: tfgen.DCGAN((8, 8, 1), latent=3, width=2, condition=3, average=0.9, penalties=("r1:0.1",)),
    "rbm": lambda: tfgen.RBM((5,), hidden=4, chains=8, sweeps=5),
}


def data(name: str):
    dice = np.random.default_rng(0)
    if name == "dcgan":
        return dice.uniform(-1, 1, (32, 8, 8, 1)).astype("float32"), dice.integers(0, 3, 32)
    return dice.integers(0, 2, (32, 5)).astype("float32"), None


def seen(model, name: str) -> dict[str, np.ndarray]:
    """What a file must give ever after: samples, losses on data, and the weights after one more epoch."""
    x, condition = data(name)
    found = {"samples": model.sample(4, None if condition is None else 1, seed=3).numpy()}
    found |= {
        f"judged_{k}": np.float32(v) for k, v in model.evaluate(x, condition, verbose=0, return_dict=True).items()
    }
    model.fit(x, condition, batch_size=16, initial_epoch=1, epochs=2, shuffle=False, verbose=0)
    return found | {f"weight_{i}": v.numpy() for i, v in enumerate(model.trainable_variables)}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = HERE / f"{name}.keras"
        if path.exists():
            sys.exit(f"{path.name} is there: it is kept as it was written")
        keras.utils.set_random_seed(1)
        model, (x, condition) = MAKE[name](), data(name)
        model.compile()
        model.fit(x, condition, batch_size=16, shuffle=False, verbose=0)
        model.save(path)
        np.savez_compressed(HERE / f"{name}.npz", **seen(tfgen.load(path), name))
        print(path.name, tf.__version__, keras.__version__)
