"""What a model makes of the rest: held-out examples of which a part is known, before and after."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfgen import catalog, pictures
from tfgen.runs.folder import Run
from tfgen.runs.material import Material
from tfgen.runs.training import place, write

__all__ = ["complete"]


def complete(
    run: Run,
    n: int = 16,
    *,
    keep: str = "top",
    draws: int = 3,
    seed: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    data_dir: str | Path | None = None,
    out: str | Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """A picture with a column for each of n examples: itself, what is known of it, and completions.

    Arguments:
        keep: what is known: a word or a file that `tfgen.pictures.known_part` takes.
        draws: completions of each.
        out: a .png file, or a .npy file of the completions [draws, n, *shape]; by default in the run's samples.
    """
    model, system = catalog.load(run.model_path), run.card().get("system")
    if not hasattr(model, "complete"):
        raise ValueError(f"{run.folder} holds a {system}, which completes nothing: an autoregressive system does")
    name = Path(keep).stem.replace(":", "-")
    choice = {"temperature": temperature, "top_k": top_k}
    t = None if temperature == 1 else temperature
    out = place(run, out, f"completions-{name}-{n}x{draws}", t=t, top=top_k, seed=seed)
    material = Material(run.settings(), model, data_dir)
    try:
        source, split = material.open("test", n), "test"
    except ValueError:
        source, split = material.open("train", n), "train"
    x, condition = material.arrays(source, 0)
    known = pictures.known_part(keep, model.shape)
    seeds = [None if seed is None else seed + i for i in range(draws)]
    found = [model.complete(x, known, condition, seed=one, **choice) for one in seeds]
    say(f"{len(x)} {split} examples, {keep} known: each above what is known of it and {draws} completions")
    if not model.foresees(known):
        say("not all that is known comes first in its order: what is drawn before a known number does not foresee it")
    drawn = np.stack(found)
    return write(out, drawn, lambda: pictures.completions(x, known, drawn, model.values))
