"""The nets of DCGAN, for pictures of any size that halves a few times.

    strides in place of pooling, batch normalisation but at the generator's output and the critic's input, no hidden
    dense layers, ReLU and tanh in the generator, leaky ReLU in the critic

Radford, Metz, Chintala, "Unsupervised representation learning with deep convolutional GANs", 2016,
https://arxiv.org/abs/1511.06434
"""

import keras

from tfgen.layers.norms import norms, wrapped

__all__ = ["halvings", "painter", "reader"]


def halvings(shape: tuple[int, ...], least: int = 3) -> int:
    """How often height and width halve while they stay whole and at least `least`."""
    if len(shape) != 3:
        raise ValueError(
            f"a convolutional net makes pictures [height, width, channels], and {shape} came: take net='mlp'"
        )
    times = _times(*shape[:2], least)
    if not times:
        height, width = (_near(side) for side in shape[:2])
        if not _times(height, width, least):  # too long a picture
            height = width = _near(min(shape[:2]))
        raise ValueError(
            f"pictures of {shape[0]}x{shape[1]} do not halve down to 3 to 15 pixels a side: take a size such as "
            f"{height}x{width} (--size cuts to a square one), or net='mlp'"
        )
    return times


def _times(height: int, width: int, least: int) -> int:
    """0 where it does not end at 3 to 15 pixels a side."""
    times = 0
    while height % 2 == width % 2 == 0 and min(height, width) // 2 >= least:
        height, width, times = height // 2, width // 2, times + 1
    return times if max(height, width) <= 15 else 0


def _near(side: int) -> int:
    """The nearest that four or eight pixels reach by doubling."""
    return min((base * 2**k for base in (4, 5, 6, 7) for k in range(1, 9)), key=lambda size: abs(size - side))


def painter(shape: tuple[int, ...], width: int = 64, *, norm: str = "batch") -> list[keras.layers.Layer]:
    """The layers of a generator from [n, any] to maps [n, *shape] before the last activation; `width` filters before
    the last layer."""
    times = halvings(shape)
    small = (shape[0] >> times, shape[1] >> times)
    filters = [width << (times - 1 - i) for i in range(times)]
    plain = not norms(norm)
    layers = [
        keras.layers.Dense(small[0] * small[1] * filters[0], use_bias=plain),
        keras.layers.Reshape((*small, filters[0])),
    ]
    for deep in filters[1:]:
        layers += [*norms(norm), keras.layers.ReLU(), keras.layers.Conv2DTranspose(deep, 4, 2, "same", use_bias=plain)]
    return [
        *layers,
        *norms(norm),
        keras.layers.ReLU(),
        keras.layers.Conv2DTranspose(shape[-1], 4, 2, "same", dtype="float32"),
    ]


def reader(shape: tuple[int, ...], width: int = 64, *, norm: str = "batch") -> list[keras.layers.Layer]:
    """The layers of a critic from [n, *shape] to its last maps."""
    layers = []
    for i in range(halvings(shape)):
        between = norms(norm) if i else []
        layers += [
            wrapped(keras.layers.Conv2D(width << i, 4, 2, "same", use_bias=not between), norm),
            *between,
            keras.layers.LeakyReLU(0.2),
        ]
    return layers
