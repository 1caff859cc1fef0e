"""Variational models on a CPU: `python -m benchmarks vae`.

1. Training examples per second of VAE and IWAE-50 by `fit`, as it is and with XLA, against pythae's models of the same
networks, batches and data, in a plain PyTorch loop with Adam. (pythae 0.1.2: its IWAE descends Σ w̃ log w, which has
IWAE's gradient and is not its bound.)
2. How a step's time grows with the number of samples and the length of a flow, as a picture.

Processor time of one thread on each side, rounds alternate; so something else may run meanwhile. Neither PyTorch nor
pythae is a dependency of the house: without them, 2 alone is measured.
"""

import argparse
import importlib.util
import itertools
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import tfgen

# isort: split
import numpy as np
import tensorflow as tf

PIXELS, LATENT, HIDDEN, BATCH, BATCHES = 784, 50, (200, 200), 100, 20
SAMPLES, LENGTHS = (1, 2, 5, 10, 20, 50), (0, 1, 2, 5, 10, 20)
SIZES = {"vae": 1, "iwae-50": 50}


def data() -> np.ndarray:
    return (np.random.default_rng(0).random((BATCH * BATCHES, PIXELS)) < 0.2).astype("float32")


def ours(samples: int = 1, xla: bool = False, **arguments) -> Callable:
    """One epoch by fit."""
    objective = "elbo" if samples == 1 else "iwae"
    model = tfgen.VAE((PIXELS,), latent=LATENT, hidden=HIDDEN, samples=samples, objective=objective, **arguments)
    model.compile(jit_compile=xla)
    x = tf.data.Dataset.from_tensor_slices(data()).batch(BATCH, drop_remainder=True).cache().prefetch(4)
    return lambda: model.fit(x, verbose=0)


def theirs(samples: int) -> Callable:
    """One epoch of pythae's model."""
    import torch
    from pythae.models import IWAE, VAE, IWAEConfig, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from torch import nn

    torch.set_num_threads(1)

    def dense(sizes):
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.Tanh())]
        return nn.Sequential(*layers)

    class Encoder(BaseEncoder):
        def __init__(self):
            BaseEncoder.__init__(self)
            self.net, self.mu, self.log_var = dense((PIXELS, *HIDDEN)), *(nn.Linear(HIDDEN[-1], LATENT) for _ in "ab")

        def forward(self, x):
            h = self.net(x)
            return ModelOutput(embedding=self.mu(h), log_covariance=self.log_var(h))

    class Decoder(BaseDecoder):
        def __init__(self):
            BaseDecoder.__init__(self)
            self.net = nn.Sequential(dense((LATENT, *HIDDEN[::-1])), nn.Linear(HIDDEN[0], PIXELS), nn.Sigmoid())

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z))

    about = {"input_dim": (PIXELS,), "latent_dim": LATENT, "reconstruction_loss": "bce"}
    model = (
        VAE(VAEConfig(**about), Encoder(), Decoder())
        if samples == 1
        else IWAE(IWAEConfig(number_samples=samples, **about), Encoder(), Decoder())
    )
    optimizer, batches = torch.optim.Adam(model.parameters()), torch.from_numpy(data()).split(BATCH)

    def epoch():
        for x in batches:
            optimizer.zero_grad()
            model({"data": x}).loss.backward()
            optimizer.step()

    return epoch


def seconds(works: list[Callable], rounds: int) -> list[list[float]]:
    """Processor seconds of each work in each round, after one that is not counted."""
    found = []
    for i in range(rounds + 1):
        row = []
        for work in works:
            begin = time.process_time()
            work()
            row.append(time.process_time() - begin)
        found += [row] if i else []
    return found


def speeds(rounds: int) -> None:
    print(f"{'examples per processor second':32s} {'ours':>8s} {'pythae':>8s}   ours / pythae")
    for name, k in SIZES.items():
        found = seconds([ours(k), ours(k, xla=True), theirs(k)], rounds)
        for i, what in enumerate((name, f"{name}, XLA")):
            rates = [BATCH * BATCHES / statistics.median(row[j] for row in found) for j in (i, 2)]
            ratios = sorted(row[2] / row[i] for row in found)
            middle = statistics.median(ratios)
            print(f"{what:32s} {rates[0]:8.0f} {rates[1]:8.0f}   {middle:5.2f}   ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def growth(rounds: int, path: str) -> None:
    """Times of a step against those of one sample and of no flow."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (title, values, kinds) in enumerate(
        (
            ("samples k", SAMPLES, {"iwae": lambda k: ours(k)}),
            (
                "flows",
                LENGTHS,
                {name: lambda n, name=name: ours(posterior=f"{name}:{n}") for name in ("planar", "householder", "iaf")},
            ),
        )
    ):
        axes = figure.add_subplot(1, 2, place + 1, xlabel=title, ylabel="time of a step, to the first")
        for name, make in kinds.items():
            found = seconds([make(value) for value in values], rounds)
            times = [statistics.median(row[i] for row in found) for i in range(len(values))]
            axes.plot(values, [t / times[0] for t in times], marker="o", label=name)
            print(f"{name:12s} " + "  ".join(f"{v}: {t / times[0]:.2f}" for v, t in zip(values, times, strict=True)))
        axes.set_ylim(0)
        axes.legend()
    figure.savefig(path, dpi=90)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks vae", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="docs/variational_cost.png")
    asked = parser.parse_args(arguments)
    if importlib.util.find_spec("torch") and importlib.util.find_spec("pythae"):
        speeds(asked.rounds)
    else:
        print("no comparison without pythae: pip install pythae and the CPU build of torch==2.13.0")
    growth(asked.rounds, asked.out)


if __name__ == "__main__":
    main()
