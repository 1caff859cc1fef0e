"""Autoregressive models on a CPU: `python -m benchmarks autoregressive`.

1. Sampling from a state that is carried on against a pass of the whole net for each pixel, both under XLA: pictures of
28x28, 7 layers of 32 filters, kernels of 3, batches of 16. The naive way is timed over one row, times the rows.
2. The cost of a pixel as pictures grow, either way, as a picture (`--plot FILE`).
3. Training examples per second of MADE and Gated PixelCNN by `fit`, against the same layers as plain PyTorch modules
with the same weights, whose losses of the first steps must agree.

The sides of 3 work in processes of their own, and their rounds alternate. Without PyTorch 3 is left out.
"""

import argparse
import importlib.util
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from benchmarks.gan import Side, alternate, row, work

SIDE, BATCHES, STEPS = 28, {"made": (100, 20), "gated_pixelcnn": (32, 4)}, 3
NET = {"layers": 7, "kernel": 3}
MODULE = "benchmarks.autoregressive"


def bits(name: str) -> np.ndarray:
    batch, batches = BATCHES[name]
    return (np.random.default_rng(0).random((batch * batches, SIDE, SIDE, 1)) < 0.2).astype("float32")


# -- training: the two sides -------------------------------------------------------------------------------------------


def ours(weights: pathlib.Path):
    """Rounds by name, and the losses of the first steps; the weights before these go to a file."""
    import tfgen

    # isort: split
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    options = tf.data.Options()
    options.autotune.enabled = False  # as tfgen.data does
    rounds, losses, initial = {}, {}, {}
    made, gated = (lambda: tfgen.MADE((SIDE, SIDE, 1))), (lambda: tfgen.GatedPixelCNN((SIDE, SIDE, 1), **NET))
    for name, make in {"made": made, "gated_pixelcnn": gated}.items():
        model = make()
        initial |= {f"{name}/{i}": v.numpy() for i, v in enumerate(parameters(model))}
        if name == "made":
            initial |= {f"degrees/{i}": d.numpy()[0] for i, d in enumerate(model.degrees)}
        model.compile()
        losses[name] = []
        for x in np.split(bits(name), BATCHES[name][1])[:STEPS]:
            model.reset_metrics()
            losses[name].append([float(model.train_step((x,))["loss"])])
        data = tf.data.Dataset.from_tensor_slices(bits(name)).batch(BATCHES[name][0]).cache().with_options(options)
        for how, arguments in {"": {}, ", XLA": {"jit_compile": True}}.items():
            one = make()
            one.compile(**arguments)
            rounds[name + how] = lambda one=one, data=data: one.fit(data, verbose=0)
    np.savez(weights, **initial)
    return rounds, losses


def parameters(model) -> list:
    """In the order in which the peers have them."""
    if not hasattr(model, "stack"):
        return [v for layer in (*model.dense, model.last) for v in (layer.kernel, layer.bias)]
    found = []
    for layer in model.stack:
        found += [layer.kernel, layer.bias, layer.horizontal.kernel, layer.horizontal.bias]
        found += [layer.link.kernel, layer.out.kernel, layer.out.bias]
    return [*found, *(v for part in (model.head.hidden[0], model.head.last[0]) for v in (part.kernel, part.bias))]


def theirs(weights: pathlib.Path):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    from benchmarks.autoregressive_torch import PEERS

    initial, rounds, losses = np.load(weights), {}, {}

    def step(net, adam, x):
        adam.zero_grad()
        loss = cross_entropy(net(x), x, reduction="sum") / len(x)
        loss.backward()
        adam.step()
        return float(loss.detach())

    for name, make in PEERS.items():
        x = torch.from_numpy(np.ascontiguousarray(bits(name).transpose(0, 3, 1, 2)))
        x = (x.flatten(1) if name == "made" else x).split(BATCHES[name][0])
        net = make(
            [initial[f"{name}/{i}"] for i in range(len([k for k in initial.files if k.startswith(name)]))], initial
        )
        adam = torch.optim.Adam(net.parameters(), 1e-3, eps=1e-7)
        losses[name] = [[step(net, adam, part)] for part in x[:STEPS]]
        rounds[name] = lambda net=net, adam=adam, x=x: [step(net, adam, part) for part in x]
    return rounds, losses


