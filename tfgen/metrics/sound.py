"""How near restored speech is to what was said, as the literature of speech enhancement measures it.

    SI-SDR   10 log10 |a s|² / |ŝ - a s|²,  a = <ŝ, s> / |s|²;  Le Roux et al., "SDR - half-baked or well done?", 2019
    SSNR     mean over frames of 30 ms of 10 log10 Σ s² / Σ (s - ŝ)², each within -10..35 dB;  Hansen and Pellom 1998
    STOI     mean correlation of third-octave envelopes over 384 ms;  Taal et al., "An algorithm for intelligibility
             prediction of time-frequency weighted noisy speech", 2011
    CSIG, CBAK, COVL   what listeners say of speech, background and all of it, from PESQ, the log-likelihood ratio,
             the weighted spectral slope and SSNR;  Hu and Loizou, "Evaluation of objective quality measures", 2008

Sounds are numpy arrays [samples], float, of one rate and length. PESQ itself (ITU-T P.862.2, wide band) is the package
`pesq`, which compiles C: an extra, `pip install 'tfgen[speech]'`.
"""

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.signal import resample_poly

__all__ = ["composite", "log_likelihood_ratio", "pesq", "segmental_snr", "si_sdr", "spectral_slope", "stoi"]

TINY = np.finfo(np.float64).eps


def si_sdr(clean: np.ndarray, other: np.ndarray) -> float:
    """In dB, of sounds without their means; inf of a scaled copy."""
    s, e = (x - x.mean() for x in _pair(clean, other))
    if not s.any():
        raise ValueError("the clean sound is silent: SI-SDR compares with speech")
    part = (e @ s) / (s @ s) * s
    rest = e - part
    return 10 * np.log10((part @ part + TINY**2) / max(rest @ rest, TINY**2)) if rest.any() else np.inf


def segmental_snr(clean: np.ndarray, other: np.ndarray, rate: int) -> float:
    """In dB, over windowed frames of 30 ms, three quarters of each shared with the next."""
    s, e = _pair(clean, other)
    s, e = _frames(s, rate), _frames(e, rate)
    ratio = np.sum(s**2, 1) / (np.sum((s - e) ** 2, 1) + TINY)
    return float(np.clip(10 * np.log10(ratio + TINY), -10, 35).mean())


# -- intelligibility ---------------------------------------------------------------------------------------------------


def stoi(clean: np.ndarray, other: np.ndarray, rate: int) -> float:
    """From about 0 to 1."""
    s, e = _pair(clean, other)
    if rate != 10000:
        s, e = _to_ten_kilohertz(s, rate), _to_ten_kilohertz(e, rate)
    window = np.hanning(258)[1:-1]
    cut = lambda x: np.lib.stride_tricks.sliding_window_view(x[:-1], 256)[::128] * window if len(x) > 256 else x[:0]
    s, e = cut(s), cut(e)
    if len(s):
        loud = 20 * np.log10(np.linalg.norm(s, axis=1) + TINY)
        spoken = loud > loud.max() - 40
        s, e = (cut(_overlapped(frames[spoken], 128)) for frames in (s, e))
    if len(s) < 30:
        raise ValueError(f"{len(clean) / rate:.2f} s hold less than the 0.4 s of speech that STOI takes")
    bands = _third_octaves()
    s, e = (np.sqrt(bands @ np.abs(np.fft.rfft(frames, 512).T) ** 2) for frames in (s, e))
    s, e = (np.lib.stride_tricks.sliding_window_view(x, 30, 1) for x in (s, e))  # [bands, segments, 30]
    norm = lambda x: np.linalg.norm(x, axis=-1, keepdims=True) + TINY
    e = np.minimum(e * (norm(s) / norm(e)), s * (1 + 10 ** (15 / 20)))
    s, e = (x - x.mean(-1, keepdims=True) for x in (s, e))
    return float(np.mean(np.sum(s / norm(s) * (e / norm(e)), -1)))


