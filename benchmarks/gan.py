"""GANs on a CPU: `python -m benchmarks gan`.

1. Training examples per second of DCGAN and WGAN-GP by `fit`, as it is and with XLA, against the same nets, losses,
optimizers and turns in PyTorch.
2. What each penalty on the critic costs, against the same game without one.

Each library works in a process of its own, with two threads and as a user would start it; their rounds alternate.
Before they start, the PyTorch nets take the Keras weights, and both sides must find the same losses for three steps.
PyTorch is no dependency of the house:
without it, 2 alone is measured.
"""

import argparse
import functools
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np

SHAPE, WIDTH = (28, 28, 1), 32
BATCHES = {"dcgan": (100, 20), "wgan_gp": (320, 10)}  # examples in a batch, batches in a round
PENALTIES = ("none", "gradient_penalty", "r1", "r2", "roth", "clip")
STEPS, TOLERANCE = 3, 1e-4

Losses = dict[str, list[list[float]]]


def pictures(name: str) -> np.ndarray:
    batch, batches = BATCHES[name]
    return np.random.default_rng(0).uniform(-1, 1, (batch * batches, *SHAPE)).astype("float32")


class Draws:
    """The random numbers of the comparison, the same for both sides: noise and, of the gradient penalty, where between
    real and generated."""

    def __init__(self):
        self.source = np.random.default_rng(1)

    def noise(self, n: int) -> np.ndarray:
        return self.source.standard_normal((n, 100), "float32")

    def share(self, n: int) -> np.ndarray:
        return self.source.random((n, 1, 1, 1), "float32")


# -- the two sides, each in its own process
# ----------------------------------------------------------------------------------------------------------------


def ours(weights: pathlib.Path) -> tuple[dict[str, Callable], Losses]:
    """Rounds by name, and the losses of the first steps; the nets' weights before these go to `weights`."""
    import tfgen

    # isort: split
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    options = tf.data.Options()
    options.autotune.enabled = False  # as tfgen.data does
    rounds, losses, initial = {}, {}, {}

    def add(name: str, of: str, model, **how):
        data = (
            tf.data.Dataset.from_tensor_slices(pictures(of))
            .batch(BATCHES[of][0])
            .cache()
            .prefetch(4)
            .with_options(options)
        )
        model.compile(**how)
        rounds[name] = lambda: model.fit(data, verbose=0)

    for name, cls in {"dcgan": tfgen.DCGAN, "wgan_gp": tfgen.WGANGP}.items():
        model, draws = cls(SHAPE, width=WIDTH), Draws()
        initial |= {
            f"{name}/{net}/{i}": v.numpy()
            for net in ("generator", "critic")
            for i, v in enumerate(getattr(model, net).trainable_variables)
        }
        model.compile()
        with (
            mock.patch.object(model, "draw", lambda x, draws=draws: tf.constant(draws.noise(len(x)))),
            mock.patch.object(
                tfgen.rng, "uniform", lambda shape, seed, draws=draws: tf.constant(draws.share(int(shape[0])))
            ),
        ):
            losses[name] = []
            for step in range(STEPS):
                model.reset_metrics()
                logs = model.train_step((pictures(name)[step * BATCHES[name][0] :][: BATCHES[name][0]],))
                losses[name].append([float(logs["critic_loss"]), float(logs["generator_loss"])])
        add(name, name, cls(SHAPE, width=WIDTH))
        add(f"{name}, XLA", name, cls(SHAPE, width=WIDTH), jit_compile=True)
    for penalty in PENALTIES:
        chosen = {"none": {}, "clip": {"clip": 0.01}}.get(penalty, {"penalties": (penalty,)})
        model = tfgen.DCGAN(SHAPE, width=WIDTH, critic_norm="none", **chosen)
        add(penalty, "dcgan", model)
    np.savez(weights, **initial)
    return rounds, losses


def theirs(weights: pathlib.Path) -> tuple[dict[str, Callable], Losses]:
    import torch

    from benchmarks.gan_torch import PEERS, take

    rounds, losses, initial = {}, {}, np.load(weights)
    for name, cls in PEERS.items():
        batches = torch.from_numpy(np.ascontiguousarray(pictures(name).transpose(0, 3, 1, 2))).split(BATCHES[name][0])
        peer, draws = cls(WIDTH), Draws()
        take(
            peer,
            {
                net: [initial[k] for k in initial.files if k.startswith(f"{name}/{net}/")]
                for net in ("generator", "critic")
            },
        )
        peer.noise = lambda n, draws=draws: torch.from_numpy(draws.noise(n))
        peer.share = lambda n, draws=draws: torch.from_numpy(draws.share(n))
        losses[name] = [[float(loss) for loss in peer.step(x)] for x in batches[:STEPS]]

        rounds[name] = functools.partial(epoch, cls(WIDTH), batches)
    return rounds, losses


