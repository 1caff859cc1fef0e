"""What a listener misses between a sound and its copy: the model of hearing of PESQ, as a loss that gradients pass.

    loudness      L(b) = .187 (2 P₀(b))^γ [(½ + ½ P(b) / P₀(b))^γ - 1],  γ = .23, in 49 bands b of equal width in Bark
    disturbance   D(b) = max(|L̂ - L| - ¼ min(L̂, L), 0);  what was added:  D_A = D ((P̂ + 50) / (P + 50))^1.2
    of a sound    over bands the 2-norm of D and the sum of D_A, then order 6 over 20 frames and order 2 over all time
    score lost    .1 D + .0309 D_A,  of 4.5

ITU-T P.862, "Perceptual evaluation of speech quality", 2001. Bands and the threshold of hearing are from formulas
(Traunmüller 1990; after Terhardt 1979) in place of the standard's tables, and the two sounds are taken to be in time
with each other, so the result follows PESQ without being it: that is `tfgen.metrics.pesq`.
"""

import numpy as np
import tensorflow as tf

__all__ = ["score_lost"]

COUNT, BIN, LEVEL, ZWICKER = 49, 31.25, 2.7e8, 0.23  # of the bands; Hz; the power of speech as PESQ hears it
SILENT = 1e7


def score_lost(truth: tf.Tensor, guess: tf.Tensor) -> tf.Tensor:
    """Of power spectra [n, frames, 257] at 16 kHz, windows of 512 (Hann) each half over the last, to [n]."""
    members, widths, threshold, gamma = (tf.constant(x) for x in BANDS)
    truth, guess = (_levelled(tf.linalg.matmul(power, members)) for power in (truth, guess))
    heard = _heard(truth, threshold)
    # a filter is not heard as much as noise: what speaks is brought to the copy's timbre
    speaks = tf.cast(heard > SILENT, tf.float32)
    spoken, copied = (tf.reduce_mean(speaks * power, 1, keepdims=True) + 1000.0 for power in (truth, guess))
    truth *= tf.clip_by_value(copied / spoken, 0.01, 100.0)
    # nor is a volume that drifts
    gain = (heard + 5000.0) / (_heard(guess, threshold) + 5000.0)
    guess *= _drifting(tf.clip_by_value(gain, 3e-4, 5.0))
    loud, louder = (_loudness(power, threshold, gamma) for power in (truth, guess))
    gap = tf.nn.relu(tf.abs(louder - loud) - 0.25 * tf.minimum(loud, louder))
    added = tf.pow((guess + 50.0) / (truth + 50.0), 1.2)
    added = tf.where(added < 3.0, 0.0, tf.minimum(added, 12.0))
    symmetric = tf.sqrt(tf.reduce_sum(widths) * tf.reduce_sum((gap * widths) ** 2, -1) + 1e-6)
    asymmetric = tf.reduce_sum(gap * added * widths, -1)
    quiet = tf.pow((heard[..., 0] + 1e5) / 1e7, -0.04)  # pauses weigh more
    return 0.1 * _over_time(symmetric * quiet) + 0.0309 * _over_time(asymmetric * quiet)


def _levelled(bands):
    return bands * (LEVEL / (tf.reduce_mean(tf.reduce_sum(bands, -1, keepdims=True), 1, keepdims=True) + 1e-4))


def _heard(power, threshold):
    """What of the power is above the threshold, over all bands."""
    return tf.reduce_sum(tf.where(power > threshold, power, 0.0), -1, keepdims=True)


def _loudness(power, threshold, gamma):
    ratio = tf.maximum(power / threshold, 1.0)
    return 0.187 * tf.pow(2 * threshold, gamma) * (tf.pow(0.5 + 0.5 * ratio, gamma) - 1.0)


def _drifting(gain):
    """[n, frames, 1], each .8 of it and .2 of what was before."""
    place = tf.range(tf.shape(gain)[1])
    back = tf.cast(place[:, None] - place, tf.float32)
    newest = tf.where(place > 0, 0.8, 1.0)  # before the first it was as at the first
    return tf.linalg.matmul(tf.where(back >= 0, newest * tf.pow(0.2, tf.maximum(back, 0.0)), 0.0), gain)


def _over_time(disturbance):
    """[n, frames] to [n]: intervals of 20 frames of which the worst counts."""
    disturbance = tf.minimum(disturbance, 45.0) + 1e-3
    frames = tf.shape(disturbance)[1]
    size = tf.minimum(20, frames)
    parts = tf.reshape(disturbance[:, : frames // size * size], [-1, frames // size, size])
    intervals = tf.pow(tf.reduce_mean(parts**6, -1), 1 / 6)
    return tf.sqrt(tf.reduce_mean(intervals**2, -1))


def _bark(hertz):
    return 26.81 * hertz / (1960 + hertz) - 0.53


def _bands():
    """Which of 257 bins are in which band, the widths in Bark, the threshold of hearing as a power, and γ."""
    edges = _bark((np.arange(257) + 0.5) * BIN)  # edge i is above bin i; the constant bin is not heard
    starts, step = [0], (edges[-1] - edges[0]) / COUNT
    starts += [i for i in range(1, 256) if (edges[i] - edges[0]) // step > (edges[i - 1] - edges[0]) // step]
    pairs = list(zip(starts, [*starts[1:], 256], strict=True))
    members = np.zeros((257, len(pairs)))
    for band, (a, b) in enumerate(pairs):
        members[a + 1 : b + 1, band] = 1
    k = np.array([(a + b + 1) / 2 for a, b in pairs]) * BIN / 1000
    bark = np.maximum(_bark(1000 * k), 0)
    decibels = 3.64 * k**-0.8 - 8
    gamma = ZWICKER * np.where(bark < 4, np.minimum(6 / (bark + 2), 2) ** 0.15, 1.0)
    widths = np.array([edges[b] - edges[a] for a, b in pairs])
    return tuple(x.astype("float32") for x in (members, widths, 10 ** (np.minimum(decibels, 80) / 10), gamma))


BANDS = _bands()
