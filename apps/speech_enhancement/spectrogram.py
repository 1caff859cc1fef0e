"""Sound → picture: how loud it is over time (to the right) and frequency (up, to 8 kHz), over 80 dB."""

import numpy as np

__all__ = ["sheet", "spectrogram"]

FRAME, STEP, SPAN = 512, 128, 80.0


def spectrogram(sound: np.ndarray, width: int | None = None) -> np.ndarray:
    """Samples to uint8 [257, columns, 3]; at most `width` columns, each the mean power of those that fall into it."""
    from matplotlib import colormaps

    sound = np.pad(sound, (0, max(0, FRAME - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2
    if width is not None and len(power) > width:
        power = np.stack([part.mean(0) for part in np.array_split(power, width)])
    decibels = 10 * np.log10(power + 1e-9)
    top = 10 * np.log10(0.25 * FRAME**2 / 4)  # a sine at full scale
    return (colormaps["magma"](np.clip((decibels - top) / SPAN + 1, 0, 1)).T[:3].transpose(1, 2, 0)[::-1] * 255).astype(
        "uint8"
    )


def sheet(after: np.ndarray, before: np.ndarray, count: int = 8) -> np.ndarray:
    """The first sounds, each below what it was made of, in two columns; every pair as loud as its louder one."""
    pairs = []
    for pair in zip(before[:count], after[:count], strict=True):
        gain = 1 / max(np.abs(pair).max(), 1e-9)
        pairs.append(np.concatenate([np.pad(spectrogram(gain * x), ((0, 3), (0, 3), (0, 0))) for x in pair]))
    columns = [np.concatenate(pairs[i::2]) for i in range(min(2, len(pairs)))]
    height = max(len(c) for c in columns)
    return np.concatenate([np.pad(c, ((0, height - len(c)), (0, 0), (0, 0))) for c in columns], 1)
