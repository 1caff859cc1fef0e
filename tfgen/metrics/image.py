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

__all__ = ["luma", "psnr", "ssim"]

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
