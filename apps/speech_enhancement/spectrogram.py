"""Sound → picture: how loud it is over time (to the right) and frequency (up), over 80 dB."""

from pathlib import Path

import numpy as np

__all__ = ["compare", "sheet", "spectrogram"]

FRAME, STEP, SPAN, WIDTH = 512, 128, 80.0, 1600


def spectrogram(sound: np.ndarray) -> np.ndarray:
    """Samples to uint8 [257, columns, 3]."""
    return _coloured(_powers(sound))


def sheet(after: np.ndarray, before: np.ndarray, count: int = 8) -> np.ndarray:
    """The first sounds, each below what it was made of, in two columns; every pair as loud as its louder one."""
    pairs = []
    for pair in zip(before[:count], after[:count], strict=True):
        gain = 1 / max(np.abs(pair).max(), 1e-9)
        pairs.append(np.concatenate([np.pad(spectrogram(gain * x), ((0, 3), (0, 3), (0, 0))) for x in pair]))
    columns = [np.concatenate(pairs[i::2]) for i in range(min(2, len(pairs)))]
    height = max(len(c) for c in columns)
    return np.concatenate([np.pad(c, ((0, height - len(c)), (0, 0), (0, 0))) for c in columns], 1)


def compare(before: Path, after: Path, picture: Path) -> None:
    """Two files, one above the other: the first channel of each, with axes. A column is read at a time."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import soundfile

    from tfgen.files import whole

    figure, axes = plt.subplots(2, 1, figsize=(12, 6), sharex=True, layout="constrained")
    for axis, path, name in zip(axes, (before, after), ("before", "after"), strict=True):
        with soundfile.SoundFile(path) as sound:
            rate, seconds = sound.samplerate, sound.frames / sound.samplerate
            step = max(STEP, -(-sound.frames // WIDTH))
            size = max(step, FRAME)
            blocks = sound.blocks(size, overlap=size - step, dtype="float32", always_2d=True)
            columns = np.stack([_powers(block[:, 0]).mean(0) for block in blocks])
        axis.imshow(_coloured(columns), extent=(0, seconds, 0, rate / 2000), aspect="auto")
        axis.set(ylabel="kHz", title=f"{name}: {path.name}")
    axes[-1].set_xlabel("seconds")
    with whole(picture) as partial:
        figure.savefig(partial, dpi=110)
    plt.close(figure)


def _powers(sound: np.ndarray) -> np.ndarray:
    """[columns, 257]"""
    sound = np.pad(sound, (0, max(0, FRAME - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP]
    return np.abs(np.fft.rfft(frames * np.hanning(FRAME))) ** 2


def _coloured(power: np.ndarray) -> np.ndarray:
    from matplotlib import colormaps

    top = 20 * np.log10(FRAME / 4)  # a sine at full scale
    shade = np.clip((10 * np.log10(power.T[::-1] + 1e-9) - top) / SPAN + 1, 0, 1)
    return (colormaps["magma"](shade)[..., :3] * 255).astype("uint8")
