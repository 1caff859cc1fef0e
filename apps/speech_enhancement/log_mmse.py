"""The classical filter: the log-spectral amplitude of least mean squared error, with decision-directed estimates.

    γ = |X|² / λ;   ξ = α |Ŝ_{t-1}|² / λ + (1 - α) max(γ - 1, 0);   v = ξ γ / (1 + ξ)
    gain = ξ / (1 + ξ) exp(½ E₁(v));   λ follows |X|² where the mean log-likelihood ratio of speech is low

Ephraim and Malah, "Speech enhancement using a minimum mean-square error log-spectral amplitude estimator", 1985
"""

import numpy as np
from scipy.special import exp1

__all__ = ["log_mmse"]

FRAME, ALPHA, FORGET, THRESHOLD, LEAST = 320, 0.98, 0.98, 0.15, 10 ** (-25 / 10)


def log_mmse(noisy: np.ndarray, first: int = 6) -> np.ndarray:
    """Samples at 16 kHz to as many; the first so many frames (of 20 ms, half of it shared) are taken for noise."""
    hop = FRAME // 2
    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME))
    padded = np.pad(np.asarray(noisy, np.float64), (hop, hop + -len(noisy) % hop))
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::hop] * window, 512)
    powers = np.abs(spectra) ** 2
    noise = powers[:first].mean(0) + 1e-12
    before, out = np.zeros_like(noise), np.zeros(len(padded))
    for t, (spectrum, power) in enumerate(zip(spectra, powers, strict=True)):
        gamma = np.minimum(power / noise, 40)
        xi = np.maximum(ALPHA * before / noise + (1 - ALPHA) * np.maximum(gamma - 1, 0), LEAST)
        if np.mean(gamma * xi / (1 + xi) - np.log1p(xi)) < THRESHOLD:
            noise = FORGET * noise + (1 - FORGET) * power + 1e-12
        v = np.maximum(xi / (1 + xi) * gamma, 1e-8)
        gain = xi / (1 + xi) * np.exp(0.5 * exp1(v))
        before = (gain**2) * power
        out[t * hop : t * hop + FRAME] += np.fft.irfft(gain * spectrum)[:FRAME] * window
    return out[hop : hop + len(noisy)].astype("float32")
