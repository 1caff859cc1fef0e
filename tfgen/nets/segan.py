"""SEGAN's nets: strided convolutions over the wave, down and up, and a critic of sounds beside the noisy ones."""

import math

import keras

from tfgen.layers import Reference, Strip, VirtualBatchNormalization

__all__ = ["segan_critic", "segan_generator", "segan_steps"]

GROWTH = (1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 64)  # of the width, layer by layer


def segan_steps(samples: int) -> int:
    """How often a sound is halved: 11 times as in the paper (16384 to 8), or as often as it comes out even and leaves
    4."""
    return max((d for d in range(1, 12) if samples % 2**d == 0 and samples >> d >= 4), default=0)


def segan_generator(samples: int, *, width: int, kernel: int, steps: int, noisy: bool) -> keras.Model:
    """[n, latent + samples], noise and behind it the given sound, to a sound [n, samples] in -1..1.

    Each layer on the way up takes what the layer of its length on the way down gave, too.
    """
    channels = [width * growth for growth in GROWTH[:steps]]
    deep = (samples >> steps, channels[-1])
    latent = math.prod(deep) if noisy else 0
    inputs = keras.Input((latent + samples,))
    y = keras.layers.Reshape((samples, 1))(inputs[:, latent:])
    skips = []
    for size in channels:
        y = keras.layers.Conv1D(size, kernel, 2, "same")(y)
        skips.append(y)
        y = keras.layers.PReLU(shared_axes=[1])(y)
    if noisy:
        y = keras.layers.Concatenate()([y, keras.layers.Reshape(deep)(inputs[:, :latent])])
    skips.pop()
    for size in [*channels[-2::-1], 1]:
        y = keras.layers.Conv1DTranspose(size, kernel, 2, "same")(y)
        if skips:
            y = keras.layers.Concatenate()([keras.layers.PReLU(shared_axes=[1])(y), skips.pop()])
    y = keras.layers.Activation("tanh", dtype="float32")(y)
    return keras.Model(inputs, keras.layers.Reshape((samples,), dtype="float32")(y), name="generator")


def segan_critic(samples: int, *, width: int, kernel: int, steps: int, reference: int) -> keras.Model:
    """[n, 2 samples], a sound and behind it the noisy one, to outputs [n, 1]; normalised by a reference batch."""
    inputs = keras.Input((2 * samples,))
    y = Reference(reference, name="reference")(inputs)
    y = keras.layers.Permute((2, 1))(keras.layers.Reshape((2, samples))(y))
    for growth in GROWTH[:steps]:
        y = keras.layers.Conv1D(width * growth, kernel, 2, "same")(y)
        y = keras.layers.LeakyReLU(0.3)(VirtualBatchNormalization(reference)(y))
    y = Strip(reference)(y)
    y = keras.layers.Flatten()(keras.layers.Conv1D(1, 1)(y))
    return keras.Model(inputs, keras.layers.Dense(1, dtype="float32")(y), name="critic")
