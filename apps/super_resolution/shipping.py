"""A trained upscaler → a folder that works without this project: Keras, SavedModel, TF-Lite float32 and int8, card."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from apps.super_resolution import data, evaluating, tiles
from export.artifact import artifact
from export.contract import Signature, Tensor
from tfgen import bicubic, metrics
from tfgen.runs import Run

__all__ = ["export"]

CALIBRATION, SIDE, EXAMPLE, SHOWN = 100, 96, 24, 8


def export(
    run: Run,
    out: str | Path | None = None,
    folders: Sequence[str | Path] = (),
    *,
    about: dict | None = None,
    say: Callable = print,
) -> Path:
    """The folder that it wrote.

    Arguments:
        out: the folder, whose name the files have; by default super_resolution_xSCALE in the run's.
        folders: of the pictures that it was trained on: some give the ranges of whole numbers, those held out the
            quality; else scikit-learn's two photographs do both.
    """
    model, card = plain(tiles.load(run.model_path)), run.card()
    scale = model.scale
    out = Path(out or run.model_path.with_name(f"super_resolution_x{scale}"))
    learnt, held_out = _pictures(folders, scale)
    picture = lambda meaning: Tensor((None, None, None, 3), meaning, "data", 0.0, 1.0)
    signature = Signature(
        lambda small: {"large": model.restore(small)},
        {"small": picture("a picture, RGB")},
        {"large": picture(f"the picture, {scale} times as high and wide, RGB")},
    )
    calls = [{"small": _unit(small[:EXAMPLE, :EXAMPLE])} for small in held_out.small[:SHOWN]]
    corners = [_unit(small[:SIDE, :SIDE]) for small in learnt.small[:: max(1, len(learnt.small) // CALIBRATION)]]
    ends = [np.full((1, SIDE, SIDE, 3), level, np.float32) for level in (0, 1)]

    def quality(call) -> dict[str, float]:
        net = tiles.Net(lambda tile: call("upscale", small=tile[None])["large"][0], scale, model.reach, model.fold)
        made = [evaluating.bytes_of(net, small) for small in held_out.small]
        return {"psnr": np.mean([metrics.psnr(x, y, scale) for x, y in zip(held_out.large, made, strict=True)])}

    artifact(
        out,
        {"upscale": signature},
        {"upscale": calls},
        name=out.name,
        formats=("float32", "int8"),
        representative={"upscale": [{"small": small} for small in corners + ends]},
        tolerance={"int8": 25},
        quality=quality,
        measure={"upscale": {"small": np.full((1, tiles.TILE, tiles.TILE, 3), 0.5, np.float32)}},
        model=model,
        about=_about(model, card, folders) | (about or {}),
        say=say,
    )
    return out


def plain(trained):
    """The same model with its moving averages for weights, in full precision, without an optimizer."""
    config = {**trained.get_config(), "dtype": "float32", "average": 0.0}
    model = type(trained).from_config(config)
    for ours, given in zip(
        model.net.trainable_variables, trained.averages or trained.net.trainable_variables, strict=True
    ):
        ours.assign(np.asarray(given.value))
    for ours, given in zip(model.net.non_trainable_variables, trained.net.non_trainable_variables, strict=True):
        ours.assign(np.asarray(given.value))
    return model


def _about(model, card: dict, folders) -> dict:
    keep = ("system", "paper", "data", "seed", "settings", "start", "epochs", "minutes", "cpu_minutes")
    return {
        "title": f"Pictures made {model.scale} times as high and wide",
        "what": f"{card.get('system', type(model).__name__)}, {model.net.count_params():,} parameters",
        "scale": model.scale,
        "reach": model.reach,
        "fold": model.fold,
        "tiles": f"a pixel depends on {model.reach} pixels of the input in each direction: tiles that overlap by so "
        "many, of a picture continued as in a mirror, give the same result as the whole",
        "quality": "psnr: dB on luma of the pictures held out from training, "
        f"{model.scale} pixels at each border left out"
        if folders
        else "psnr: dB on luma of scikit-learn's photographs",
        **{name: card[name] for name in keep if card.get(name) is not None},
    }


def _pictures(folders, scale: int) -> tuple[data.Pairs, data.Pairs]:
    if folders:
        return data.pairs(folders, scale).split()
    from sklearn.datasets import load_sample_images

    large = [x[: x.shape[0] // scale * scale, : x.shape[1] // scale * scale] for x in load_sample_images().images]
    small = [bicubic.resize(x, x.shape[0] // scale, x.shape[1] // scale) for x in large]
    both = data.Pairs(large, small, scale)
    return both, both


def _unit(small: np.ndarray) -> np.ndarray:
    return small[None].astype(np.float32) / 255