def epoch(peer, batches) -> None:
    for x in batches:
        peer.step(x)


def work(side: str, weights: str, clock: str, sides: dict[str, Callable] | None = None) -> None:
    """Does the rounds that are named on standard input and answers with their seconds."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is no answer
    rounds, losses = (sides or {"ours": ours, "theirs": theirs})[side](pathlib.Path(weights))
    print(json.dumps(losses), file=answer, flush=True)
    for line in sys.stdin:
        begin = getattr(time, clock)()
        rounds[line.strip()]()
        print(getattr(time, clock)() - begin, file=answer, flush=True)


class Side:
    """A process that works on demand."""

    def __init__(self, side: str, weights: pathlib.Path, clock: str, threads: int, module: str = "benchmarks.gan"):
        command = [sys.executable, "-m", module, "--work", side, str(weights), clock]
        told = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), str(threads))
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **told}
        )
        self.losses: Losses = json.loads(self._answer())

    def __call__(self, name: str) -> float:
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        return self.process.stdout.readline() or sys.exit("a side of the benchmark ended early: what it said is above")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


# -- the tables ----------------------------------------------------------------------------------------------------


def compare(ours: Losses, theirs: Losses) -> None:
    for name in theirs:
        apart = np.abs(np.array(ours[name]) - theirs[name])
        if not apart[0].max() < TOLERANCE or not apart.max() < 10 * TOLERANCE:
            sys.exit(f"{name} is not the same on both sides: losses {ours[name]} and {theirs[name]}")
        print(f"{name}: the same weights on both sides give the same losses, {apart.max():.0e} apart in {STEPS} steps")


def alternate(works: list[tuple[Side, str]], rounds: int) -> Iterator[list[float]]:
    """The seconds of each work in each round, after one round that is not counted, every other round backwards."""
    for i in range(rounds + 1):
        order = range(len(works))[:: -1 if i % 2 else 1]
        seconds = {k: works[k][0](works[k][1]) for k in order}
        if i:
            yield [seconds[k] for k in range(len(works))]


def row(what: str, first: str, ratios: list[float]) -> None:
    ratios = sorted(ratios)
    print(f"{what:32s} {first}   {statistics.median(ratios):5.2f}   ({ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks gan", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2, help="of each side")
    parser.add_argument(
        "--cpu-time", action="store_true", help="count processor time, where something else runs meanwhile"
    )
    asked = parser.parse_args(arguments)
    clock = "process_time" if asked.cpu_time else "perf_counter"
    sides = []
    with tempfile.TemporaryDirectory() as folder:
        weights = pathlib.Path(folder) / "weights.npz"
        try:
            sides.append(Side("ours", weights, clock, asked.threads))
            if importlib.util.find_spec("torch"):
                sides.append(Side("theirs", weights, clock, asked.threads))
                speeds(*sides, asked.rounds)
            else:
                print("no comparison without PyTorch: pip install the CPU build of torch==2.13.0")
            penalties(sides[0], asked.rounds)
        finally:
            for side in sides:
                side.close()


def speeds(ours: Side, theirs: Side, rounds: int) -> None:
    compare(ours.losses, theirs.losses)
    print(f"\n{'examples per second':32s} {'ours':>8s} {'PyTorch':>8s}   ours / PyTorch")
    for name, (batch, batches) in BATCHES.items():
        seconds = list(alternate([(ours, name), (ours, f"{name}, XLA"), (theirs, name)], rounds))
        for k, what in enumerate((name, f"{name}, XLA")):
            rates = [batch * batches / statistics.median(s[i] for s in seconds) for i in (k, 2)]
            row(what, f"{rates[0]:8.0f} {rates[1]:8.0f}", [s[2] / s[k] for s in seconds])


def penalties(ours: Side, rounds: int) -> None:
    print(f"\n{'penalty, DCGAN without norm':32s} {'seconds':>8s}   to none")
    seconds = list(alternate([(ours, penalty) for penalty in PENALTIES], rounds))
    for k, penalty in enumerate(PENALTIES):
        row(penalty, f"{statistics.median(s[k] for s in seconds):8.3f}", [s[k] / s[0] for s in seconds])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        main()
