"""The judges of what a model draws and of what it decides: samples against data, labels, clusters.

Samples against images are judged as the data set's own small classifier sees them (`tfgen.metrics.feature_network`), so
the figures compare among systems trained on these data, and not with those that Inception gave.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import data, metrics, rng
from tfgen.data.sources import Examples, Stream, open_source
from tfgen.model import GenerativeModel
from tfgen.progress import progress
from tfgen.runs.folder import Settings
from tfgen.runs.training import load_arrays

__all__ = ["Figure", "decisions", "default_samples", "draw", "of_samples"]

Figure = dict[str, float | str]
LEAST, IMAGES, POINTS, TESTED, PIECE = (
    10,
    10_000,
    2_500,
    1_000,
    500,
)  # samples: at least; by default; of planar mixtures; in tests; at a time
PRECISION_K, DENSITY_K, SPLITS = 3, 5, 10


def default_samples(model: GenerativeModel, settings: Settings, samples: int | None) -> int:
    """How many to judge: those asked for; else 10,000 (2,500 points) of a model that has no likelihood, and none of
    others."""
    if samples is not None:
        if samples < LEAST:
            raise ValueError(f"--samples {samples}: at least {LEAST}")
        return samples
    if any(hasattr(model, method) for method in ("log_prob", "bound", "energy", "free_energy")):
        return 0
    return POINTS if settings.data in data.MIXTURES else IMAGES


def draw(model: GenerativeModel, n: int, seed: int) -> np.ndarray:
    """n samples [n, *shape], every class in turn, in pieces that each have a seed of their own."""
    condition, parts, starts = conditions.in_turn(model.condition, n), [], range(0, n, PIECE)
    for i, at in enumerate(progress(starts, len(starts), "samples")):
        told = None if condition is None else condition[at : at + PIECE]
        parts.append(model.sample(min(PIECE, n - at), told, seed=rng.fold_in(rng.as_seed(seed), i)).numpy())
    return np.concatenate(parts)


def of_samples(
    model: GenerativeModel,
    x: np.ndarray,
    *,
    n: int,
    settings: Settings,
    source: Examples | Stream,
    network: metrics.FeatureNetwork | None,
    data_dir: str | Path | None,
    seed: int,
    say: Callable[[str], None],
) -> dict[str, Figure]:
    """Figures of n samples against the examples x of a split, in the values of the model."""
    if not n or not (model.condition is None or isinstance(model.condition, int)):
        return {}
    if len(x) < LEAST:
        say(f"samples are not judged against {len(x)} examples: at least {LEAST} are needed")
        return {}
    drawn = draw(model, n, seed)
    if not np.isfinite(drawn).all():
        raise ValueError(
            "the samples hold numbers that are not finite: the model diverged; look at its curves, and train it "
            "again with a lower rate"
        )
    if settings.data in data.MIXTURES:
        return _points(drawn, x, data.MIXTURES[settings.data], seed)
    if source.real or len(source.shape) != 3:
        return {}
    values = "unit" if model.values == "real" else model.values  # pictures as real numbers are in 0..1
    figures = {}
    if network := network or _network(settings, source, say):
        figures = _images(model, network, metrics.to_unit(drawn, values), metrics.to_unit(x, values))
    return figures | _parzen(model, settings, drawn, x, values, data_dir, seed)


def decisions(model: GenerativeModel, x: np.ndarray, condition, source: Examples | Stream) -> dict[str, Figure]:
    """What a model says of labels: of one that classifies, or clusters."""
    if source.classes is None or not (hasattr(model, "classify") or hasattr(model, "cluster")):
        return {}
    labels, figures = _labels(source), {}
    if hasattr(model, "classify"):
        wrong = _said(model.classify, x, condition).argmax(1) != labels
        figures["error"] = _share(100 * wrong, f"percent of {len(x):,} examples that are classified wrong")
    if hasattr(model, "cluster") and getattr(model, "categories", True):
        clusters, where = np.unique(_said(model.cluster, x, condition), return_inverse=True)
        table = np.zeros((len(clusters), source.classes), int)
        np.add.at(table, (where, labels), 1)
        wrong = table.argmax(1)[where] != labels
        how = f"percent of {len(x):,} examples; each of {len(clusters)} clusters counts for its most frequent label"
        figures["clustering_error"] = _share(100 * wrong, how)
    return figures


def _points(drawn: np.ndarray, x: np.ndarray, mixture: data.Mixture, seed: int) -> dict[str, Figure]:
    found, counted = metrics.modes(drawn, *mixture), f"{len(drawn):,} samples"
    spread = math.sqrt(found.share * (1 - found.share) / len(drawn))
    each = min(TESTED, len(x), len(drawn))
    mmd = metrics.mmd_test(drawn[:each], x[:each], seed=seed)
    of_test = f"{each:,} samples against {each:,} examples"
    return {
        "modes": {"value": found.found, "how": f"of {len(mixture.centres)}, {counted}"},
        "high_quality": {"value": found.share, "error": spread, "how": f"share within 3 sd of a mode, {counted}"},
        "reverse_kl": {
            "value": found.reverse_kl,
            "how": f"nats, samples at their nearest modes against equal modes, {counted}",
        },
        "mmd_squared": {
            "value": mmd.squared_mmd,
            "how": f"unbiased, Gaussian kernel of the median distance, {of_test}",
        },
        "mmd_p_value": {"value": mmd.p_value, "how": f"500 permutations, {of_test}"},
        "nearest_neighbour": _nearest(drawn[:each], x[:each], "points"),
    }


def _network(
    settings: Settings, source: Examples | Stream, say: Callable[[str], None]
) -> metrics.FeatureNetwork | None:
    """The classifier of these data; None, and a line that says so, where there is none."""
    name = settings.data.split(":")[0]
    if source.classes is None:
        say(
            f"{name} has no labels, so no classifier that could judge its samples: Fréchet distance, precision and "
            "the like are left out"
        )
        return None
    try:
        network = metrics.feature_network(name)
    except ValueError as error:
        say(f"Fréchet distance, precision and the like are left out: {error}")
        return None
    if network.shape != tuple(source.shape):
        say(
            f"Fréchet distance, precision and the like are left out: {network.name} takes {network.shape}, and these "
            f"examples are {tuple(source.shape)}"
        )
        return None
    return network


def _images(
    model: GenerativeModel, network: metrics.FeatureNetwork, drawn: np.ndarray, x: np.ndarray
) -> dict[str, Figure]:
    """Of unit images, as the network sees them."""
    (fake, probabilities), real = network(drawn), network.features(x)
    how = f"{network.name}, {len(drawn):,} samples against {len(x):,} examples"
    kernel = metrics.kernel_distance(real, fake)
    precision, density = (
        metrics.precision_recall(real, fake, PRECISION_K),
        metrics.density_coverage(real, fake, DENSITY_K),
    )
    size = min(1000, len(real), len(fake))
    figures = {
        "frechet": {"value": metrics.frechet_distance(real, fake), "how": how},
        "kernel_distance": {"value": kernel.value, "error": kernel.error, "how": f"{how}, 100 subsets of {size:,}"},
        "precision": {"value": precision.precision, "how": f"{how}, k={PRECISION_K}"},
        "recall": {"value": precision.recall, "how": f"{how}, k={PRECISION_K}"},
        "density": {"value": density.density, "how": f"{how}, k={DENSITY_K}"},
        "coverage": {"value": density.coverage, "how": f"{how}, k={DENSITY_K}"},
    }
    if probabilities is not None:
        score = metrics.inception_score(probabilities, SPLITS)
        figures["inception_score"] = {
            "value": score.value,
            "error": score.sd,
            "how": f"{network.name}, {len(drawn):,} samples, ± sd of {SPLITS} splits",
        }
    each = min(TESTED, len(real), len(fake))
    figures["nearest_neighbour"] = _nearest(fake[:each], real[:each], f"features of {network.name}")
    if model.condition is not None and network.classes == model.condition:
        whole = len(drawn) // model.condition * model.condition  # every class equally often
        right = probabilities[:whole].argmax(1) == conditions.in_turn(model.condition, whole)
        if whole:
            figures["label_accuracy"] = _share(
                right, f"share of {whole:,} samples that {network.name} takes for the class asked for"
            )
    return figures


def _parzen(
    model, settings: Settings, drawn: np.ndarray, x: np.ndarray, values: str, data_dir, seed: int
) -> dict[str, Figure]:
    """Sigma on the last examples of the train split; not of sets too large for memory, nor of values that are no
    brightness."""
    if model.values not in ("unit", "binary", "signed"):
        return {}
    train = open_source(settings.data, "train", data_dir=data_dir, size=settings.size)
    held = min(1000, train.count // 10)
    if not isinstance(train, Examples) or held < 2:
        return {}
    tail = replace(train, x=train.x[-held:], labels=None if train.labels is None else train.labels[-held:])
    validation, _ = load_arrays(model, settings, tail, seed)
    found = metrics.parzen(*(metrics.to_unit(part, values) for part in (drawn, validation, x)))
    how = (
        f"mean log-likelihood in nats, {len(drawn):,} windows, sigma {found.sigma:.3g} by {held:,} training "
        f"examples, {len(x):,} examples"
    )
    return {"parzen": {"value": found.nats, "error": found.error, "how": how}}


def _nearest(drawn: np.ndarray, x: np.ndarray, what: str) -> Figure:
    found = metrics.nearest_neighbour_test(drawn, x)
    how = (
        f"leave-one-out accuracy, 0.5 is best (samples {found.of_x:.2f}, examples {found.of_y:.2f}; p "
        f"{found.p_value:.2g}), {what}, "
        f"{len(drawn):,} samples against {len(x):,} examples"
    )
    return {"value": found.accuracy, "error": 0.5 / math.sqrt(2 * len(x)), "how": how}


def _share(each: np.ndarray, how: str) -> Figure:
    """The mean of some examples' figures, and its standard error."""
    return {"value": float(each.mean()), "error": float(each.std() / math.sqrt(len(each))), "how": how}


def _said(method: Callable, x: np.ndarray, condition) -> np.ndarray:
    told = lambda at: (
        None if condition is None else tf.nest.map_structure(lambda part: part[at : at + PIECE], condition)
    )
    return np.concatenate(
        [np.asarray(method(tf.constant(x[at : at + PIECE]), told(at))) for at in range(0, len(x), PIECE)]
    )


def _labels(source: Examples | Stream) -> np.ndarray:
    """Of every example, whether or not the model is told them."""
    return (
        source.labels
        if isinstance(source, Examples)
        else data.arrays(source, "test", values="bytes", condition=True)[1]
    )