def _to_ten_kilohertz(x: np.ndarray, rate: int) -> np.ndarray:
    """By the windowed sinc of Octave's resample (60 dB), with which the published figures were made."""
    shared = np.gcd(10000, rate)
    up, down = 10000 // shared, rate // shared
    cutoff = 1 / (2 * max(up, down))
    half = np.ceil((60 - 8) / (28.714 * cutoff / 10))
    t = np.arange(-half, half + 1)
    taps = np.kaiser(len(t), 0.1102 * (60 - 8.7)) * np.sinc(2 * cutoff * t)
    return resample_poly(x, up, down, window=taps / taps.sum())


def _third_octaves() -> np.ndarray:
    """Which bins of 512 at 10 kHz belong to each of 15 bands from 150 Hz, [15, 257]."""
    bins = np.arange(257) * 10000 / 512
    nearest = lambda hertz: np.argmin(np.abs(bins - hertz))
    bands = np.zeros((15, 257))
    for k in range(15):
        bands[k, nearest(150 * 2 ** ((2 * k - 1) / 6)) : nearest(150 * 2 ** ((2 * k + 1) / 6))] = 1
    return bands


def _overlapped(frames: np.ndarray, hop: int) -> np.ndarray:
    """The sum of frames [n, size], each so many samples later."""
    n, size = frames.shape
    out = np.zeros((n - 1) * hop + size)
    for i, frame in enumerate(frames):
        out[i * hop : i * hop + size] += frame
    return out


# -- quality -----------------------------------------------------------------------------------------------------------


def pesq(clean: np.ndarray, other: np.ndarray, rate: int) -> float:
    """PESQ-WB (MOS-LQO) of 16 kHz."""
    try:
        import pesq as package
    except ImportError:
        raise ValueError("PESQ takes the package pesq, which needs a C compiler: pip install 'tfgen[speech]'") from None
    if rate != 16000:
        raise ValueError(f"{rate} Hz: PESQ-WB takes 16000 Hz")
    try:
        s, e = _pair(clean, other)
        if not s.any() or not e.any():
            raise ValueError("PESQ compares speech, and one of the sounds is silent")
        return float(package.pesq(rate, s.astype("float32"), e.astype("float32"), "wb"))
    except package.PesqError as error:
        raise ValueError(f"PESQ found no speech to compare ({type(error).__name__})") from None


def composite(clean: np.ndarray, other: np.ndarray, rate: int, pesq: float) -> dict[str, float]:
    """CSIG, CBAK and COVL, from 1 to 5, given PESQ."""
    llr = _lowest(log_likelihood_ratio(clean, other, rate))
    slope = _lowest(spectral_slope(clean, other, rate))
    noise = segmental_snr(clean, other, rate)
    said = {
        "csig": 3.093 - 1.029 * llr + 0.603 * pesq - 0.009 * slope,
        "cbak": 1.634 + 0.478 * pesq - 0.007 * slope + 0.063 * noise,
        "covl": 1.594 + 0.805 * pesq - 0.512 * llr - 0.007 * slope,
    }
    return {name: float(np.clip(value, 1, 5)) for name, value in said.items()}


def log_likelihood_ratio(clean: np.ndarray, other: np.ndarray, rate: int) -> np.ndarray:
    """By frame: log a_ŝ R_s a_ŝ / a_s R_s a_s, a the linear prediction (of order 16; 10 below 10 kHz)."""
    order = 16 if rate >= 10000 else 10
    s, e = (_frames(x, rate) for x in _pair(clean, other))
    out = []
    for frame, heard in zip(s, e, strict=True):
        correlations, a = _prediction(frame, order)
        _, b = _prediction(heard, order)
        places = np.abs(np.subtract.outer(np.arange(order + 1), np.arange(order + 1)))
        matrix = correlations[places]
        out.append(np.log((b @ matrix @ b + TINY) / (a @ matrix @ a + TINY)))
    return np.array(out)


