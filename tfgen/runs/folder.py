"""A run: the folder of a model that is being trained, or was.

    model.keras   weights, optimizers and random state after the last whole epoch: training goes on from it, bit for bit
    card.json            what it is: system, configuration, data, counts, seed, versions, figures
    logs/                TensorBoard's, and history.json: every term of every epoch
    samples/             pictures; in stages/ the same noise, epoch by epoch
    analysis/            pictures of what the model has learnt

`model.keras` alone says how far a run is: its random state counts the steps. The history is written before it, and cut
back to it on resuming;
TensorBoard may show the points of an epoch that was trained twice, which are the same. One process at a time may write,
by a lock that ends with the process.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from tfgen.files import clear_partial, remove, whole

__all__ = ["Run", "Settings"]

_OURS = ("model.keras", "logs", "samples", "analysis", "export", "card.json")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the weights of a run. Another value of any of them is another run.

    Arguments:
        system: a name of the catalog.
        arguments: of its constructor, beside the shape.
        data, binarise, limit, size: as in `tfgen.data.load`; the train split.
        labels: the model is told the labels, too.
        labelled: how many examples keep theirs, as in `tfgen.data.with_few_labels`.
        batch, epochs: by default those of the catalog's row.
        learning_rate: of the first player, which leads the others; by default the system's.
        decay: "none", or "cosine" or "linear" down to zero over the epochs.
        seed: of the weights, the order of the data, every draw.
        precision: Keras's name of a dtype policy.
        xla: the training step is compiled, and draws other numbers.
    """

    system: str
    arguments: dict = dataclasses.field(default_factory=dict)
    data: str = "digits"
    binarise: str = "epoch"
    limit: int | None = None
    size: tuple[int, int] | None = None
    labels: bool = False
    labelled: int | None = None
    batch: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    decay: str = "none"
    seed: int = 0
    precision: str = "float32"
    xla: bool = False

    def to_json(self) -> dict:
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_json(cls, values: dict) -> "Settings":
        return cls(**{**values, "size": tuple(values["size"]) if values.get("size") else None})

    def changes(self, other: "Settings") -> list[str]:
        """What differs, for people. More epochs continue a run, unless the learning rate decays over them."""
        ours, theirs = self.to_json(), other.to_json()
        if self.decay == other.decay == "none":
            ours.pop("epochs"), theirs.pop("epochs")
        return [f"{name} {theirs[name]!r} → {ours[name]!r}" for name in ours if ours[name] != theirs[name]]


class Run:
    """The folder, by its path."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.model_path, self.card_path = self.folder / "model.keras", self.folder / "card.json"
        self.logs, self.samples = self.folder / "logs", self.folder / "samples"
        self.stages, self.analysis = self.samples / "stages", self.folder / "analysis"
        self.history_path = self.logs / "history.json"

    # -- what it holds -------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """One that is there, with a model."""
        run = cls(folder)
        if not run.card_path.is_file():
            raise ValueError(
                f"{folder} is no run (it holds no card.json): give a folder that `python -m tfgen train` made"
            )
        if not run.model_path.is_file():
            raise ValueError(
                f"{folder} holds no model yet, for its first epoch was not finished: train it with the same command "
                "as before"
            )
        return run

    def card(self) -> dict:
        try:
            return json.loads(self.card_path.read_text())
        except FileNotFoundError:
            return {}
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.card_path} is not JSON ({error}): repair it, or train anew with --fresh") from None

    def settings(self) -> Settings:
        try:
            return Settings.from_json(self.card()["settings"])
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{self.card_path} says nothing of a run's settings ({error}): it is no run, or of another version"
            ) from None

    def write_card(self, **parts) -> None:
        """Adds to the card, or replaces parts of it."""
        with whole(self.card_path) as partial:
            partial.write_text(json.dumps({**self.card(), **parts}, indent=1, ensure_ascii=False) + "\n")

    def history(self) -> list[dict[str, float]]:
        """Empty where the logs were removed: they are for looking."""
        try:
            return json.loads(self.history_path.read_text())
        except (FileNotFoundError, ValueError):
            return []

    def write_history(self, epochs: list[dict[str, float]]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with whole(self.history_path) as partial:
            partial.write_text(json.dumps(epochs))

    def minutes(self) -> float:
        """Of training."""
        return round(sum(epoch["seconds"] for epoch in self.history()) / 60, 3)

    # -- who writes ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The folder, made where it is not there, for this process alone; what others left half-written is removed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = open(self.folder / ".lock", "a+")  # noqa: SIM115
        except OSError as error:
            raise ValueError(
                f"{self.folder} cannot be written ({error.strerror}): give another folder with --out"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise ValueError(
                    f"{self.folder} is in use by process {lock.read() or '?'}: wait for it, or give another folder "
                    "with --out"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            if self.card_path.is_file():
                clear_partial(self.folder)
            yield

    def is_foreign(self) -> bool:
        """Whether it holds files, and no run."""
        return not self.card_path.exists() and any(
            not p.name.startswith((".lock", ".card.partial-")) for p in self.folder.iterdir()
        )

    def clear(self) -> None:
        """Forgets the run: the model first, so that nothing is taken for the start of another, and the card, which
        makes it a run, last."""
        for name in _OURS:
            remove(self.folder / name)


def versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    import tfgen

    return {
        "tfgen": tfgen.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
    }


def hardware() -> str:
    """The devices that TensorFlow computes on."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"{cores} CPU core{'s' * (cores > 1)}"
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return names[0] if len(names) == 1 else f"{len(names)} x {names[0]}"
