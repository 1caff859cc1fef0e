"""A run: the folder of a model that is being trained, or was.

    model.keras   weights, optimizers and random state after the last whole epoch: training goes on from it, bit for bit
    card.json            what it is: system, configuration, data, counts, seed, versions, figures
    logs/                TensorBoard's, and history.json: every term of every epoch
    samples/             pictures; in stages/ the same noise, epoch by epoch
    analysis/            pictures of what the model has learnt
    conditions.npz       those of held-out examples, for a model that takes other than classes

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

_OURS = ("model.keras", "logs", "samples", "analysis", "export", "conditions.npz", "card.json")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the weights of a run. Another value of any of them is another run.

    Arguments:
        system: a name of the catalog.
        arguments: of its constructor, beside the shape.
        data, binarise, limit, size: as in `tfgen.data.load`; the train split.
        condition: what the model is told besides, by its names in `tfgen.data.load`.
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
    condition: tuple[str, ...] = ()
    labelled: int | None = None
    batch: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    decay: str = "none"
    seed: int = 0
    precision: str = "float32"
    xla: bool = False

    @classmethod
    def from_json(cls, values: dict) -> "Settings":
        size, condition = values.get("size"), tuple(values.get("condition") or ())
        return cls(**{**values, "size": tuple(size) if size else None, "condition": condition})


def plain(settings) -> dict:
    """A dict or a dataclass as the card keeps it."""
    values = dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else dict(settings or {})
    try:
        return json.loads(json.dumps(values))
    except TypeError as error:
        raise ValueError(f"settings that a card cannot keep ({error}): give numbers, texts, lists and dicts") from None


class Run:
    """The folder, by its path."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.model_path, self.card_path = self.folder / "model.keras", self.folder / "card.json"
        self.logs, self.samples = self.folder / "logs", self.folder / "samples"
        self.stages, self.analysis = self.samples / "stages", self.folder / "analysis"
        self.history_path, self.conditions_path = self.logs / "history.json", self.folder / "conditions.npz"
        self._held = False

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
            card = json.loads(self.card_path.read_text())
            if not isinstance(card, dict):
                raise ValueError(
                    f"{self.card_path} is no card ({str(card)[:40]}): repair it, or train anew with --fresh"
                )
            return card
        except FileNotFoundError:
            return {}
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.card_path} is not JSON ({error}): repair it, or train anew with --fresh") from None

    def settings(self) -> Settings:
        try:
            return Settings.from_json(self._settings())
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{self.card_path} has no settings of `python -m tfgen train` ({error}): it is no run, one of another "
                "program, or of another version"
            ) from None

    def _settings(self) -> dict:
        settings = dict(self.card()["settings"])
        if "labels" in settings:  # as cards said it before there were other conditions
            settings["condition"] = ["labels"] if settings.pop("labels") else []
        return settings

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

    def minutes(self) -> dict[str, float | None]:
        """Of training: by the clock, and of the process and its threads (None where an epoch was not measured so)."""
        wall, cpu = ([epoch.get(name) for epoch in self.history()] for name in ("seconds", "cpu_seconds"))
        return {"minutes": round(sum(wall) / 60, 3), "cpu_minutes": None if None in cpu else round(sum(cpu) / 60, 3)}

    def write_conditions(self, conditions) -> None:
        """Those of the first examples, one tensor or a dict of them, to draw with."""
        if conditions is None:
            return remove(self.conditions_path)
        import numpy as np

        with whole(self.conditions_path) as partial:
            np.savez_compressed(partial, **(conditions if isinstance(conditions, dict) else {"": conditions}))

    def conditions(self, model, n: int):
        """n conditions to draw with: every class in turn; else those of held-out examples (`card()["conditions"]`)."""
        import numpy as np

        from tfgen.condition import in_turn

        given = None
        if model.condition is not None and self.conditions_path.is_file():
            with np.load(self.conditions_path) as parts:
                given = dict(parts) if isinstance(model.condition, dict) else parts[""]
        return in_turn(model.condition, n, given)

    def span(self) -> tuple[float, float] | None:
        """Of real values, what is black and what is white in its pictures."""
        span = self.card().get("span")
        return tuple(span) if span else None

    # -- who writes ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The folder, made where it is not there, for this process alone; what others left half-written is removed.
        A folder that is no run afterwards is left as it was."""
        if self._held:
            yield
            return
        made = [p for p in (self.folder, *self.folder.parents) if not p.exists()]
        with self._lock():
            self._held = True
            try:
                if self.card_path.is_file():
                    clear_partial(self.folder)
                yield
            finally:
                self._held = False
                if not self.card_path.exists():
                    (self.folder / ".lock").unlink(missing_ok=True)
                    with contextlib.suppress(OSError):  # something else has come into it
                        for folder in made:
                            folder.rmdir()

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        path = self.folder / ".lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = open(path, "a+")  # noqa: SIM115
        except OSError as error:
            raise ValueError(
                f"{self.folder} cannot be written ({error.strerror}): give another folder with --out"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.path.samestat(os.fstat(lock.fileno()), os.stat(path)):
                    raise OSError  # who held it has just removed it, and another may have made it anew
            except OSError:
                lock.seek(0)
                raise ValueError(
                    f"{self.folder} is in use by process {lock.read() or '?'}: wait for it, or give another folder "
                    "with --out"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def check(self, settings: dict, fresh: bool = False) -> None:
        """One line where the folder holds something else, or a run of other settings that is not to be forgotten."""
        if self.is_foreign():
            raise ValueError(f"{self.folder} holds files and is no run: give another folder with --out")
        if fresh or not self.model_path.exists():
            return
        changes = _changes(self._settings() if "settings" in self.card() else {}, settings)
        if changes:
            raise ValueError(
                f"{self.folder} was trained with other settings ({'; '.join(changes)}): give another folder with "
                "--out, or --fresh to begin anew"
            )

    def is_foreign(self) -> bool:
        """Whether it holds files, and no run."""
        ours = (".lock", ".card.partial-")
        return (
            self.folder.is_dir()
            and not self.card_path.exists()
            and any(not p.name.startswith(ours) for p in self.folder.iterdir())
        )

    def clear(self) -> None:
        """Forgets the run: the model first, so that nothing is taken for the start of another, and the card, which
        makes it a run, last."""
        for name in _OURS:
            remove(self.folder / name)


def _changes(old: dict, new: dict) -> list[str]:
    """What differs, for people. More epochs continue a run, unless the learning rate decays over them."""
    may = ["epochs"] if old.get("decay", "none") == new.get("decay", "none") == "none" else []
    names = [name for name in {**old, **new} if name not in may and old.get(name) != new.get(name)]
    return [f"{name} {old.get(name)!r} → {new.get(name)!r}" for name in names]


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
