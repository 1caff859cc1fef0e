"""Speech and noise without recordings: pulses through formants, hiss, hum, babble; for tests and a first run."""

import numpy as np
from scipy.signal import lfilter

__all__ = ["RATE", "noise", "voice"]

RATE = 16000
VOWELS = np.array(  # the first three formants, Hz (Peterson and Barney 1952)
    [
        [270, 2290, 3010],
        [390, 1990, 2550],
        [530, 1840, 2480],
        [660, 1720, 2410],
        [730, 1090, 2440],
        [570, 840, 2410],
        [440, 1020, 2240],
        [300, 870, 2240],
        [640, 1190, 2390],
        [490, 1350, 1690],
    ]
)


def voice(seconds: float, seed: int) -> np.ndarray:
    """Syllables of a vowel, most with a hiss before it, and pauses: float32 [samples]."""
    draw = np.random.default_rng([seed, 1])
    pitch, size, parts, made = draw.uniform(90, 240), draw.uniform(0.9, 1.2), [], 0
    while made < seconds * RATE:
        if draw.random() < 0.15:
            parts.append(np.zeros(int(draw.uniform(0.15, 0.5) * RATE)))
        else:
            if draw.random() < 0.6:
                hiss = draw.normal(size=int(draw.uniform(0.03, 0.12) * RATE))
                parts.append(0.05 * np.hanning(len(hiss)) * _resonate(hiss, draw.uniform(2500, 6000), 1500))
            parts.append(_syllable(draw, pitch * draw.uniform(0.8, 1.25), size))
        made += len(parts[-1])
    x = np.concatenate(parts)[: round(seconds * RATE)]
    return (0.3 * x / np.abs(x).max()).astype("float32")


def _syllable(draw: np.random.Generator, pitch: float, size: float) -> np.ndarray:
    samples = int(draw.uniform(0.1, 0.35) * RATE)
    hertz = pitch * np.linspace(draw.uniform(0.9, 1.1), draw.uniform(0.8, 1.1), samples)
    phase = np.cumsum(hertz / RATE)
    pulses = np.diff(np.floor(phase), prepend=0) + 0.003 * draw.normal(size=samples)
    x = lfilter([1], [1, -0.95], pulses)  # the glottis
    for formant, width in zip(size * VOWELS[draw.integers(len(VOWELS))], (60, 90, 150), strict=True):
        x = _resonate(x, formant, width)
    return x / np.abs(x).max() * draw.uniform(0.4, 1) * np.hanning(samples) ** 0.4


def _resonate(x: np.ndarray, hertz: float, width: float) -> np.ndarray:
    radius = np.exp(-np.pi * width / RATE)
    return lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2], x)


def noise(seconds: float, seed: int) -> np.ndarray:
    """Coloured noise, hum or babble, as the seed says: float32 [samples]."""
    draw, samples = np.random.default_rng([seed, 2]), round(seconds * RATE)
    kind = seed % 3
    if kind == 0:
        x = lfilter([1], [1, -draw.uniform(-0.5, 0.97)], draw.normal(size=samples))
    elif kind == 1:
        tone = 2 * np.pi * draw.choice([50, 60]) * np.arange(samples) / RATE
        x = sum(np.sin(k * tone + 7 * draw.random()) / k for k in range(1, 20)) + 0.1 * draw.normal(size=samples)
    else:
        x = sum(voice(seconds, int(draw.integers(2**31))) for _ in range(6))
    return (0.3 * x / np.abs(x).max()).astype("float32")
