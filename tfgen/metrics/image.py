"""How near a restored picture is to the original, as the literature of super-resolution measures it.

    Y     = 16 + (65.481 R + 128.553 G + 24.966 B) / 255                                     (BT.601, of bytes; 16..235)
    PSNR  = 10 log10(255² / mean (Y_a - Y_b)²)
    SSIM  = mean (2 μ_a μ_b + c1)(2 σ_ab + c2) / ((μ_a² + μ_b² + c1)(σ_a² + σ_b² + c2))
    over Gaussian windows of 11x11, deviation 1.5, that lie within the picture; c1 = (.01 · 255)², c2 = (.03 · 255)²

Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004
"""

import math

import numpy as np
from scipy.ndimage import correlate1d

__all__ = ["luma", "patches", "psnr", "radial_spectrum", "spectrum_gap", "ssim"]

_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_WINDOW = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
_WINDOW /= _WINDOW.sum()


def luma(picture):
    """Bytes [..., 3] (or grey ones, [..., 1]) to Y [...]; numpy or tensors."""
    red, green, blue = (picture[..., i % picture.shape[-1]] for i in range(3))
    return 16.0 + _WEIGHTS[0] * red + _WEIGHTS[1] * green + _WEIGHTS[2] * blue


def psnr(original: np.ndarray, restored: np.ndarray, crop: int = 0) -> float:
    """Of two pictures of bytes [h, w, 3 or 1], in dB, without `crop` pixels at each border; inf of equal ones."""
    a, b = _pair(original, restored, crop)
    error = np.mean((a - b) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim(original: np.ndarray, restored: np.ndarray, crop: int = 0) -> float:
    """Of two pictures of bytes [h, w, 3 or 1], at most 1, without `crop` pixels at each border."""
    a, b = _pair(original, restored, crop)
    if min(a.shape) < len(_WINDOW):
        raise ValueError(
            f"SSIM compares windows of 11x11, and {crop} pixels cropped off leave {a.shape[1]}x{a.shape[0]}: "
            "give larger pictures"
        )
    mean_a, mean_b = _windows(a), _windows(b)
    var_a, var_b, both = _windows(a * a) - mean_a**2, _windows(b * b) - mean_b**2, _windows(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float(np.mean(similar / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))))


def radial_spectrum(picture: np.ndarray, rings: int = 32) -> np.ndarray:
    """Of a picture of bytes [h, w, 3 or 1]: the mean power of luma under a Hann window, ring by ring of equal widths
    from the constant to half a cycle a pixel, [rings]. Of white noise each is its variance."""
    y = luma(picture.astype(np.float64))
    window = np.multiply.outer(*(np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 for side in y.shape))
    power = np.abs(np.fft.fft2((y - y.mean()) * window)) ** 2 / (window**2).sum()
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, y.shape), indexing="ij"))
    ring = np.minimum((2 * rings * frequency).astype(int), rings).ravel()  # the last: the corners
    count = np.bincount(ring, minlength=rings + 1)[:rings]
    if not count.all():
        raise ValueError(
            f"{rings} rings of a picture of {y.shape[1]}x{y.shape[0]}: give larger pictures, or fewer rings"
        )
    return np.bincount(ring, power.ravel(), rings + 1)[:rings] / count


def spectrum_gap(original: np.ndarray, restored: np.ndarray) -> float:
    """How far two pictures' radial spectra are apart, in dB: the mean over 32 rings (fewer of small pictures) of
    |10 log P / P'|, where less than a hundredth of a level counts as that."""
    rings = min(32, min(original.shape[:2]) // 4)
    spectra = [np.maximum(radial_spectrum(picture, rings), 1e-4) for picture in (original, restored)]
    return float(np.mean(np.abs(10 * np.log10(spectra[0] / spectra[1]))))


def patches(picture: np.ndarray, side: int = 8) -> np.ndarray:
    """Squares of luma, one beside the other, each without its mean: float32 [some, side²]. The Fréchet distance between
    those of originals and those of results says whether they look alike from near."""
    y = luma(picture.astype(np.float32))
    tall, wide = (size // side for size in y.shape)
    cut = y[: tall * side, : wide * side].reshape(tall, side, wide, side).transpose(0, 2, 1, 3).reshape(-1, side**2)
    return cut - cut.mean(1, keepdims=True)


def _pair(original: np.ndarray, restored: np.ndarray, crop: int) -> tuple[np.ndarray, np.ndarray]:
    if original.shape != restored.shape:
        raise ValueError(
            f"pictures of shapes {original.shape} and {restored.shape} came: they are compared at one size"
        )
    if min(original.shape[:2]) <= 2 * crop:
        raise ValueError(f"crop={crop} leaves nothing of a picture of {original.shape[1]}x{original.shape[0]}")
    inside = (slice(crop, original.shape[0] - crop), slice(crop, original.shape[1] - crop))
    return tuple(luma(picture[inside].astype(np.float64)) for picture in (original, restored))


def _windows(y: np.ndarray) -> np.ndarray:
    """Weighted means over the windows inside."""
    return correlate1d(correlate1d(y, _WINDOW, 0), _WINDOW, 1)[5:-5, 5:-5]
