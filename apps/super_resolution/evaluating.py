"""How near a net comes to the originals of a folder, and how much its results look like them, beside bicubic."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from apps.super_resolution import picture as files
from apps.super_resolution import tiles
from tfgen import bicubic, metrics
from tfgen.progress import progress

__all__ = ["bytes_of", "evaluate", "table"]

NAMES = ("bicubic", "model")


def evaluate(folder: Path, net: tiles.Net, complain: Callable[[str], None] = print) -> dict:
    """Of the pictures in a folder, as originals, cut to a multiple of the scale; they are made smaller as Matlab does,
    unless LR_x4 (of scale 4) beside them holds small ones of the same names. `scale` pixels at each border do not
    count.

    PSNR and SSIM are means over the pictures, and so is `spectrum`, the gap between radial spectra in dB; `patches` is
    the Fréchet distance between squares of 8x8 of all originals and of all results. A picture that cannot be judged is
    one line, and `left_out`."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not there: give a folder of originals")
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in files.SUFFIXES and path.is_file())
    if not paths:
        raise ValueError(f"{folder} holds no pictures ({', '.join(files.SUFFIXES)}): give a folder of originals")
    pictures, cut = [], {name: [] for name in ("original", *NAMES)}
    for path in progress(paths, len(paths), "pictures"):
        try:
            original, small = _pair(path, net.scale)
        except ValueError as error:
            complain(str(error))
            continue
        results = {"bicubic": bicubic.resize(small, *original.shape[:2]), "model": bytes_of(net, small)}
        figures = {
            name: {
                "psnr": metrics.psnr(original, made, net.scale),
                "ssim": metrics.ssim(original, made, net.scale),
                "spectrum": metrics.spectrum_gap(original, made),
            }
            for name, made in results.items()
        }
        for name, made in {"original": original, **results}.items():
            cut[name].append(metrics.patches(made))
        pictures.append({"picture": path.name, "size": [*original.shape[1::-1]], **figures})
    if not pictures:
        raise ValueError(f"none of the {len(paths)} pictures in {folder} can be judged")
    means = {
        name: {metric: float(np.mean([p[name][metric] for p in pictures])) for metric in pictures[0][name]}
        | {"patches": metrics.frechet_distance(*map(np.concatenate, (cut["original"], cut[name])))}
        for name in NAMES
    }
    return {"folder": folder.name, "scale": net.scale, "crop": net.scale, "on": "luma (BT.601)", "mean": means} | {
        "left_out": len(paths) - len(pictures),
        "pictures": pictures,
    }


def _pair(path: Path, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Original and small, uint8 [h, w, 3]."""
    original = files.seen(path)
    height, width = (side // scale for side in original.shape[:2])
    if min(height, width) * scale < 2 * scale + 11:
        raise ValueError(f"{path} is {original.shape[1]}x{original.shape[0]}: too small to be judged at x{scale}")
    original = original[: height * scale, : width * scale]
    given = path.parent / f"LR_x{scale}" / path.name
    small = files.seen(given) if given.is_file() else bicubic.resize(original, height, width)
    if small.shape[:2] != (height, width):
        raise ValueError(f"{given} is {small.shape[1]}x{small.shape[0]}: expected {width}x{height}")
    return original, small


def bytes_of(net: tiles.Net, small: np.ndarray, **options) -> np.ndarray:
    """uint8 [h, w, 3], enlarged."""
    bands = tiles.bands(net, small.astype(np.float32) / 255, **options)
    return np.concatenate([files.levels(band, np.uint8) for band in bands])


def table(result: dict) -> str:
    lines = [
        f"PSNR in dB and SSIM on {result['on']}, {result['crop']} pixels at each border left out, x{result['scale']}",
        f"{'picture':<28} {'size':>11}  {'bicubic':>14}  {'model':>14}",
    ]
    both = "{bicubic[psnr]:7.3f} {bicubic[ssim]:6.4f}  {model[psnr]:7.3f} {model[ssim]:6.4f}"
    for picture in result["pictures"]:
        size = "x".join(map(str, picture["size"]))
        lines.append(f"{picture['picture'][:28]:<28} {size:>11}  {both.format_map(picture)}")
    lines.append(f"{'mean':<28} {'':>11}  {both.format_map(result['mean'])}")
    for what, metric in (("dB between radial spectra", "spectrum"), ("Fréchet distance of patches", "patches")):
        lines.append(f"{what:<40} " + "".join(f" {result['mean'][name][metric]:14.3f} " for name in NAMES).rstrip())
    return "\n".join(lines)
