"""What super-resolution is measured by, and what makes pictures smaller."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from tfgen import bicubic, metrics


def photograph(name="china", height=424, width=640):
    return load_sample_image(f"{name}.jpg")[:height, :width]


def test_psnr_by_hand():
    """Black against white is 219 levels of luma; a level of green alone is 128.553 / 255."""
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    assert metrics.psnr(black, white) == pytest.approx(20 * np.log10(255 / 219))
    green = black.copy()
    green[..., 1] = 1
    assert metrics.psnr(black, green) == pytest.approx(20 * np.log10(255 / (128.553 / 255)))
    assert metrics.psnr(white, white) == np.inf
    framed = black.copy()
    framed[0] = framed[:, -1] = 200
    assert metrics.psnr(black, framed, crop=1) == np.inf
    grey = np.full((8, 8, 1), 90, np.uint8)
    np.testing.assert_allclose(metrics.luma(grey), metrics.luma(np.repeat(grey, 3, -1)))
    with pytest.raises(ValueError, match="crop=4 leaves nothing"):
        metrics.psnr(black, white, 4)


def test_ssim_by_hand():
    """Two flat pictures differ by their means alone."""
    a, b = np.full((16, 16, 1), 50, np.uint8), np.full((16, 16, 1), 100, np.uint8)
    m, n, c = 16 + 50 * 219 / 255, 16 + 100 * 219 / 255, (0.01 * 255) ** 2
    assert metrics.ssim(a, b) == pytest.approx((2 * m * n + c) / (m * m + n * n + c))
    assert metrics.ssim(a, a) == pytest.approx(1)
    with pytest.raises(ValueError, match="11x11"):
        metrics.ssim(a, b, 3)


@pytest.mark.parametrize(
    "name, psnr, ssim",
    [("china", 22.424630494219787, 0.6370673584180778), ("flower", 30.71005693629928, 0.9178744814816792)],
)
def test_photographs_made_smaller_and_larger_again(name, psnr, ssim):
    """Figures of scikit-image 0.26: peak_signal_noise_ratio, and structural_similarity with Gaussian weights."""
    original = photograph(name)
    again = bicubic.resize(bicubic.resize(original, 106, 160), 424, 640)
    assert metrics.psnr(original, again, 4) == pytest.approx(psnr, abs=1e-9)
    assert metrics.ssim(original, again, 4) == pytest.approx(ssim, abs=1e-9)


def test_bicubic_is_keys_kernel():
    """Inside the picture Pillow's is the same; at the border Matlab mirrors: a flat picture stays flat, and a mirrored
    one mirrored."""
    original = photograph().astype(np.float64)
    for height, width in ((106, 160), (1060, 1600)):
        ours = bicubic.resize(original, height, width)
        channels = [
            Image.fromarray(original[..., i].astype("float32")).resize((width, height), Image.Resampling.BICUBIC)
            for i in range(3)
        ]
        inside = (slice(8, -8), slice(8, -8))
        np.testing.assert_allclose(ours[inside], np.stack(channels, -1)[inside], atol=1e-3)
    np.testing.assert_allclose(bicubic.resize(np.full((20, 20, 1), 7.0), 5, 9), 7.0)
    mirrored = np.concatenate([original, original[::-1]])
    np.testing.assert_allclose(bicubic.resize(mirrored, 212, 160)[:106], bicubic.resize(original, 106, 160))


def test_a_window_is_a_part_of_what_resize_makes():
    for picture in (photograph(height=50, width=70), photograph(height=50, width=70) * np.uint16(257)):
        for height, width in ((200, 280), (20, 31)):
            whole = bicubic.resize(picture, height, width)
            part = bicubic.window(picture, height, width, slice(3, 17), slice(8, 21))
            assert whole.dtype == picture.dtype
            np.testing.assert_array_equal(part, whole[3:17, 8:21])


def test_bicubic_by_hand():
    """A line of 8 pixels to 2: the kernel stretched four times, sixteen weights, the outer ones mirrored back."""
    line = np.array([0, 0, 0, 80, 0, 0, 0, 0], float)[:, None, None]

    def keys(t):
        t = abs(t)
        return 1.5 * t**3 - 2.5 * t**2 + 1 if t <= 1 else -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t <= 2 else 0.0

    total = sum(keys((1.5 - j) / 4) for j in range(-7, 10))
    first = 80 * (keys((1.5 - 3) / 4) + keys((1.5 + 4) / 4)) / total
    np.testing.assert_allclose(bicubic.resize(line, 2, 1)[0, 0, 0], first)
    line = line.astype(np.uint8)
    assert bicubic.resize(line, 2, 1)[0, 0, 0] == np.floor(first + 0.5)


def test_back_inverts_what_makes_smaller():
    for size, to in ((64, 16), (63, 21), (50, 25)):
        np.testing.assert_allclose(bicubic.matrix(size, to) @ bicubic.back(size, to), np.eye(to), atol=1e-9)


def test_radial_spectrum_by_hand():
    """Of noise it is the variance, of a wave it stands in the ring of its frequency, of a picture made smaller and
    larger again it is low where nothing was left."""
    random = np.random.default_rng(0)
    flat = metrics.radial_spectrum(random.normal(128, 20, (256, 256, 1)))
    np.testing.assert_allclose(flat[2:], 400 * (219 / 255) ** 2, rtol=0.3)
    assert flat[2:].mean() == pytest.approx(400 * (219 / 255) ** 2, rel=0.03)
    wave = 128 + 50 * np.cos(2 * np.pi * 0.3 * np.arange(200))[:, None, None] + np.zeros((1, 150, 1))
    assert np.argmax(metrics.radial_spectrum(wave)) == int(0.3 * 2 * 32)
    picture = random.integers(0, 256, (64, 96, 3), np.uint8)
    assert metrics.spectrum_gap(picture, picture) == 0
    half = metrics.radial_spectrum(bicubic.resize(bicubic.resize(picture, 32, 48), 64, 96))
    gap = np.abs(10 * np.log10(metrics.radial_spectrum(picture) / np.maximum(half, 1e-4)))
    assert gap[26:].min() > 10 > gap[:8].max()


def test_patches_by_hand():
    picture = np.random.default_rng(0).integers(0, 256, (17, 25, 3), np.uint8)
    cut = metrics.patches(picture)
    assert cut.shape == (6, 64)
    by_hand = metrics.luma(picture[8:16, 16:24].astype(np.float64)).ravel()
    np.testing.assert_allclose(cut[5], by_hand - by_hand.mean(), atol=1e-4)
