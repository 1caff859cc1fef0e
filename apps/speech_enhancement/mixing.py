"""Pairs of clean and noisy files, to evaluate with. Imports no TensorFlow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from apps.speech_enhancement.enhancing import open_sound, read_blocks, sounds_below
from apps.speech_enhancement.stream import RATE
from tfgen.files import whole
from tfgen.progress import progress

__all__ = ["mix", "mix_folders", "read"]


def mix(clean: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    """clean + noise at an SNR in dB, between their mean powers over all the samples."""
    power, other = np.mean(clean.astype(np.float64) ** 2), np.mean(noise.astype(np.float64) ** 2)
    return (clean + noise * np.sqrt(power / max(other, 1e-20) * 10 ** (-snr / 10))).astype(clean.dtype)


def read(path: Path) -> np.ndarray:
    """Mono at 16 kHz, float32 [samples]."""
    with open_sound(path) as sound:
        x = np.concatenate([np.zeros((0, sound.channels), "float32"), *read_blocks(sound, path)]).mean(1)
        rate = sound.samplerate
    if not len(x):
        raise ValueError(f"{path} holds no samples: take it out")
    return x if rate == RATE else soxr.resample(x, rate, RATE, "VHQ")


def mix_folders(clean: Path, noise: Path, out: Path, snrs: Sequence[float], seed: int, force: bool) -> str:
    """Every speech file in one of the noises at each SNR, 16 kHz, mono; the seed says which noise, from where."""
    speech, noises = (sounds_below(folder) for folder in (clean, noise))
    for folder, files in ((clean, speech), (noise, noises)):
        if not files:
            raise ValueError(f"{folder} holds no sounds")
    if out.exists() and any(out.iterdir()) and not force:
        raise ValueError(f"{out} is there already: --force writes over it, or give another folder")
    draw = np.random.default_rng(seed)
    for path in progress(speech, len(speech), "mixtures"):
        x = read(path)
        chosen = noises[draw.integers(len(noises))]
        n = read(chosen)
        n = np.resize(np.roll(n, -int(draw.integers(len(n)))), len(x))
        for snr in snrs:
            noisy = mix(x, n, snr)
            gain = min(1.0, 0.99 / np.abs(noisy).max())
            name = f"{path.stem}_{chosen.stem}_{snr:g}dB.flac"
            for folder, sound in (("clean", x), ("noisy", noisy)):
                (out / folder / f"{snr:g}dB").mkdir(parents=True, exist_ok=True)
                with whole(out / folder / f"{snr:g}dB" / name) as partial:
                    soundfile.write(partial, gain * sound, RATE, "PCM_16")
    return f"{out}: {len(speech) * len(snrs)} pairs"
