"""How near restored speech is: by hand, and against numbers of pystoi and pesq."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import spearmanr

from tfgen.losses.hearing import score_lost
from tfgen.metrics import sound as metrics

RATE = 16000


def hiss(n, factor=12.9898):
    """Without a generator, so that numbers can be carried."""
    return np.mod(np.sin(np.arange(1, n + 1) * factor) * 43758.5453, 1) - 0.5


def spoken(seconds=2.0):
    """Harmonics of a gliding pitch under syllables."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * (120 * t + 8 * np.sin(2 * np.pi * 0.7 * t))
    voice = sum(np.sin(k * phase) / k * (1 + np.cos(k + 3 * t)) for k in range(1, 30))
    return 0.1 * voice * np.clip(np.sin(2 * np.pi * 3 * t) + 0.3, 0, None)


def test_si_sdr_by_hand():
    s = np.tile([1.0, -1.0], 50)
    orthogonal = np.tile([1.0, 1.0, -1.0, -1.0], 25)
    assert metrics.si_sdr(s, 3 * (s + 0.1 * orthogonal)) == pytest.approx(20)
    assert metrics.si_sdr(s, s + 5) > 250, "the mean does not count"
    assert metrics.si_sdr(s, orthogonal) < -200
    with pytest.raises(ValueError, match="silent"):
        metrics.si_sdr(0 * s, s)
    with pytest.raises(ValueError, match=r"\(100,\) and \(99,\)"):
        metrics.si_sdr(s, s[1:])


def test_segmental_snr_by_hand():
    s = hiss(RATE)
    assert metrics.segmental_snr(s, 0.9 * s, RATE) == pytest.approx(20)
    assert metrics.segmental_snr(s, -s, RATE) == pytest.approx(-10 * np.log10(4))
    assert metrics.segmental_snr(s, s, RATE) == 35 and metrics.segmental_snr(s, 9 * s, RATE) == -10
    half = np.where(np.arange(len(s)) < len(s) // 2, 0.9 * s, s)
    assert metrics.segmental_snr(s, half, RATE) == pytest.approx(27.5, abs=0.5)


def test_stoi_is_pystoi_s():
    """pystoi 0.4.1 of the same sounds, at 16 kHz and at its own 10 kHz."""
    s = spoken()
    for gain, rate, theirs in STOI:
        assert metrics.stoi(s, s + gain * hiss(len(s)), rate) == pytest.approx(theirs, abs=1e-9)
    assert metrics.stoi(s, 3 * s, RATE) == pytest.approx(1)
    with pytest.raises(ValueError, match="s of speech that STOI"):
        metrics.stoi(s[:4000], s[:4000], RATE)


STOI = [  # gain of the noise, rate, pystoi
    (0.05, 16000, 0.9815083862296976),
    (0.5, 16000, 0.6644657750032533),
    (0.2, 10000, 0.7071319247929095),
]


def test_pesq_is_the_package_s():
    pytest.importorskip("pesq")
    s = spoken()
    assert metrics.pesq(s, s, RATE) == pytest.approx(4.6439, abs=1e-4)
    assert 1 < metrics.pesq(s, s + 0.05 * hiss(len(s)), RATE) < 3
    with pytest.raises(ValueError, match="16000"):
        metrics.pesq(s, s, 8000)
    with pytest.raises(ValueError, match="is silent"):
        metrics.pesq(0 * s, 0 * s, RATE)


def test_composite_of_a_copy_is_its_constants():
    s = spoken() + 0.001 * hiss(2 * RATE)
    found = metrics.composite(s, s, RATE, pesq=1.0)
    assert found == pytest.approx(
        {"csig": 3.093 + 0.603, "cbak": 1.634 + 0.478 + 0.063 * 35, "covl": 1.594 + 0.805}, abs=1e-6
    )
    worse = metrics.composite(s, s + 0.1 * hiss(len(s)), RATE, pesq=1.0)
    assert all(1 <= worse[name] < found[name] for name in found)


def test_log_likelihood_ratio_of_first_order():
    """Of x_t = ρ x_{t-1} + e_t heard as white noise: -log(1 - ρ²), and some 0.1 for 16 coefficients that are estimated
    from 30 ms."""
    rho, white = 0.8, np.random.default_rng(0).normal(size=4 * RATE)
    x = white.copy()
    for t in range(1, len(x)):
        x[t] += rho * x[t - 1]
    llr = metrics.log_likelihood_ratio(x, np.random.default_rng(1).normal(size=len(x)), RATE)
    assert llr.mean() == pytest.approx(0.1 - np.log(1 - rho**2), abs=0.04)
    np.testing.assert_allclose(metrics.log_likelihood_ratio(x, 7 * x, RATE), 0, atol=1e-9)


def test_spectral_slope_by_hand():
    """Levels 0, 10, 5, 5, 20 dB: to the right of a rise the last level before its top counts, to the left of a fall
    its top."""
    bands = np.array([[0.0, 10.0, 5.0, 5.0, 20.0]])
    peaks = np.array([[0.0, 10.0, 10.0, 5.0]])
    expected = 20 / (20 + 20 - bands[:, :-1]) / (1 + peaks - bands[:, :-1])
    np.testing.assert_allclose(metrics._near_peaks(bands, np.diff(bands)), expected)
    s = spoken()
    np.testing.assert_allclose(metrics.spectral_slope(s, 5 * s, RATE)[40:60], 0, atol=1e-6)
    assert metrics.spectral_slope(s, s + 0.1 * hiss(len(s)), RATE).mean() > 10


# -- the loss after PESQ's model of hearing ----------------------------------------------------------------------------


def powers(*sounds):
    """[n, frames, 257], of windows of 512 (Hann), each half over the last."""
    frames = np.lib.stride_tricks.sliding_window_view(np.stack(sounds), 512, 1)[:, ::256]
    return np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(np.pi * np.arange(512) / 256)))).astype("float32") ** 2


