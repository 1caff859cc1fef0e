"""The pictures that people see first: `python -m benchmarks face --data-dir …`, into docs/samples.png.

Trains what is not trained yet into runs/face (the same command goes on where it was interrupted), then draws samples of
seed 1, none chosen. Where the noise of a likelihood is not the point, the means behind the samples are drawn.
"""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

import tfgen
from apps.super_resolution import tiles, upscaling
from tfgen import bicubic, pictures
from tfgen.__main__ import command
from tfgen.files import whole
from tfgen.runs import Run

RUNS, OUT = Path("runs/face"), Path("docs/samples.png")
COLUMNS, ROWS, SEED = 10, 2, 1
SIDE, HEAD, MARGIN = 84, 30, 14  # of a sample, of a title, between rows, in pixels


def drawn(model, told) -> np.ndarray:
    return model.sample(COLUMNS * ROWS, told, seed=SEED).numpy()


def means(model, told) -> np.ndarray:
    """Of a decoder."""
    return model.show(COLUMNS * ROWS, told, seed=SEED).numpy()


def smoothed(model, told) -> np.ndarray:
    """Of an energy model: what the hidden units of its samples expect."""
    return model.reconstruct(tf.constant(drawn(model, told))).numpy()


def components(model, told) -> np.ndarray:
    """Of a mixture: the means of the components that its samples are of."""
    chosen = np.asarray(model.encode(tf.constant(drawn(model, told)))).argmax(-1)
    return model.means.numpy()[chosen].reshape(-1, *model.shape)


class Row(NamedTuple):
    title: str
    train: str
    draw: Callable = drawn


TABLE = {
    "dcgan": Row("adversarial: DCGAN", "dcgan --data fashion_mnist --epochs 4 --set width=32"),
    "cgan": Row(
        "adversarial: conditional GAN, a class in each column",
        "cgan --data mnist --condition labels --epochs 3 --decay linear --set width=32 --set latent=16",
    ),
    "vae": Row("variational: VAE", "vae --data mnist --epochs 20 --decay cosine", means),
    "gated_pixelcnn": Row(
        "autoregressive: Gated PixelCNN, a class in each column",
        "gated_pixelcnn --data mnist --binarise fixed --condition labels --epochs 1 --batch 32 --learning-rate 4e-3 "
        "--decay cosine --precision mixed_bfloat16",
    ),
    "rbm": Row("energy: RBM, 500 hidden units", "rbm --data mnist --epochs 10 --decay linear", smoothed),
    "mob": Row("mixture: 500 Bernoullis", "mob --data mnist --epochs 15 --batch 1000", components),
}


def restored() -> np.ndarray:
    """Crops of scikit-learn's two photographs, which no training has seen: given, bicubic, restored, original."""
    from sklearn.datasets import load_sample_images

    net, side, lines = tiles.open_net(upscaling.shipped(4), threads=1), 192, []
    for photo, (top, left) in zip(load_sample_images().images, ((60, 210), (130, 250)), strict=True):
        original = photo[top : top + side, left : left + side]
        small = bicubic.resize(original, side // 4, side // 4)
        ours = np.concatenate(list(tiles.bands(net, small.astype("float32") / 255)))
        given = small.repeat(4, 0).repeat(4, 1)
        parts = (given, bicubic.resize(small, side, side), (255 * ours.clip(0, 1)).round().astype(np.uint8), original)
        lines.append(np.concatenate([np.pad(part, ((0, 2), (0, 2), (0, 0)), constant_values=150) for part in parts], 1))
    return np.concatenate(lines)


def sheet(x: np.ndarray, values: str) -> np.ndarray:
    """Samples as a strip of ROWS lines, each SIDE pixels wide."""
    side = SIDE - pictures.GAP
    tiles = [Image.fromarray(pictures.draw(one[None], values)[2:-2, 2:-2]) for one in x]
    big = np.stack([np.asarray(tile.resize((side, side), Image.Resampling.BICUBIC)) for tile in tiles])
    return pictures.draw(big, "bytes", COLUMNS)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks face", description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="Where TensorFlow Datasets are.")
    parser.add_argument("--only", nargs="*", default=list(TABLE), choices=TABLE, help="Some of the rows.")
    asked = parser.parse_args(arguments)
    for name in asked.only:
        where = ["--data-dir", asked.data_dir] if asked.data_dir else []
        line = ["train", *shlex.split(TABLE[name].train), "--pictures-every", "5", "--out", str(RUNS / name), *where]
        if code := command(line):
            return code
    strips = []
    for name in (name for name in TABLE if "training" in Run(RUNS / name).card().get("figures", {})):  # finished
        model = tfgen.load(RUNS / name)
        x = TABLE[name].draw(model, Run(RUNS / name).conditions(model, COLUMNS * ROWS))
        strips.append((TABLE[name].title, Image.fromarray(sheet(x, model.values))))
    title = "restoration: EdgeSR, four times larger (given, bicubic, restored, original)"
    strips.append((title, Image.fromarray(restored())))
    width = max(strip.width for _, strip in strips) + 2 * MARGIN
    paper = Image.new("RGB", (width, sum(HEAD + strip.height + MARGIN for _, strip in strips)), "white")
    pen, font, top = ImageDraw.Draw(paper), ImageFont.load_default(17), 0
    for title, strip in strips:
        pen.text((MARGIN, top + HEAD / 2 + 2), title, "black", font, "lm")
        paper.paste(strip, (MARGIN, top + HEAD))
        top += HEAD + strip.height + MARGIN
    with whole(OUT) as partial:
        paper.save(partial, optimize=True)
    print(OUT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
