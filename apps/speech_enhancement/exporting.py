"""A trained `edge_se` → a folder to ship: Keras, SavedModel, streaming TF-Lite files, card, code for the callers."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from apps.speech_enhancement import evaluating, synthetic
from apps.speech_enhancement.mixing import mix, read
from apps.speech_enhancement.stream import HOP, RATE
from export.artifact import artifact
from export.contract import Signature, Tensor
from tfgen import catalog
from tfgen.restoration import EdgeSE

__all__ = ["export"]


def export(source: Path, out: Path, judge: Path | None = None, say: Callable[[str], None] = print) -> dict:
    """The card. `judge` holds folders clean and noisy: PESQ, STOI and SI-SDR of every file over them."""
    model = catalog.load(source)
    if not isinstance(model, EdgeSE):
        raise ValueError(f"{source} holds a {type(model).__name__}: this exports edge_se, `python -m export` others")
    hop = model.hop()
    size, bins = hop.state_size, f"{HOP} samples, 16 ms at {RATE} Hz"
    signature = Signature(
        hop.__call__,
        {
            "hop": Tensor((1, HOP), f"the next {bins}, from -1 to 1", "data", -1.0, 1.0),
            "strength": Tensor((1,), "1 for all of it; s lets noise fall by -20 log10(1 - s) dB", low=0.0, high=1.0),
            "state": Tensor((1, size), "what it remembers", "state"),
        },
        {
            "sound": Tensor((1, HOP), f"enhanced, {bins}: those of one hop before"),
            "voice": Tensor((1, 1), "how probable speech is, in the 32 ms that end with this hop", low=0.0, high=1.0),
            "next_state": Tensor((1, size), "what goes in as state at the next call"),
        },
        state={"state": "next_state"},
        reference=tf.function(hop.__call__, autograph=False),
    )
    noisy = mix(synthetic.voice(1.0, 0), synthetic.noise(1.0, 0), 5)
    hops = noisy[: len(noisy) // HOP * HOP].reshape(-1, 1, HOP)
    calls = [{"hop": samples, "strength": np.ones(1, np.float32)} for samples in hops]
    card_path = source / "card.json" if source.is_dir() else None
    run = json.loads(card_path.read_text()) if card_path and card_path.is_file() else {}
    kept = ("system", "paper", "configuration", "data", "settings", "epochs", "cpu_minutes")
    about = {key: run[key] for key in kept if key in run}
    return artifact(
        out,
        {"enhance": signature},
        {"enhance": calls},
        say=say,
        name="edge_se",
        model=model,
        formats=("float32", "dynamic"),
        quality=None if judge is None else _quality(judge, size),
        about={
            "title": "edge_se: speech out of noise, hop by hop",
            "what": f"{RATE} Hz, mono: {HOP} samples in, {HOP} samples out that are one hop late; 32 ms latency in all",
            "licence": "MIT",
            **about,
        },
    )


class _Net:
    """A file, or Keras, as a `Stream` takes it."""

    def __init__(self, run: Callable, size: int):
        self.run, self.size = run, size

    def start(self) -> np.ndarray:
        return np.zeros((1, self.size), np.float32)

    def __call__(self, hop, state, strength):
        out = self.run("enhance", hop=hop[None], strength=np.array([strength], np.float32), state=state)
        return out["sound"][0], float(out["voice"][0, 0]), out["next_state"]


def _quality(folder: Path, size: int) -> Callable:
    """PESQ-WB, STOI and SI-SDR, means over pairs."""
    pairs = [(read(clean), read(noisy)) for clean, noisy in evaluating.pairs(folder / "clean", folder / "noisy")]

    def quality(run: Callable) -> dict[str, float]:
        rows = []
        for clean, noisy in pairs:
            found = evaluating.scores(clean, evaluating.by_hops(_Net(run, size))(noisy), True)
            rows.append([found[key] for key in ("pesq", "stoi", "si_sdr")])
        return dict(zip(("pesq", "stoi", "si_sdr"), np.mean(rows, 0), strict=True))

    return quality
