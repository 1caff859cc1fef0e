"""Energy models and mixtures on a CPU: `python -m benchmarks energy`.

1. An epoch of RBM-500 (PCD-1, 100 chains, batches of 100) against scikit-learn's BernoulliRBM, and against the five
matrix products of these sizes alone, by TensorFlow and by numpy.
2. An epoch of GMM (10 components in 20 dimensions) against a round of scikit-learn's GaussianMixture.
3. How an update of the RBM grows with k, hidden units and batch, as a picture (--plot FILE.png).

Rounds alternate; ratios are medians. Processor time (--cpu-time) where something else runs meanwhile.
"""

import argparse
import pathlib
import statistics
import time
import warnings
from collections.abc import Callable

import tfgen

# isort: split
import numpy as np
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.neural_network import BernoulliRBM

PIXELS, UNITS, BATCH, EXAMPLES = 784, 500, 100, 10_000
POINTS, DIMS, COMPONENTS = 20_000, 20, 10
GROWTH = {"k": (1, 2, 5, 10), "hidden": (125, 250, 500, 1000), "batch": (25, 50, 100, 200)}
STEPS = 60  # of a measure of growth


def alternate(works: dict[str, Callable], rounds: int, clock: Callable) -> dict[str, list[float]]:
    """Seconds of each, round by round, after one that is not counted."""
    seconds = {name: [] for name in works}
    for i in range(rounds + 1):
        for name, work in list(works.items())[:: -1 if i % 2 else 1]:
            begin = clock()
            work()
            if i:
                seconds[name].append(clock() - begin)
    return seconds


def batches(x: np.ndarray, size: int) -> tf.data.Dataset:
    options = tf.data.Options()
    options.autotune.enabled = False  # as tfgen.data does
    data = tf.data.Dataset.from_tensor_slices(x).batch(size, drop_remainder=True)
    return data.cache().prefetch(4).with_options(options)


def rbm_epoch(x: np.ndarray, batch: int = BATCH, **options) -> Callable:
    rbm = tfgen.RBM((PIXELS,), **{"hidden": UNITS, "chains": batch, **options})
    rbm.compile()
    data = batches(x, batch)
    return lambda: rbm.fit(data, verbose=0)


def products(of: str) -> Callable:
    """v W, h Wᵀ, v W, and the gradient's two, of an epoch, and nothing else."""
    dice = np.random.default_rng(0)
    v, W, h = (dice.random(shape, "float32") for shape in ((BATCH, PIXELS), (PIXELS, UNITS), (BATCH, UNITS)))
    steps = EXAMPLES // BATCH
    if of == "numpy":

        def work():
            for _ in range(steps):
                _ = v @ W, h @ W.T, v @ W, v.T @ h, v.T @ h

        return work
    tensors = [tf.Variable(t) for t in (v, W, h)]

    @tf.function
    def once():
        v, W, h = tensors
        made = [tf.matmul(v, W), tf.matmul(h, W, transpose_b=True), tf.matmul(v + 1, W)]
        made += [tf.matmul(v, h, transpose_a=True), tf.matmul(v + 1, h, transpose_a=True)]
        return tf.add_n([tf.reduce_sum(m[:1, :1]) for m in made])

    def loop():
        for _ in range(steps):
            once()

    return loop


def gmm_epoch(x: np.ndarray) -> Callable:
    gmm = tfgen.GMM((DIMS,), components=COMPONENTS)
    gmm.compile()
    data = batches(x, 1000)
    return lambda: gmm.fit(data, verbose=0)


def peer_round(x: np.ndarray) -> Callable:
    means = x[:COMPONENTS]
    given = {"means_init": means, "precisions_init": np.stack([np.eye(DIMS)] * COMPONENTS)}
    peer = GaussianMixture(COMPONENTS, max_iter=1, tol=0, init_params="random_from_data", **given)

    def work():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer.fit(x)

    return work


def row(what: str, ours: list[float], theirs: list[float]) -> None:
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{what:52s} {statistics.median(ours):7.3f} s {statistics.median(theirs):7.3f} s   "
        f"{statistics.median(ratios):5.2f}   ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def growth(rounds: int, clock: Callable) -> dict[str, dict[int, float]]:
    """Milliseconds of an update, of PCD with as many chains as the batch has examples."""
    found = {}
    for name, values in GROWTH.items():
        works = {}
        for value in values:
            options = {name: value} if name != "batch" else {"batch": value}
            batch = options.pop("batch", BATCH)
            x = (np.random.default_rng(0).random((STEPS * batch, PIXELS)) < 0.2).astype("float32")
            works[value] = rbm_epoch(x, batch, **options)
        seconds = alternate(works, rounds, clock)
        found[name] = {value: 1000 * statistics.median(s) / STEPS for value, s in seconds.items()}
        print(f"ms an update, {name}: " + ", ".join(f"{v}: {ms:.1f}" for v, ms in found[name].items()), flush=True)
    return found


def plot(found: dict[str, dict[int, float]], path: pathlib.Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    names = {"k": "k", "hidden": "hidden units", "batch": "batch"}
    for i, (name, times) in enumerate(found.items()):
        axes = figure.add_subplot(1, 3, i + 1, xlabel=names[name], ylabel="" if i else "ms an update")
        axes.plot(list(times), list(times.values()), marker="o")
        axes.set_ylim(0)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks energy", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of TensorFlow; OMP_NUM_THREADS says those of numpy")
    parser.add_argument("--cpu-time", action="store_true", help="count processor time")
    parser.add_argument("--plot", type=pathlib.Path, help="draw how an update grows into this file")
    asked = parser.parse_args(arguments)
    tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
    clock = time.process_time if asked.cpu_time else time.perf_counter
    x = (np.random.default_rng(0).random((EXAMPLES, PIXELS)) < 0.2).astype("float32")
    peer = BernoulliRBM(UNITS, learning_rate=0.05, batch_size=BATCH, n_iter=1, random_state=0)
    works = {"ours": rbm_epoch(x), "peer": lambda: peer.fit(x)}
    works |= {name: products(name) for name in ("tensorflow", "numpy")}
    print(f"{EXAMPLES} examples of {PIXELS} bits, an epoch a round, {asked.rounds} rounds\n")
    print(f"{'':52s} {'ours':>9s} {'theirs':>9s}   ours / theirs")
    seconds = alternate(works, asked.rounds, clock)
    row("RBM-500, PCD-1 / scikit-learn, float32", seconds["ours"], seconds["peer"])
    row("RBM-500, PCD-1 / its five products by TensorFlow", seconds["ours"], seconds["tensorflow"])
    row("RBM-500, PCD-1 / its five products by numpy", seconds["ours"], seconds["numpy"])
    dice = np.random.default_rng(1)
    points = (dice.normal(size=(POINTS, DIMS)) + 3 * dice.integers(0, 3, (POINTS, 1))).astype("float32")
    seconds = alternate({"ours": gmm_epoch(points), "peer": peer_round(points)}, asked.rounds, clock)
    row(f"GMM, {COMPONENTS} in {DIMS} dimensions / a round of scikit-learn", seconds["ours"], seconds["peer"])
    if asked.plot:
        plot(growth(asked.rounds, clock), asked.plot)
