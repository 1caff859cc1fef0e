"""The judges of what a model draws and of what it decides: samples against data, labels, clusters.

Samples against images are judged as the data set's own small classifier sees them (`tfgen.metrics.feature_network`), so
the figures compare among systems trained on these data, and not with those that Inception gave.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import data, metrics, rng
from tfgen.data import Examples, Source
from tfgen.model import GenerativeModel
from tfgen.progress import progress
from tfgen.runs.material import Material

__all__ = ["Case", "Figure", "at_a_glance", "decisions", "default_samples", "mean_of", "of_samples", "said"]

Figure = dict[str, float | str]
# samples: at least; by default; of planar mixtures; in tests; at a time; at a glance
LEAST, IMAGES, POINTS, TESTED, PIECE, GLANCE = 10, 10_000, 2_500, 1_000, 500, 2_000
PRECISION_K, DENSITY_K, SPLITS = 3, 5, 10


@dataclasses.dataclass(frozen=True)
class Case:
    """A model before its judges.

    Arguments:
        material, source: the run's, and the examples of the split.
        x, condition: these as arrays, in the values of the model.
        split, limit, seed: as asked for.
        say: takes a line for people.
    """

    material: Material
    source: Source
    x: np.ndarray
    condition: Any
    split: str
    limit: int | None
    seed: int
    say: Callable[[str], None]

    @property
    def model(self) -> GenerativeModel:
        return self.material.model

    @property
    def values(self) -> str:
        """Pictures as real numbers are in 0..1."""
        return "unit" if self.model.values == "real" else self.model.values

    @property
    def origin(self) -> str | None:
        """Of the conditions that are drawn with."""
        if self.model.condition is None:
            return None
        return "every class in turn" if conditions.has_turns(self.model.condition) else f"{self.split} examples"

    def told(self, rows: slice):
        return conditions.rows(self.condition, rows)

    def conditions(self, n: int):
        return conditions.in_turn(self.model.condition, n, self.condition)

    def draw(self, n: int) -> np.ndarray:
        """n samples [n, *shape], under the conditions in turn, in pieces that each have a seed of their own."""
        parts = _pieces(self.model, n, self.conditions(n), lambda i: rng.fold_in(rng.as_seed(self.seed), i))
        return np.concatenate(list(progress(parts, -(-n // PIECE), "samples")))


def _pieces(model: GenerativeModel, n: int, told, seed: Callable) -> Iterator[np.ndarray]:
    """n samples under these conditions, some at a time, piece i with `seed(i)`."""
    for i, at in enumerate(range(0, n, PIECE)):
        here = conditions.rows(told, slice(at, at + PIECE))
        yield model.sample(min(PIECE, n - at), here, seed=seed(i)).numpy()


def default_samples(case: Case, samples: int | None) -> int:
    """How many to judge: those asked for; else 10,000 (2,500 points) of a model that has no likelihood, and none of
    others."""
    if samples is not None:
        if samples < LEAST:
            raise ValueError(f"--samples {samples}: at least {LEAST}")
        return samples
    if any(hasattr(case.model, method) for method in ("log_prob", "bound", "energy", "free_energy")):
        return 0
    return POINTS if case.material.name in data.MIXTURES else IMAGES


def of_samples(case: Case, n: int, network: metrics.FeatureNetwork | None) -> dict[str, Figure]:
    """Figures of n samples against the examples of a split, in the values of the model."""
    if not n:
        return {}
    if len(case.x) < LEAST:
        case.say(f"samples are not judged against {len(case.x)} examples: at least {LEAST} are needed")
        return {}
    drawn = case.draw(n)
    if not np.isfinite(drawn).all():
        raise ValueError(
            "the samples hold numbers that are not finite: the model diverged; look at its curves, and train it "
            "again with a lower rate"
        )
    if case.material.name in data.MIXTURES:
        return _points(drawn, case.x, data.MIXTURES[case.material.name], case.seed)
    if case.source.real or len(case.source.shape) != 3:
        return {}
    figures = {}
    if network := network or _network(case.material.name, case.source.shape, case.say):
        figures = _images(case, network, metrics.to_unit(drawn, case.values), metrics.to_unit(case.x, case.values))
    return figures | _parzen(case, drawn)


def decisions(case: Case) -> dict[str, Figure]:
    """What a model says of labels: of one that classifies, clusters, or keeps parts of its code apart."""
    model = case.model
    if not any(hasattr(model, name) for name in ("classify", "cluster", "code_parts")):
        return {}
    if (found := case.material.labels(case.split, case.limit)) is None:
        return {}
    (labels, classes), figures = found, {}
    if hasattr(model, "classify"):
        wrong = said(model.classify, case).argmax(1) != labels
        figures["error"] = mean_of(100 * wrong, f"percent of {len(labels):,} examples that are classified wrong")
    if hasattr(model, "cluster") and getattr(model, "categories", True):
        clusters, where = np.unique(said(model.cluster, case), return_inverse=True)
        table = np.zeros((len(clusters), classes), int)
        np.add.at(table, (where, labels), 1)
        wrong = table.argmax(1)[where] != labels
        how = (
            f"percent of {len(labels):,} examples; each of {len(clusters)} clusters counts for its most frequent label"
        )
        figures["clustering_error"] = mean_of(100 * wrong, how)
    if hasattr(model, "code_parts") and len(labels) >= 4:
        for name, codes in said(lambda x, _: model.code_parts(x), case).items():
            told = metrics.told_by(codes, labels, classes)
            how = f"percent of the second half told by a logistic regression on {name} alone, which learnt on the first"
            figures[f"told_by_{name}"] = mean_of(100 * told, how)
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


def at_a_glance(material: Material, held_out: tuple | None, say: Callable[[str], None]) -> Callable:
    """What a training looks at now and then: the distance of 2,000 samples from held-out examples, Fréchet's where the
    data have a classifier, else the kernel's on the numbers themselves. The same draws each time."""
    if held_out is None:
        raise ValueError(f"--judge-every: {material.name} has no test split to compare samples with")
    x, condition = held_out
    shape, values = material.model.shape, "unit" if material.model.values == "real" else material.model.values
    network = _network(material.name, shape, lambda line: None) if len(shape) == 3 else None
    real = network.features(metrics.to_unit(x, values)) if network else np.reshape(x, (len(x), -1))

    def figures(model: GenerativeModel) -> dict[str, float]:
        told = conditions.in_turn(model.condition, GLANCE, condition)
        drawn = np.concatenate(list(_pieces(model, GLANCE, told, lambda i: i * PIECE)))
        if network:
            fake = network.features(metrics.to_unit(drawn, values))
            return {"frechet": float(metrics.frechet_distance(real, fake))}
        return {"kernel_distance": metrics.kernel_distance(real, np.reshape(drawn, (GLANCE, -1)), subsets=10).value}

    measure = f"Fréchet distance in {network.name}'s features" if network else "kernel distance of their numbers"
    say(f"samples are judged by the {measure}: {GLANCE:,} of them, {len(x):,} held-out examples")
    return figures


