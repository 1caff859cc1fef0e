"""What is done to examples: pure functions of tensors, and of a seed where they draw.

Dequantisation, and what it costs. Bytes x in 0..255 become y = (x + u) / 256 with u uniform, so that a density p(y) on
[0, 1]^d can be fitted to them. The bytes' own probability P(x) is the integral of p over the cube of side 1/256 that x
owns, and by Jensen's inequality

    log P(x)  >=  E_u log p((x + u) / 256) - d log 256.

`dequantisation_nats` is that d log 256: SUBTRACT it from log p(y) for a lower bound of log P(x), in nats; add it to a
negative log-likelihood.
"""

import math

import tensorflow as tf

from tfgen import rng

__all__ = [
    "binarise",
    "dequantisation_nats",
    "dequantise",
    "fit_image",
    "inverse_mu_law",
    "mu_law",
    "threshold",
    "to_values",
]


def to_values(x: tf.Tensor, values: str) -> tf.Tensor:
    """Bytes of any shape → float32 of that shape: "bytes" 0..255, "unit" and "real" 0..1, "signed" -1..1, "binary" 0 or
    1 (from 128 on)."""
    x = tf.cast(x, tf.float32)
    if values == "bytes":
        return x
    if values == "signed":
        return x / 127.5 - 1
    return threshold(x / 255) if values == "binary" else x / 255


def threshold(x: tf.Tensor, at: float = 0.5) -> tf.Tensor:
    """1.0 where x, of any shape, is above `at`, else 0.0."""
    return tf.cast(x > at, tf.float32)


def binarise(x: tf.Tensor, seed: int | tf.Tensor) -> tf.Tensor:
    """x in 0..1, of any shape → 1.0 with probability x, else 0.0."""
    return tf.cast(rng.uniform(tf.shape(x), rng.as_seed(seed)) < x, tf.float32)


def dequantise(x: tf.Tensor, seed: int | tf.Tensor) -> tf.Tensor:
    """Bytes of any shape → (x + u) / 256, strictly between 0 and 1, and `floor(256 y)` is x again.

    u is one of 2^15 midpoints: a float32 holds 255 + u exactly then, where a full uniform would now and then round up
    to 256.
    """
    u = tf.random.stateless_uniform(tf.shape(x), rng.as_seed(seed), 0, 2**15, tf.int32, alg="philox")
    return (tf.cast(x, tf.float32) + (tf.cast(u, tf.float32) + 0.5) / 2**15) / 256


def dequantisation_nats(shape: tuple[int, ...]) -> float:
    """d log 256 for events of this shape: log P(bytes) >= E log p(dequantised) - this."""
    return math.prod(shape) * math.log(256)


def mu_law(x: tf.Tensor, levels: int = 256) -> tf.Tensor:
    """Sound in -1..1, of any shape → int32 symbols 0..levels-1, finer near silence (ITU-T G.711
    with mu = levels - 1)."""
    mu = levels - 1.0
    y = tf.sign(x) * tf.math.log1p(mu * tf.abs(x)) / math.log1p(mu)
    return tf.cast(tf.clip_by_value((y + 1) / 2 * mu + 0.5, 0, mu), tf.int32)


def inverse_mu_law(symbols: tf.Tensor, levels: int = 256) -> tf.Tensor:
    """Symbols 0..levels-1 → sound in -1..1, float32."""
    mu = levels - 1.0
    y = tf.cast(symbols, tf.float32) / mu * 2 - 1
    return tf.sign(y) * tf.math.expm1(tf.abs(y) * math.log1p(mu)) / mu


def fit_image(pixels: tf.Tensor, size: tuple[int, int], channels: int) -> tf.Tensor:
    """uint8 [h, w, 1, 3 or 4] → uint8 [*size, channels]: the largest middle part of that aspect, averaged over
    areas."""
    if pixels.shape[-1] == 4:
        pixels = pixels[..., :3]
    if pixels.shape[-1] != channels:
        pixels = tf.image.rgb_to_grayscale(pixels) if channels == 1 else tf.image.grayscale_to_rgb(pixels)
    if pixels.shape[:2] != size:
        (h, w), (rows, columns) = tf.unstack(tf.shape(pixels)[:2]), size
        high, wide = (
            tf.minimum(h, tf.maximum(1, w * rows // columns)),
            tf.minimum(w, tf.maximum(1, h * columns // rows)),
        )
        top, left = (h - high) // 2, (w - wide) // 2
        pixels = tf.image.resize(pixels[top : top + high, left : left + wide], size, method="area")
        pixels = tf.cast(tf.round(pixels), tf.uint8)
    return tf.ensure_shape(pixels, (*size, channels))
