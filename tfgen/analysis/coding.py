"""How information is coded: arithmetic on latents, and one code moved while all other noise stays.

    x = G(mean z of a - mean z of b + mean z of c)

Radford, Metz, Chintala, "Unsupervised representation learning with deep convolutional generative adversarial networks",
2016,
https://arxiv.org/abs/1511.06434 (section 6.3.2: means of three exemplars, for single ones are unstable).
Chen et al., "InfoGAN", 2016, https://arxiv.org/abs/1606.03657 (Figure 2: codes from -2 to 2).
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import rng
from tfgen.analysis.latent import decodes, encoded, generate, repeat
from tfgen.checks import at_least

__all__ = ["Arithmetic", "Traversal", "arithmetic", "codes_linearly", "traversals"]

GROUPS, CLASSES, ENCODED = 100, 10, 1000


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """What `arithmetic` made.

    triples: (a, b, c). x [triples, 4, columns, *shape]: of the means of a, b and c, and of a - b + c. said [triples, 4,
        columns]: their labels.
    kept: for each class, how often its mean latents are given its label; counts: of samples that were given the label.
    """

    triples: list[tuple[int, int, int]]
    x: np.ndarray
    said: np.ndarray
    kept: dict[int, float]
    counts: dict[int, int]


@dataclasses.dataclass(frozen=True)
class Traversal:
    """What moves, and x [rows, columns, *shape] with a name for each row and column. Along a `path` only the columns'
    code moves."""

    name: str
    x: np.ndarray
    rows: list[str]
    columns: list[str]
    path: bool


def codes_linearly(model) -> bool:
    """Whether latents can be added: no condition, and one latent around zero that decides the sample."""
    if model.condition is not None:
        return False
    return decodes(model) or (not isinstance(model.laws, dict) and not model.laws.picks)


def arithmetic(
    model,
    labeller: Callable[[np.ndarray], np.ndarray],
    triples: Sequence[tuple[int, int, int]] | None = None,
    *,
    exemplars: int = 3,
    columns: int = 10,
    count: int = 2000,
    seed: int = 0,
) -> Arithmetic:
    """Samples are labelled; latents of one label are averaged in groups; the means are added and generated.

    Arguments:
        model: without a condition, and with one latent around zero: its noise, or the code of it that it decodes.
        labeller: examples to whole numbers [n].
        triples: of classes (a, b, c); three by the seed where none are given.
        exemplars: in a group, three in the paper.
        columns: groups that are shown.
        count: samples that are labelled.
    """
    at_least(1, exemplars=exemplars, columns=columns, count=count)
    if not codes_linearly(model):
        raise ValueError(
            f"arithmetic takes an unconditional model with one latent around zero, and {type(model).__name__} is "
            "none: see traversals"
        )
    z = model.noise(count, rng.as_seed(seed))
    z = np.asarray(model.code(z) if decodes(model) else z)

    def make(z):
        return conditions.in_pieces(model.decode if decodes(model) else model.generate, z)

    labels = np.asarray(labeller(make(z)))
    counts = {int(label): int(n) for label, n in zip(*np.unique(labels, return_counts=True), strict=True)}
    groups = {label: _groups(z[labels == label], exemplars) for label, n in counts.items() if n >= exemplars}
    triples = _choose(list(groups), seed) if triples is None else [tuple(map(int, triple)) for triple in triples]
    if missing := {label for triple in triples for label in triple} - set(groups):
        raise ValueError(
            f"fewer than {exemplars} of {count} samples are of the class {min(missing)}: take other classes, or more "
            "samples"
        )
    latents = []
    for a, b, c in triples:
        of_a, of_b, of_c = (groups[label][np.arange(columns) % len(groups[label])] for label in (a, b, c))
        latents.append([of_a, of_b, of_c, of_a - of_b + of_c])
    latents = np.asarray(latents, np.float32)
    x = make(latents.reshape(-1, *z.shape[1:]))
    said = np.asarray(labeller(x)).reshape(latents.shape[:3])
    kept = {
        label: float(np.mean(np.asarray(labeller(make(group[:GROUPS]))) == label)) for label, group in groups.items()
    }
    return Arithmetic(triples, x.reshape(*latents.shape[:3], *x.shape[1:]), said, kept, counts)


def _groups(z: np.ndarray, size: int) -> np.ndarray:
    """Means of consecutive latents: [groups, …]."""
    return z[: len(z) // size * size].reshape(-1, size, *z.shape[1:]).mean(1)


def _choose(classes: list[int], seed: int, triples: int = 3) -> list[tuple[int, int, int]]:
    if len(classes) < 3:
        raise ValueError(
            f"samples fall into {len(classes)} classes, and a - b + c takes three: the model may have collapsed"
        )
    draw = np.random.default_rng(seed)
    orders = [draw.permutation(sorted(classes))[: len(classes) // 3 * 3].reshape(-1, 3) for _ in range(triples)]
    return [tuple(map(int, triple)) for triple in np.concatenate(orders)[:triples]]


def traversals(
    model, x: np.ndarray | None = None, condition=None, *, count: int = 8, steps: int = 9, seed: int = 0
) -> list[Traversal]:
    """One picture for each code that the model declares; none where it declares none.

    `categories` and `codes` (InfoGAN): each category in turn, each code from -2 to 2. `encode` and `decode` (VAE): the
    dimensions whose posterior means spread most, from -3 to 3. Classes: the same noise under each.

    Arguments:
        x, condition: examples to encode, the first of which is moved; samples where x is left out. Conditions other
            than classes must be given.
        count: noises that are held, or latent dimensions.
        steps: of a code.
    """
    at_least(1, count=count, steps=steps)
    return [
        *_declared(model, condition, count, steps, seed),
        *_encoded(model, x, condition, count, steps, seed),
        *_classes(model, count, seed),
    ]


def _declared(model, condition, count: int, steps: int, seed: int) -> list[Traversal]:
    categories, codes = tuple(getattr(model, "categories", ())), int(getattr(model, "codes", 0))
    parts = model.noise_signature()
    if not isinstance(parts, dict) or (categories and "category" not in parts) or (codes and "code" not in parts):
        return []
    noise = tf.nest.map_structure(np.asarray, model.noise(count, rng.as_seed(seed)))
    told = repeat(conditions.in_turn(model.condition, 1, condition), count)

    def moved(part: str, i: int, values: Sequence[float]) -> np.ndarray:
        """[values, count, *shape]."""
        made = []
        for value in values:
            changed = noise[part].copy()
            changed[:, i] = value
            made.append(generate(model, {**noise, part: changed}, told))
        return np.stack(made)

    held, found = [f"noise {i + 1}" for i in range(count)], []
    for i, k in enumerate(categories):
        name = "category" if len(categories) == 1 else f"category {i + 1}"
        found.append(
            Traversal(name, moved("category", i, (np.arange(k) + 0.5) / k), [str(j) for j in range(k)], held, False)
        )
    values = np.linspace(-2, 2, steps)
    for i in range(codes):
        found.append(Traversal(f"code {i + 1}", moved("code", i, values).swapaxes(0, 1), held, _signed(values), True))
    return found


def _encoded(model, x, condition, count: int, steps: int, seed: int) -> list[Traversal]:
    if not (decodes(model) and hasattr(model, "encode")):
        return []
    if x is None:
        condition = conditions.in_turn(model.condition, ENCODED, condition)
        x = model.sample(ENCODED, condition, seed=seed).numpy()
    condition = conditions.broadcast(model.condition, conditions.rows(condition, slice(ENCODED)), len(x[:ENCODED]))
    if (z := encoded(model, x[:ENCODED], condition)) is None:
        return []
    spread = z.std(0)
    dims, values = np.argsort(-spread, kind="stable")[:count], np.linspace(-3, 3, steps)
    moved = np.repeat(np.repeat(z[:1], len(dims), 0)[:, None], steps, 1)
    for row, dim in enumerate(dims):
        moved[row, :, dim] = values
    told = repeat(conditions.rows(condition, slice(1)), len(dims) * steps)
    made = conditions.in_pieces(model.decode, moved.reshape(-1, z.shape[1]), told)
    names = [f"z{dim} (sd {spread[dim]:.2f})" for dim in dims]
    return [Traversal("latent", made.reshape(len(dims), steps, *made.shape[1:]), names, _signed(values), True)]


def _classes(model, count: int, seed: int) -> list[Traversal]:
    if not isinstance(model.condition, int):
        return []
    noise, classes = (
        model.noise(count, rng.as_seed(seed)),
        min(model.condition - getattr(model, "unlabelled", False), CLASSES),
    )
    made = [generate(model, noise, tf.fill([count], label), means=decodes(model)) for label in range(classes)]
    return [
        Traversal(
            "class",
            np.stack(made),
            [str(label) for label in range(classes)],
            [f"noise {i + 1}" for i in range(count)],
            False,
        )
    ]


def _signed(values: np.ndarray) -> list[str]:
    return [f"{value:+.2f}".rstrip("0").rstrip(".") if value else "0" for value in values]