def training(rounds: int, clock: str, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        weights, sides = pathlib.Path(folder) / "weights.npz", []
        try:
            for side in ("ours", "theirs"):
                sides.append(Side(side, weights, clock, threads, MODULE))
            for name in BATCHES:
                apart = np.abs(np.array(sides[0].losses[name]) - sides[1].losses[name]).max()
                if not apart < 0.05:
                    sys.exit(f"{name} is not the same on both sides: {sides[0].losses[name]}, {sides[1].losses[name]}")
                print(f"{name}: the same weights give the same losses, {apart:.0e} nats apart in {STEPS} steps")
            print(f"\n{'examples per second':32s} {'ours':>8s} {'PyTorch':>8s}   ours / PyTorch")
            for name, (batch, batches) in BATCHES.items():
                works = [(sides[0], name), (sides[0], f"{name}, XLA"), (sides[1], name)]
                seconds = list(alternate(works, rounds))
                for k, what in enumerate((name, f"{name}, XLA")):
                    rates = [batch * batches / statistics.median(s[i] for s in seconds) for i in (k, 2)]
                    row(what, f"{rates[0]:8.0f} {rates[1]:8.0f}", [s[2] / s[k] for s in seconds])
        finally:
            for side in sides:
                side.close()


# -- sampling ----------------------------------------------------------------------------------------------------------


def sampling(make: Callable, side: int, batch: int, rounds: int, clock: Callable) -> tuple[float, float, float]:
    """Seconds a pixel for the whole batch, cached and naive, and cached without XLA; medians."""
    import tensorflow as tf

    from tfgen import rng
    from tfgen.sampling import SAMPLE

    model = make((side, side, 1), **NET)
    noise = model.noise(batch, rng.as_seed(1))

    def one_row(noise):  # of naive places, which all cost the same
        body = lambda t, x: (t + 1, pick(noise, t, x))
        return tf.while_loop(lambda t, x: t < side, body, (0, tf.zeros([batch, side * side])), maximum_iterations=side)[
            1
        ]

    def pick(noise, t, x):
        logits = model.parameters(tf.reshape(x, [-1, side, side, 1]))
        one = rng.bernoulli(noise[..., 0], logits=tf.reshape(logits, [batch, side * side]))
        return tf.where(tf.range(side * side) == t, one, x)

    ways = [
        (model._decoder(SAMPLE, True), (noise, None, None), side * side),
        (tf.function(one_row, jit_compile=True), (noise,), side),
        (model._decoder(SAMPLE, False), (noise, None, None), side * side),
    ]
    seconds = [[] for _ in ways]
    for i in range(rounds + 1):
        for k, (sample, arguments, pixels) in enumerate(ways):
            begin = clock()
            sample(*arguments).numpy()
            if i:
                seconds[k].append((clock() - begin) / pixels)
    return tuple(statistics.median(s) for s in seconds)


def sampler(rounds: int, clock: Callable, plot: str | None) -> None:
    import tfgen

    print(f"{'a pixel of 16 pictures, ms':32s} {'cached':>8s} {'naive':>8s}   naive / cached   without XLA")
    for cls in (tfgen.PixelCNN, tfgen.GatedPixelCNN):
        cached, naive, plain = (1e3 * s for s in sampling(cls, SIDE, 16, rounds, clock))
        print(f"{cls.__name__:32s} {cached:8.3f} {naive:8.2f}   {naive / cached:8.0f}   {plain:16.3f}", flush=True)
    if plot:
        sizes = (8, 12, 16, 24, 32, 48)
        found = [sampling(tfgen.GatedPixelCNN, size, 4, max(1, rounds // 2), clock) for size in sizes]
        for size, (cached, naive, _) in zip(sizes, found, strict=True):
            print(f"{size}x{size}: {1e3 * cached:.3f} ms a pixel cached, {1e3 * naive:.2f} naive", flush=True)
        draw(sizes, found, plot)


def draw(sizes, found, path: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="pixels", ylabel="milliseconds a pixel", xscale="log", yscale="log")
    for k, label in ((1, "a pass for each pixel"), (0, "state carried on")):
        axes.plot([s * s for s in sizes], [1e3 * f[k] for f in found], marker="o", label=label)
    axes.set_xticks([s * s for s in sizes], [f"{s}²" for s in sizes])
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path, dpi=110)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks autoregressive", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of each side")
    parser.add_argument("--plot", help="a .png file for the cost of a pixel as pictures grow")
    parser.add_argument(
        "--cpu-time", action="store_true", help="count processor time, where something else runs meanwhile"
    )
    asked = parser.parse_args(arguments)
    clock = "process_time" if asked.cpu_time else "perf_counter"
    os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(asked.threads))
    sampler(asked.rounds, getattr(time, clock), asked.plot)
    if importlib.util.find_spec("torch"):
        print()
        training(asked.rounds, clock, asked.threads)
    else:
        print("no comparison without PyTorch: pip install the CPU build of torch==2.13.0")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:], {"ours": ours, "theirs": theirs})
    else:
        main()