def smooth(x, taps):
    return np.convolve(x, np.ones(taps) / taps, "same")


def test_what_a_listener_misses_follows_pesq():
    """In the order of pesq 0.0.4 of the same sounds; a filter and the volume hardly count."""
    s = spoken(4.0)
    n = hiss(len(s))
    worse = [
        (s, 4.644),
        (smooth(s, 4), 4.430),
        (s + 0.005 * n, 1.528),
        (np.where(np.arange(len(s)) % 4000 < 500, 0, s), 1.341),
        (s + 0.1 * smooth(n, 16), 1.249),
        (s + 0.015 * n, 1.127),
        (np.clip(s, -0.1, 0.1), 1.077),
        (s + 0.05 * n, 1.021),
        (s + 0.3 * n, 1.018),
    ]
    copies, scores = zip(*worse, strict=True)
    lost = score_lost(powers(*[s] * len(copies)), powers(*copies)).numpy()
    assert spearmanr(-lost, scores).statistic > 0.85
    assert lost[0] < 1e-3 and lost[1] < 0.1 < 1.5 < lost[2] and lost[-1] > 4.5
    assert abs(score_lost(powers(s), powers(20 * s))[0]) < 1e-3
    assert np.all(np.diff(score_lost(powers(*[s] * 4), powers(*(s + g * n for g in (0.01, 0.02, 0.04, 0.08))))) > 0.1)


def test_what_a_listener_misses_has_a_gradient():
    """That of finite differences, and finite where there is nothing to hear."""
    s = spoken(0.6)
    clean, noisy = powers(s), powers(s + 0.02 * hiss(len(s)))
    along = noisy * np.random.default_rng(1).normal(1, 1, noisy.shape).astype("float32")

    def lost(step):
        return score_lost(clean, noisy + step * along)[0]

    with tf.GradientTape() as tape:
        step = tf.constant(0.0)
        tape.watch(step)
        value = lost(step)
    slope = (lost(1e-2) - lost(-1e-2)) / 2e-2
    assert float(tape.gradient(value, step)) == pytest.approx(float(slope), rel=0.02)
    silence = tf.zeros_like(clean)
    for truth, guess in ((silence, silence), (clean, silence), (silence, noisy)):
        with tf.GradientTape() as tape:
            tape.watch(guess := tf.constant(guess))
            value = score_lost(truth, guess)
        assert np.isfinite(value).all() and np.isfinite(tape.gradient(value, guess)).all()