def _network(name: str, shape: tuple, say: Callable[[str], None]) -> metrics.FeatureNetwork | None:
    """The classifier of these data; None, and a line that says so, where there is none."""
    left_out = "Fréchet distance, precision and the like are left out"
    try:
        network = metrics.feature_network(name.split(":")[0])
    except ValueError as error:
        say(f"{left_out}: {error}")
        return None
    if network.shape != tuple(shape):
        say(f"{left_out}: {network.name} takes {network.shape}, and these examples are {shape}")
        return None
    return network


def _images(case: Case, network: metrics.FeatureNetwork, drawn: np.ndarray, x: np.ndarray) -> dict[str, Figure]:
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
    classes = case.model.condition
    if classes is not None and network.classes == classes:
        whole = len(drawn) // classes * classes  # every class equally often
        right = probabilities[:whole].argmax(1) == case.conditions(whole)
        if whole:
            figures["label_accuracy"] = mean_of(
                right, f"share of {whole:,} samples that {network.name} takes for the class asked for"
            )
    return figures


def _parzen(case: Case, drawn: np.ndarray) -> dict[str, Figure]:
    """Sigma on the last examples of the train split; not of sets too large for memory, nor of values that are no
    brightness."""
    if case.model.values not in ("unit", "binary", "signed"):
        return {}
    train = case.material.open("train")
    held = min(1000, train.count // 10)
    if not isinstance(train, Examples) or held < 2:
        return {}
    validation, _ = case.material.arrays(train.part(slice(-held, None)), case.seed)
    found = metrics.parzen(*(metrics.to_unit(part, case.values) for part in (drawn, validation, case.x)))
    how = (
        f"mean log-likelihood in nats, {len(drawn):,} windows, sigma {found.sigma:.3g} by {held:,} training "
        f"examples, {len(case.x):,} examples"
    )
    return {"parzen": {"value": found.log_prob, "error": found.error, "how": how}}


def _nearest(drawn: np.ndarray, x: np.ndarray, what: str) -> Figure:
    found = metrics.nearest_neighbour_test(drawn, x)
    how = (
        f"leave-one-out accuracy, 0.5 is best (samples {found.of_x:.2f}, examples {found.of_y:.2f}; p "
        f"{found.p_value:.2g}), {what}, "
        f"{len(drawn):,} samples against {len(x):,} examples"
    )
    return {"value": found.accuracy, "error": 0.5 / math.sqrt(2 * len(x)), "how": how}


def mean_of(each: np.ndarray, how: str) -> Figure:
    """The mean of some examples' figures, and its standard error."""
    return {"value": float(each.mean()), "error": float(each.std() / math.sqrt(len(each))), "how": how}


def said(method: Callable, case: Case, piece: int = PIECE):
    """What a method of the model says of all examples, some at a time: an array, or a structure of these."""
    piece = min(piece, PIECE)
    rows = [slice(at, at + piece) for at in range(0, len(case.x), piece)]
    parts = [method(tf.constant(case.x[r]), case.told(r)) for r in progress(rows, len(rows), "batches")]
    return tf.nest.map_structure(lambda *each: np.concatenate(each), *parts)
