"""Which way to quantise is nearest, and which is fastest: `python -m benchmarks.quantise FILE.keras …`.

Files hold `edge_sr`, judged by PSNR (RGB) on two photographs of scikit-learn that were made smaller, or `edge_se`,
judged by SI-SDR on four seconds of made-up speech at 5 dB. Tolerances are off, so that every file that runs is judged.
Times are medians: nothing else should run meanwhile.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.datasets import load_sample_images

from apps.speech_enhancement import synthetic
from apps.speech_enhancement.mixing import mix
from apps.speech_enhancement.stream import HOP
from apps.super_resolution.shipping import plain
from export.artifact import Artifact, artifacts
from export.contract import Signature, Tensor
from export.convert import FORMATS, MAKERS
from tfgen import bicubic, catalog
from tfgen.restoration import EdgeSE

SEEN = 160  # columns of the small pictures, of 106 rows


def pictures(model) -> tuple[Signature, list[dict], list[dict], Callable]:
    """The signature, examples, representative calls (crops) and the quality, which sees both photographs whole."""
    model = plain(model)
    rows, columns = 106 * model.scale, SEEN * model.scale
    large = [x[:rows, :columns] for x in load_sample_images().images]
    small = [bicubic.resize(x, 106, SEEN)[None].astype("float32") / 255 for x in large]
    picture = Tensor((None, None, None, 3), "a picture", "data", 0.0, 1.0)
    signature = Signature(lambda small: {"large": model.restore(small)}, {"small": picture}, {"large": picture})

    def quality(run):
        made = [np.clip(np.round(255 * np.asarray(run("call", small=x)["large"])[0]), 0, 255) for x in small]
        errors = [np.mean((x - y) ** 2) for x, y in zip(large, made, strict=True)]
        return {"psnr": np.mean(10 * np.log10(255**2 / np.array(errors)))}

    crops = [{"small": x[:, i : i + 48, j : j + 48]} for x in small for i in (0, 48) for j in (0, 48, 96)]
    return signature, [{"small": x[:, :, : SEEN // 2]} for x in small], crops, quality


def speech(model: EdgeSE) -> tuple[Signature, list[dict], list[dict], Callable]:
    """The same of one hop with its state; the quality sees a recording that ranges were not taken from."""
    hop = model.hop()
    sound, state = Tensor((1, HOP), "a hop", "data", -1.0, 1.0), Tensor((1, hop.state_size), "memory", "state")
    signature = Signature(
        hop.__call__,
        {"hop": sound, "strength": Tensor((1,)), "state": state},
        {"sound": sound, "voice": Tensor((1, 1)), "next_state": state},
        {"state": "next_state"},
    )

    def calls(seconds: float, seed: int) -> list[dict]:
        noisy = mix(synthetic.voice(seconds, seed), synthetic.noise(seconds, seed), 5)
        hops = noisy[: len(noisy) // HOP * HOP].reshape(-1, 1, HOP).astype("float32")
        return [{"hop": samples, "strength": np.ones(1, "float32")} for samples in hops]

    def quality(run):
        memory, parts = np.zeros((1, hop.state_size), "float32"), []
        for call in calls(4.0, 5):
            found = run("call", **call, state=memory)
            memory = np.asarray(found["next_state"])
            parts.append(np.asarray(found["sound"])[0])
        made = np.concatenate(parts)[HOP:]  # what comes out is a hop late
        clean = synthetic.voice(4.0, 5)[: len(made)].astype("float64")
        aimed = made @ clean / (clean @ clean) * clean
        return {"si_sdr": 10 * np.log10(np.sum(aimed**2) / np.sum((made - aimed) ** 2))}

    return signature, calls(2.0, 0), calls(2.0, 1) + calls(2.0, 2), quality


def main(files: list[str]) -> None:
    print(f"{'net':<10}{'format':<10}{'by':<11}{'kB':>6}{'dB':>7}{'lost':>8}{'ms, 1 thread':>14}{'2 threads':>11}")
    for file in files:
        model = catalog.load(Path(file))
        signature, examples, representative, quality = (speech if isinstance(model, EdgeSE) else pictures)(model)
        with tempfile.TemporaryDirectory() as scratch:
            jobs = [
                Artifact(
                    Path(scratch) / way,
                    {"call": signature},
                    {"call": examples},
                    formats=FORMATS,
                    representative={"call": representative},
                    by=way,
                    tolerance=dict.fromkeys(FORMATS, -200.0),
                    quality=quality,
                )
                for way in MAKERS
            ]
            for job, card in zip(jobs, artifacts(jobs, say=lambda line: None), strict=True):
                report(type(model).__name__, job, card)


def report(net: str, job: Artifact, card: dict) -> None:
    """A line for each file; what float32 is, and what layers alone make no difference to, is said once."""
    for kind in FORMATS:
        entry = card["files"].get(job.file(kind))
        if (kind == "float32" and job.by != "converter") or (job.by == "layers" and not kind.startswith("int")):
            continue
        start = f"{net:<10}{kind:<10}{job.by:<11}"
        if entry is None:
            print(f"{start}none: {card['not_written'][kind]}")
            continue
        (lost,), snr = entry["quality_lost"].values(), entry["against_keras"]["call"]["snr"]
        times = [entry["threads"][n]["milliseconds"]["call"] for n in ("1", "2")]
        print(f"{start}{entry['bytes'] / 1000:>6.0f}{snr:>7.1f}{lost:>8.3f}{times[0]:>14.3g}{times[1]:>11.3g}")


if __name__ == "__main__":
    main(sys.argv[1:])
