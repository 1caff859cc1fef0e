"""Questions to a run, answered by pictures: does it train as expected, is its latent space smooth, how is information
coded, does it memorise, what do its units see, what does its chain make?"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from tfgen import analysis, catalog, metrics, pictures, sampling
from tfgen import condition as conditions
from tfgen.files import whole
from tfgen.runs.fitting import Subject, epochs_of, snapshots
from tfgen.runs.folder import Run
from tfgen.runs.material import Material

__all__ = ["analyse"]

LABELLED = ("digits", "mnist", "fashion_mnist")  # data of which a classifier is shipped
NUMBERS, EXAMPLES = (
    2**27,
    60_000,
)  # of the training set that neighbours are looked for in: examples, and no more numbers than these
FILTERS, CHAIN = 100, (1, 2, 5, 10, 20, 50, 100, 200)  # units shown; sweeps after which a chain is shown
PAIRS, STEPS, JUDGED, SHOWN, NEAREST, STAGES, GRID, SWAPPED = 8, 9, 256, 12, 5, 6, 20, 10


def analyse(
    run: Run, *, data_dir: str | Path | None = None, seed: int = 0, say: Callable[[str], None] = print
) -> dict[str, dict]:
    """Pictures into the run's analysis/ and TensorBoard, figures into its card; what makes no sense for the model is
    left out.

    Arguments:
        seed: of what is drawn; the same seed gives the same pictures.
        say: takes a line for each picture: the question that it answers.
    """
    with run.locked():
        study = _Study(run, data_dir, seed, say)
        say(f"{run.folder}: epoch {study.epoch}, seed {seed}")
        with whole(run.analysis) as folder:
            folder.mkdir()
            study.folder = folder
            figures = {name: found for name, question in _QUESTIONS.items() if (found := question(study))}
        with tf.summary.create_file_writer(str(run.logs)).as_default():
            for path in sorted(run.analysis.glob("*.png")):
                with Image.open(path) as image:
                    tf.summary.image(f"analysis/{path.stem}", np.asarray(image.convert("RGB"))[None], study.epoch or 0)
        run.write_card(analysis={"seed": seed, "epoch": study.epoch, **figures})
    return figures


class _Study:
    """What the questions share."""

    def __init__(self, run: Run, data_dir, seed: int, say: Callable[[str], None]):
        self.run, self.seed, self.say, self.model = run, seed, say, catalog.load(run.model_path)
        self.epoch, self.folder = epochs_of(self.model, run), run.analysis
        self.material = Material(run.settings(), self.model, data_dir)
        limit = max(1, min(EXAMPLES, NUMBERS // math.prod(self.model.shape), run.settings().limit or EXAMPLES))
        self.train, condition = self.material.arrays(self.material.open("train", limit))
        self.held_out = self.material.held_out()
        self.examples = self.held_out or (self.train, condition)
        subject = Subject.of(self.model, self.held_out, (self.train, condition), run.settings().seed)
        self.snapshots, self.span = snapshots(run, subject), subject.span
        self.plane = self.model.shape == (2,) and self.model.values == "real"

    def picture(self, name: str, picture: np.ndarray, question: str) -> None:
        pictures.save(picture, self.folder / name)
        self.tell(name, question)

    def tell(self, name: str, question: str) -> None:
        self.say(f"  {name:<16} {question}")

    def sheet(self, x: np.ndarray, **words) -> np.ndarray:
        return analysis.sheet(x, self.model.values, span=self.span, **words)

    def sample(self, n: int) -> np.ndarray:
        return self.model.sample(n, self.run.conditions(self.model, n), seed=self.seed).numpy()


def _stages(study: _Study) -> dict:
    """Does it train as expected?"""
    frames = {}
    for epoch, path in study.snapshots.kept().items():
        if study.epoch is None or epoch <= study.epoch:
            with Image.open(path) as image:
                frames[epoch] = np.asarray(image.convert("RGB"))
    if not frames:
        study.tell("(no stages)", f"{study.run.stages} holds none: train anew, and each epoch's samples are kept there")
        return {}
    if study.epoch is not None and study.epoch not in frames:
        now = study.folder / "now.png"  # saved as the others were, so that it has their size
        with Image.open(pictures.save(study.snapshots.frame(study.model), now)) as image:
            frames[study.epoch] = np.asarray(image.convert("RGB"))
        now.unlink()
    epochs = sorted(frames)
    names = {epoch: f"epoch {epoch}" if epoch else "untrained" for epoch in epochs}
    shown = sorted({epochs[round(i)] for i in np.linspace(0, len(epochs) - 1, STAGES)})
    picture = analysis.side_by_side([frames[e] for e in shown], [names[e] for e in shown])
    study.picture("stages.png", picture, "does it train as expected? The same noise at different epochs")
    if len(epochs) > 1:
        analysis.film([frames[e] for e in epochs], [names[e] for e in epochs], study.folder / "film.gif")
        study.tell("film.gif", f"the same, as a film of {len(epochs)} stages")
    return {"epochs": epochs}


def _walk(study: _Study) -> dict:
    """Has the manifold sensible properties?"""
    model = study.model
    if not analysis.has_latent(model):
        study.tell("(no walk)", "there is no latent to walk in: its values are drawn one by one")
        return {}
    means = analysis.decodes(model)
    x = analysis.walk(
        model,
        PAIRS,
        4 * STEPS if study.plane else STEPS,
        study.seed,
        study.run.conditions(model, PAIRS),
        means=means,
    )
    ends = ["from", *[""] * (STEPS - 2), "to"]
    picture = analysis.paths(x, study.sample(2000), study.span) if study.plane else study.sheet(x, columns=ends)
    study.picture(
        "walk.png",
        picture,
        "is the latent space smooth? Walks between two noises: every step should be a sample, no step a jump",
    )
    analysis.step_curves(x, study.folder / "steps.png")
    rough = analysis.roughness(x)
    largest = f"the largest is {rough:.2f} times the mean (1 is even, {x.shape[1] - 1} is one jump)"
    study.tell(
        "steps.png",
        f"how far samples move at each step: {'not at all, the model has collapsed' if math.isnan(rough) else largest}",
    )
    return {"pairs": PAIRS, "steps": x.shape[1] - 1, "means": means, "largest_over_mean_step": _number(rough)}


def _arithmetic(study: _Study) -> dict:
    """How is information coded: can latents be added?"""
    if study.plane or not analysis.codes_linearly(study.model):
        return {}
    if study.material.name not in LABELLED or study.material.settings.size:
        study.tell(
            "(no arithmetic)",
            f"a - b + c takes a classifier of the data, and there is one for {', '.join(LABELLED)} alone, in their "
            "own size",
        )
        return {}
    values = "unit" if study.model.values == "real" else study.model.values  # dequantised
    try:
        network = metrics.feature_network(study.material.name)
        found = analysis.arithmetic(study.model, lambda x: network.probabilities(x, values).argmax(-1), seed=study.seed)
    except ValueError as error:
        study.tell("(no arithmetic)", str(error))
        return {}
    rows = [name for a, b, c in found.triples for name in (f"{a}", f"- {b}", f"+ {c}", "=")]
    blocks = [
        study.sheet(x, rows=rows[4 * i : 4 * i + 4], below=[f"{label}" for label in said[3]])
        for i, (x, said) in enumerate(zip(found.x, found.said, strict=True))
    ]
    question = (
        "how is information coded? Means of three latents, a - b + c; below each result, what a classifier says of it"
    )
    study.picture("arithmetic.png", np.concatenate(_as_wide(blocks)), question)
    kept = ", ".join(f"{label}: {share:.0%}" for label, share in sorted(found.kept.items()))
    study.tell("", f"how often the mean latent of a class is still of the class: {kept}")
    said = {f"{a}-{b}+{c}": labels[3].tolist() for (a, b, c), labels in zip(found.triples, found.said, strict=True)}
    counts = {str(label): n for label, n in found.counts.items()}
    return {
        "mean_latent_keeps_class": {str(label): share for label, share in found.kept.items()},
        "counts": counts,
        "said": said,
    }


def _traversals(study: _Study) -> dict:
    """How is information coded: what does each code do?"""
    found = analysis.traversals(study.model, *study.examples, seed=study.seed)
    for traversal in found:
        if study.plane:
            picture = analysis.paths(
                traversal.x, study.sample(2000), study.span, rows=traversal.rows, joined=traversal.path
            )
        else:
            picture = study.sheet(traversal.x, rows=traversal.rows, columns=traversal.columns if traversal.path else ())
        moves = (
            f"{traversal.name} from {traversal.columns[0]} to {traversal.columns[-1]}"
            if traversal.path
            else f"every {traversal.name}, a row each"
        )
        study.picture(
            f"{traversal.name.replace(' ', '-')}.png", picture, f"what does it code? {moves}; all other noise is held"
        )
    return {"pictures": [traversal.name for traversal in found]} if found else {}


def _units(study: _Study) -> dict:
    """How is information coded: which latent dimensions are used?"""
    model, (x, condition) = study.model, study.examples
    if analysis.encoded(model, x[:1], conditions.rows(condition, slice(1))) is None:
        return {}
    units = analysis.active_units(model, x, condition)
    analysis.unit_bars(units, study.folder / "units.png")
    study.tell("units.png", f"which latent dimensions are used? {units.active} of {len(units.variance)} are active")
    figures = {"active": units.active, "of": len(units.variance), "variance": [float(v) for v in units.variance]}
    return figures if units.kl is None else {**figures, "kl": [float(v) for v in units.kl]}


def _manifold(study: _Study) -> dict:
    """Has the manifold sensible properties: all of it, where it is a plane."""
    model = study.model
    if study.plane or not analysis.has_manifold(model):
        return {}
    told = study.run.conditions(model, 1)
    x = analysis.manifold(model, GRID, conditions.rows(told, 0))
    question = "what lies where? Means at the quantiles of both latent dimensions"
    study.picture("manifold.png", study.sheet(x), question)
    return {"grid": GRID}


def _swap(study: _Study) -> dict:
    """How is information coded: is what a group shares apart from what its examples do not?"""
    if not hasattr(study.model, "swap"):
        return {}
    x, groups = study.examples
    _, firsts = np.unique(groups, return_index=True)
    givers = [x[np.sort(firsts)[:SWAPPED]], x[~np.isin(np.arange(len(x)), firsts)][:SWAPPED]]
    content, style = (tf.constant(each) for each in givers)
    swapped = study.model.swap(style, content).numpy()
    top = np.concatenate([np.zeros_like(x[:1]), content], 0)[None]
    sheet = np.concatenate([top, np.concatenate([style[:, None], swapped], 1)], 0)
    question = "what is content, what is style? The style of the first column with the content of the first row"
    study.picture("swap.png", study.sheet(sheet, first_apart=True), question)
    return {"styles": len(style), "contents": len(content)}


def _memory(study: _Study) -> dict:
    """Does it memorise?"""
    x, train = study.sample(JUDGED), study.train
    if not study.plane and len(train) >= NEAREST:
        places, _ = analysis.neighbours(x[:SHOWN], train, NEAREST)
        shown = np.concatenate([x[:SHOWN, None], train[places]], 1)
        names = ["sample", "nearest", *[str(i) for i in range(2, NEAREST + 1)]]
        pair = [
            study.sheet(shown[rows], columns=names, first_apart=True)
            for rows in (slice(SHOWN // 2), slice(SHOWN // 2, SHOWN))
        ]
        study.picture(
            "neighbours.png",
            np.concatenate(pair, 1),
            "does it memorise? Samples, and the training examples nearest to each",
        )
    if study.held_out is None:
        study.tell("(no ratio)", f"{study.material.name} has no test split to compare the distances with")
        return {}
    found = analysis.memory(x, study.held_out[0][:JUDGED], train)
    counts = {"count": len(x), "held_out_count": len(study.held_out[0][:JUDGED]), "train_count": len(train)}
    distances = (
        f"{found.samples:.3g} from a sample to the nearest of {len(train):,} training examples, "
        f"{found.held_out:.3g} from a test example"
    )
    meaning = (
        "test examples are training examples, too"
        if math.isnan(found.ratio)
        else f"ratio {found.ratio:.2f}: 1 is right, 0 memorised, more is far off"
    )
    study.tell("", f"median distance {distances}; {meaning}")
    return {"ratio": _number(found.ratio), "samples": found.samples, "held_out": found.held_out, **counts}


def _field(study: _Study) -> dict:
    """What does a prediction see?"""
    if not hasattr(study.model, "field"):
        return {}
    row, column = (side // 2 for side in study.model.shape[:2])
    seen, before = study.model.field(row, column), study.model.before(row, column)
    picture = np.zeros((*seen.shape, 3), np.uint8)
    picture[before], picture[seen], picture[row, column] = (200, 60, 50), (225, 225, 225), (60, 110, 220)
    share = f"{seen.sum()} of the {before.sum()} pixels before the middle one"
    study.picture("field.png", picture, f"what does a prediction see? {share} (red: not)")
    return {"seen": int(seen.sum()), "before": int(before.sum())}


def _weights(study: _Study) -> dict:
    """What do single units see?"""
    if not hasattr(study.model, "unit_weights"):
        return {}
    shown = study.model.unit_weights().numpy()[:FILTERS]
    wide = float(np.abs(shown).max()) or 1.0
    picture = pictures.draw(shown, "real", span=(-wide, wide))
    study.picture("weights.png", picture, "what do single units see? Their weights, grey is 0")
    return {"units": len(shown), "largest": wide}


def _chain(study: _Study) -> dict:
    """Does a long chain go on to make examples?"""
    model = study.model
    after = [n for n in CHAIN if n <= (getattr(model, "pieces", None) or 0)]
    if not after or study.plane:
        return {}
    x = sampling.fantasies(model, SHOWN, after, study.run.conditions(model, SHOWN), seed=study.seed).numpy()
    picture = study.sheet(x, columns=[f"{n}" for n in after])
    study.picture("chain.png", picture, "what does a chain make on its way? A row each, after so many sweeps or steps")
    return {"after": after}


_QUESTIONS: dict[str, Callable[[_Study], dict]] = {
    "stages": _stages,
    "field": _field,
    "walk": _walk,
    "arithmetic": _arithmetic,
    "traversals": _traversals,
    "units": _units,
    "manifold": _manifold,
    "swap": _swap,
    "memory": _memory,
    "weights": _weights,
    "chain": _chain,
}


def _as_wide(blocks: list[np.ndarray]) -> list[np.ndarray]:
    """White to the right, so that they stand below each other."""
    width = max(block.shape[1] for block in blocks)
    return [np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0)), constant_values=255) for block in blocks]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
