"""What pre-training is worth: the same net, trained alike, from the machine's weights and from random ones."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from apps.pretraining.data import Task
from tfgen import pictures
from tfgen.files import whole
from tfgen.nets import sigmoid_classifier

__all__ = ["chart", "compare", "hidden_of", "weights_picture"]


def hidden_of(machine) -> tuple[int, ...]:
    """The units of each layer."""
    if hasattr(machine, "rbms"):
        return tuple(rbm.hidden for rbm in machine.rbms)
    return tuple(machine.sizes[1:]) if hasattr(machine, "sizes") else (machine.hidden,)


def compare(
    task: Task,
    machine,
    counts: Sequence[int],
    *,
    updates: int = 3000,
    rate: float = 1e-3,
    frozen: bool = False,
    seeds: int = 1,
    say: Callable[[str], None] = print,
) -> tuple[list[dict], dict[str, keras.Model]]:
    """For each number of labels the accuracy over the test pictures, and the two nets of the last number.

    Arguments:
        updates: steps of Adam, in batches of at most 100; its rate falls to nothing along a cosine.
        frozen: only the last layer learns, a logistic regression on the features.
        seeds: of the choice of labels and the first weights; accuracies are means over them.
    """
    rows, nets = [], {}
    for count in counts:
        found = {"pretrained": [], "random": []}
        for seed in range(seeds):
            x, y = task.few(count, seed)
            for how in found:
                keras.utils.set_random_seed(seed)
                if how == "pretrained":
                    net = machine.classifier(task.classes)
                else:
                    net = sigmoid_classifier(task.shape, hidden_of(machine), task.classes)
                found[how].append(_learn(net, x, y, task, updates, rate, frozen and how == "pretrained"))
                nets[how] = net
        row = {"labels": len(x), **{how: float(np.mean(each)) for how, each in found.items()}}
        row |= {f"{how}_sd": float(np.std(each, ddof=1)) for how, each in found.items() if seeds > 1}
        rows.append(row)
        say(f"{len(x):>7,} labels: pre-trained {row['pretrained']:.2%}, from random weights {row['random']:.2%}")
    return rows, nets


def _learn(net: keras.Model, x, y, task: Task, updates: int, rate: float, frozen: bool) -> float:
    for layer in net.layers[:-1] if frozen else ():
        layer.trainable = False
    batch = min(100, len(x))
    steps = math.ceil(len(x) / batch)
    epochs = math.ceil(updates / steps)
    falling = keras.optimizers.schedules.CosineDecay(rate, epochs * steps)
    net.compile(keras.optimizers.Adam(falling), "sparse_categorical_crossentropy")
    net.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
    said = net.predict(task.test_x, batch_size=500, verbose=0).argmax(1)
    return float(np.mean(said == task.test_labels))


def chart(rows: list[dict], path: Path, title: str) -> Path:
    """Accuracy over the number of labels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(title=title, xlabel="labels", ylabel="test accuracy, %", xscale="log")
    labels = [row["labels"] for row in rows]
    for how, name in (("pretrained", "pre-trained"), ("random", "random weights")):
        axes.plot(labels, [100 * row[how] for row in rows], marker="o", label=name)
    axes.set_xticks(labels, [f"{n:,}" for n in labels], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    with whole(path) as partial:
        figure.savefig(partial, dpi=100)
    return path


def weights_picture(shape: tuple[int, ...], machine, nets: dict[str, keras.Model], path: Path, count: int = 64) -> Path:
    """What the first units of the first layer look for, side by side: as the machine learnt it, fine-tuned, and from
    random weights."""
    kernel = lambda net: net.get_layer("features0").get_weights()[0].T[:count].reshape(-1, *shape)
    shown = [machine.unit_weights().numpy()[:count], kernel(nets["pretrained"]), kernel(nets["random"])]
    sheets = []
    for filters in shown:
        wide = np.quantile(np.abs(filters), 0.995) or 1.0
        sheets.append(pictures.draw(filters, "real", span=(-wide, wide)))
    gap = np.full((len(sheets[0]), 12, 3), 255, np.uint8)
    return pictures.save(np.concatenate([part for sheet in sheets for part in (sheet, gap)][:-1], 1), path)