def _prediction(frame: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Autocorrelations 0..order, and the coefficients 1, -a_1, …"""
    correlations = np.array([frame[: len(frame) - k] @ frame[k:] for k in range(order + 1)])
    if correlations[0] < TINY:
        return correlations, np.eye(order + 1)[0]
    system = np.concatenate([[correlations[0] * (1 + 1e-12)], correlations[1:order]])
    return correlations, np.concatenate([[1], -solve_toeplitz(system, correlations[1:])])


def spectral_slope(clean: np.ndarray, other: np.ndarray, rate: int) -> np.ndarray:
    """By frame: Klatt's distance of the slopes between 25 critical bands, most weight near peaks."""
    s, e = (_frames(x, rate) for x in _pair(clean, other))
    size = 2 ** int(np.ceil(np.log2(2 * s.shape[1])))
    filters = _critical_bands(rate, size)
    bands = [
        10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames, size)[:, : size // 2]) ** 2 @ filters.T, 1e-10))
        for frames in (s, e)
    ]
    slopes = [np.diff(x) for x in bands]
    weight = sum(_near_peaks(x, d) for x, d in zip(bands, slopes, strict=True)) / 2
    return np.sum(weight * (slopes[0] - slopes[1]) ** 2, 1) / np.sum(weight, 1)


CENTRES = (
    (50, 120, 190, 260, 330, 400, 470, 540, 617.372, 703.378, 798.717, 904.128, 1020.38)
    + (1148.30, 1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71)
    + (2701.97, 2978.04, 3276.17, 3597.63)
)
WIDTHS = (70, 70, 70, 70, 70, 70, 70, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914, 140.423, 153.823) + (
    168.154,
    183.457,
    199.776,
    217.153,
    235.631,
    255.255,
    276.072,
    298.126,
    321.465,
    346.136,
)


def _critical_bands(rate: int, size: int) -> np.ndarray:
    """[25, size / 2], Gaussian in the bin, no less than -30 dB or nothing."""
    centres, widths = np.array(CENTRES)[:, None] * size / rate, np.array(WIDTHS)[:, None] * size / rate
    places = np.arange(size // 2)
    filters = np.exp(-11 * ((places - np.floor(centres)) / widths) ** 2 + np.log(70 / np.array(WIDTHS)[:, None]))
    return np.where(filters > np.exp(-30 / (2 * 2.303)), filters, 0)


def _near_peaks(bands: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Klatt's weights [frames, 24] of levels [frames, 25] in dB."""
    last = slopes.shape[1]
    peaks = np.empty_like(slopes)
    for row, slope in enumerate(slopes):
        for i in range(last):
            n = i
            if slope[i] > 0:
                while n < last and slope[n] > 0:
                    n += 1
                peaks[row, i] = bands[row, max(n - 1, 0)]
            else:
                while n >= 0 and slope[n] <= 0:
                    n -= 1
                peaks[row, i] = bands[row, n + 1]
    levels = bands[:, :-1]
    return 20 / (20 + bands.max(1, keepdims=True) - levels) / (1 + peaks - levels)


def _lowest(values: np.ndarray) -> float:
    """The mean of the lower 95 %."""
    return float(np.sort(values)[: round(0.95 * len(values))].mean())


def _frames(x: np.ndarray, rate: int) -> np.ndarray:
    """Windowed frames of 30 ms, a quarter apart."""
    size = round(0.03 * rate)
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, size + 1) / (size + 1)))
    if len(x) < size:
        raise ValueError(f"{len(x)} samples came, and a frame of 30 ms takes {size}")
    return np.lib.stride_tricks.sliding_window_view(x, size)[:: size // 4] * window


def _pair(clean: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clean, other = (np.asarray(x, np.float64) for x in (clean, other))
    if clean.shape != other.shape or clean.ndim != 1 or not len(clean):
        raise ValueError(f"sounds of shapes {clean.shape} and {other.shape} came: both [samples], equally many")
    return clean, other
