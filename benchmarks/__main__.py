"""Speed as ratios within one run: `python -m benchmarks`, of GANs `python -m benchmarks gan`, of variational models
`python -m benchmarks vae`, of energy models and mixtures `python -m benchmarks energy`, of pixel by pixel models
`python -m benchmarks autoregressive`.

`python -m benchmarks face` draws the README's samples; `python -m benchmarks speech` compares the shipped enhancer;
`python -m benchmarks tutorials` runs the notebooks of docs/tutorials; `python -m benchmarks pages` writes docs/systems.

1. `fit` against a bare loop over the same tf.data with the same step: what the house costs.
2. The RBM against scikit-learn's BernoulliRBM on the same work: persistent contrastive divergence, 100 chains, batches
of 100.

Each pair is alternated; the table shows medians and the range of the ratio. Nothing else should run meanwhile.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "2")

import tfgen

# isort: split
import numpy as np
import tensorflow as tf
from sklearn.neural_network import BernoulliRBM

ROUNDS, EXAMPLES, PIXELS, UNITS, BATCH = 5, 20_000, 784, 500, 100


def alternate(ours: Callable, theirs: Callable, rounds: int = ROUNDS) -> tuple[float, float, list[float]]:
    """Median seconds of each and the ratios ours / theirs, after one round that is not counted."""
    pairs = []
    for _ in range(rounds + 1):
        pair = []
        for work in (ours, theirs):
            begin = time.perf_counter()
            work()
            pair.append(time.perf_counter() - begin)
        pairs.append(pair)
    pairs = pairs[1:]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        sorted(a / b for a, b in pairs),
    )


def row(what: str, seconds: tuple[float, float, list[float]]) -> None:
    ours, theirs, ratios = seconds
    print(
        f"{what:48s} {ours:8.3f} s {theirs:8.3f} s   {statistics.median(ratios):5.2f}   ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f})",
        flush=True,
    )


def bare_loop(model, data) -> Callable:
    step = tf.function(lambda x: model.train_step((x,)), reduce_retracing=True)

    def epoch():
        for x in data:
            step(x)

    return epoch


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(2)
    x = (np.random.default_rng(0).random((EXAMPLES, PIXELS)) < 0.2).astype("float32")
    options = tf.data.Options()
    options.autotune.enabled = False  # as tfgen.data does
    data = (
        tf.data.Dataset.from_tensor_slices(x)
        .batch(BATCH, drop_remainder=True)
        .cache()
        .prefetch(4)
        .with_options(options)
    )
    print(f"{EXAMPLES} examples of {PIXELS} bits, batches of {BATCH}, one epoch a round, {ROUNDS} rounds\n")
    print(f"{'':48s} {'ours':>10s} {'theirs':>10s}   ours / theirs")
    for name, make in {
        "RBM-500, CD-1": lambda: tfgen.RBM((PIXELS,), hidden=UNITS),
        "MADE-500": lambda: tfgen.MADE((PIXELS,), hidden=(UNITS,)),
    }.items():
        model, twin = make(), make()
        model.compile()
        twin.compile()
        row(
            f"{name}: fit / a bare loop",
            alternate(lambda model=model: model.fit(data, verbose=0), bare_loop(twin, data)),
        )
    for dtype in ("float32", "float64"):
        rbm = tfgen.RBM((PIXELS,), hidden=UNITS, chains=BATCH)
        rbm.compile()
        peer = BernoulliRBM(UNITS, learning_rate=0.05, batch_size=BATCH, n_iter=1, random_state=0)
        rows = x.astype(dtype)
        row(
            f"RBM-500, PCD-1: float32 / scikit-learn {dtype}",
            alternate(lambda rbm=rbm: rbm.fit(data, verbose=0), lambda peer=peer, rows=rows: peer.fit(rows)),
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["vae"]:
        from benchmarks import vae

        vae.main(sys.argv[2:])
    elif sys.argv[1:2] == ["gan"]:
        from benchmarks import gan

        gan.main(sys.argv[2:])
    elif sys.argv[1:2] == ["energy"]:
        from benchmarks import energy

        energy.main(sys.argv[2:])
    elif sys.argv[1:2] == ["autoregressive"]:
        from benchmarks import autoregressive

        autoregressive.main(sys.argv[2:])
    elif sys.argv[1:2] == ["face"]:
        from benchmarks import face

        sys.exit(face.main(sys.argv[2:]))
    elif sys.argv[1:2] == ["pages"]:
        from benchmarks import pages

        sys.exit(pages.main(sys.argv[2:]))
    elif sys.argv[1:2] == ["tutorials"]:
        from benchmarks import tutorials

        sys.exit(tutorials.main(sys.argv[2:]))
    elif sys.argv[1:2] == ["speech"]:
        from benchmarks import speech

        sys.exit(speech.main(sys.argv[2:]))
    else:
        main()
