"""Where examples come from: embedded sets, TensorFlow Datasets, a folder of pictures. Bytes are uint8, real numbers
float32."""

import contextlib
import hashlib
import os
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgen.checks import nearest
from tfgen.data import worlds
from tfgen.data.transforms import fit_image
from tfgen.door import our_line
from tfgen.progress import progress

__all__ = [
    "MEMORY",
    "MIXTURES",
    "Examples",
    "Mixture",
    "Stream",
    "digits",
    "folder",
    "grid",
    "open_source",
    "ring",
    "tfds_set",
    "with_few_labels",
]

MEMORY = 2 << 30  # bytes of decoded examples that are held in memory; larger sets stream
PARALLEL = os.cpu_count()  # of the maps
BUFFER = 256 << 20  # bytes of encoded examples among which a stream shuffles
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


@dataclass(frozen=True)
class Examples:
    """Examples in memory. x: uint8 (bytes) or float32 (real numbers) [n, *shape]; labels: int [n] or None, below
    `classes`."""

    x: np.ndarray
    labels: np.ndarray | None = None
    classes: int | None = None
    name: str = "these examples"

    def __post_init__(self):
        if not isinstance(self.x, np.ndarray) or self.x.dtype not in (np.uint8, np.float32) or not len(self.x):
            raise ValueError(
                f"{self.name}: expected a numpy array of at least one example, of uint8 (0..255) or float32"
            )
        labels = np.zeros(len(self.x), int) if self.labels is None else np.asarray(self.labels)
        if (self.labels is None) != (self.classes is None) or labels.shape != (len(self.x),):
            raise ValueError(
                f"{self.name}: labels and classes go together, one label for each of the {len(self.x)} examples"
            )
        if self.classes is not None and not 0 <= labels.min() <= labels.max() < self.classes:
            raise ValueError(
                f"{self.name}: labels from {labels.min()} to {labels.max()} came for {self.classes} classes; expected "
                "0 to classes - 1"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.x.shape[1:]

    @property
    def count(self) -> int:
        return len(self.x)

    @property
    def real(self) -> bool:
        return self.x.dtype == np.float32

    def first(self, n: int) -> "Examples":
        return replace(self, x=self.x[:n], labels=None if self.labels is None else self.labels[:n])

    def blocks(self, size: int) -> Callable[[tf.Tensor | None], tf.data.Dataset]:
        """A function of a seed (None: in their own order) that gives a dataset of (x [size, *shape], labels [size])."""
        with tf.device("cpu"):
            x = tf.constant(self.x)
            labels = tf.zeros(self.count, tf.int32) if self.labels is None else tf.constant(self.labels, tf.int32)

        def ordered(seed):
            order = tf.range(self.count)
            if seed is not None:
                order = tf.random.experimental.stateless_shuffle(order, seed, alg="philox")
            batches = tf.data.Dataset.from_tensor_slices(order).batch(size)
            return batches.map(lambda i: (tf.gather(x, i), tf.gather(labels, i)), PARALLEL)

        return ordered


@dataclass(frozen=True)
class Stream:
    """Examples too many for memory: small `records` (index, record, label) in a fixed order, and how a record becomes
    x, uint8."""

    records: tf.data.Dataset
    read: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (index, record) → uint8 [*shape]
    shape: tuple[int, ...]
    count: int
    classes: int | None
    name: str
    buffer: int  # records among which a pass shuffles
    real = False

    def first(self, n: int) -> "Stream":
        return replace(self, records=self.records.take(n), count=min(n, self.count))

    def blocks(self, size: int) -> Callable[[tf.Tensor | None], tf.data.Dataset]:
        """As those of Examples."""

        def ordered(seed):
            records = self.records
            if seed is not None:
                tf.random.set_seed(1)  # of the graph being traced: else the order would depend on the global seed, too
                records = records.shuffle(self.buffer, tf.cast(seed[0], tf.int64), reshuffle_each_iteration=False)
            return records.map(lambda i, record, label: (self.read(i, record), label), PARALLEL).batch(size)

        return ordered

    def load(self) -> Examples:
        """All of it in memory."""
        x, labels = np.empty((self.count, *self.shape), np.uint8), np.empty(self.count, np.int32)
        done, blocks = 0, self.blocks(256)(None).as_numpy_iterator()
        try:
            for part, part_labels in progress(blocks, -(-self.count // 256), f"{self.name}, blocks of 256"):
                x[done : done + len(part)], labels[done : done + len(part)] = part, part_labels
                done += len(part)
        except tf.errors.InvalidArgumentError as error:
            raise our_line(error) or error from None
        return Examples(x, None if self.classes is None else labels, self.classes, self.name)


def with_few_labels(source: Examples | Stream, labelled: int | None = None) -> Examples:
    """For learning from few labels: each example once without its label (which is then `classes`, one class more), and
    about as often with it.

    labelled: only the first so many examples, the same number of each class, have a label, and come again and again;
        None: all have.
    """
    source = source.load() if isinstance(source, Stream) else source
    if source.classes is None:
        raise ValueError(f"labelled={labelled}: {source.name} has no labels")
    each = labelled // source.classes if labelled else source.count
    if labelled is not None and (labelled % source.classes or labelled < 1):
        raise ValueError(f"labelled={labelled}: expected a multiple of the {source.classes} classes of {source.name}")
    known = np.sort(np.concatenate([np.flatnonzero(source.labels == c)[:each] for c in range(source.classes)]))
    if labelled is not None and len(known) < labelled:
        raise ValueError(f"labelled={labelled}: {source.name} has a class of fewer than {each} examples; ask for fewer")
    again = np.tile(known, max(1, source.count // len(known)))
    labels = np.concatenate([np.full(source.count, source.classes, np.int32), source.labels[again].astype(np.int32)])
    return replace(source, x=np.concatenate([source.x, source.x[again]]), labels=labels, classes=source.classes + 1)


# -- embedded sets -----------------------------------------------------------------------------------------------------
# RandomState, because NumPy promises that its streams never change: these sets are the same everywhere, for ever.


def _train_or_test(name: str | Path, split: str) -> None:
    if split not in ("train", "test"):
        raise ValueError(f"split={split!r}: {name} has train and test")


def digits(split: str = "train") -> Examples:
    """scikit-learn's 1797 digits: uint8 [n, 8, 8, 1], 10 classes; 1437 to train, 360 to test."""
    from sklearn.datasets import load_digits

    _train_or_test("digits", split)
    data = load_digits()
    x = np.round(data.images[..., None] * (255 / 16)).astype(np.uint8)
    order = np.random.RandomState(0).permutation(len(x))
    order = order[:1437] if split == "train" else order[1437:]
    return Examples(x[order], data.target[order].astype(np.int32), 10, "digits")


class Mixture(NamedTuple):
    """Equal Gaussians in the plane: centres [modes, 2], and the standard deviation of each."""

    centres: np.ndarray
    sd: float

    def draw(self, n: int, seed: int, name: str) -> Examples:
        random = np.random.RandomState(seed)
        labels = random.randint(len(self.centres), size=n).astype(np.int32)
        return Examples(
            (self.centres[labels] + self.sd * random.randn(n, 2)).astype(np.float32), labels, len(self.centres), name
        )


_ANGLES, _SIDE = 2 * np.pi * np.arange(8) / 8, np.arange(-4, 5, 2)
MIXTURES = {
    "ring": Mixture(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1), 0.01),
    "grid": Mixture(np.stack(np.meshgrid(_SIDE, _SIDE), -1).reshape(-1, 2), 0.05),
}


def ring(n: int = 100_000, seed: int = 0) -> Examples:
    """Eight Gaussians of sd 0.01 on the unit circle, float32 [n, 2]; the label is the mode (PacGAN, Lin et al. 2018,
    section 4.1)."""
    return MIXTURES["ring"].draw(n, seed, "ring")


def grid(n: int = 100_000, seed: int = 0) -> Examples:
    """25 Gaussians of sd 0.05 at {-4, -2, 0, 2, 4}^2, float32 [n, 2]; the label is the mode (the same protocol)."""
    return MIXTURES["grid"].draw(n, seed, "grid")


def _world(world: worlds.World, shape: tuple[int, ...], n: int, seed: int, name: str) -> Examples:
    return Examples((255 * world.sample(n, seed)).astype(np.uint8).reshape(n, *shape), name=name)


_DRAWS = {"train": (100_000, 0), "test": (10_000, 1)}  # how many, and the seed, of the sets that are drawn
_EMBEDDED = {
    "digits": digits,
    "ring": lambda split: ring(*_DRAWS[split]),
    "grid": lambda split: grid(*_DRAWS[split]),
    "bars": lambda split: _world(worlds.bars(4), (4, 4, 1), *_DRAWS[split], "bars"),
    "ising": lambda split: _world(worlds.ising(4, 4), (4, 4, 1), *_DRAWS[split], "ising"),
}


# -- a folder of pictures ----------------------------------------------------------------------------------------------


def folder(
    path: str | Path, split: str = "train", *, size: tuple[int, int] | None = None, channels: int | None = None
) -> Stream:
    """The pictures of a folder; its sub-folders, where there are any, are the classes.

    One file in ten, chosen by a hash of its name within the folder, is for testing: adding files moves none of the
        others.
    size: (height, width), by default that of the first picture, which all must have then. channels: 1 or 3.
    """
    from PIL import Image, ImageOps

    root = Path(path).expanduser()
    _train_or_test(root, split)
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder: say where the pictures are")
    names = [f.relative_to(root) for f in root.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file()]
    names = [f.as_posix() for f in names if not any(part.startswith(".") for part in f.parts)]
    if not names:
        raise ValueError(f"{root} holds no pictures: put files that end in {', '.join(SUFFIXES)} there")
    classes = sorted({name.split("/")[0] for name in names if "/" in name})
    if classes and any("/" not in name for name in names):
        raise ValueError(
            f"{root} holds pictures beside sub-folders of pictures: put all of them in sub-folders (the classes), or "
            "none"
        )
    hashes = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) for name in names}
    names = sorted((n for n in names if (hashes[n] % 10 == 0) == (split == "test")), key=lambda n: (hashes[n], n))
    if not names:
        raise ValueError(f"{root} has too few pictures ({len(hashes)}) to have any in its {split} split: add some")

    def open_picture(name: str, mode: str | None) -> np.ndarray:
        try:
            with Image.open(root / name) as picture:
                picture = ImageOps.exif_transpose(picture)
                pixels = np.asarray(picture.convert(mode or ("L" if picture.mode in ("1", "L") else "RGB")))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
            raise ValueError(
                f"[tfgen] {root / name} cannot be read as a picture ({reason}): repair or remove it"
            ) from None
        return pixels if pixels.ndim == 3 else pixels[..., None]

    if size is None or channels is None:
        try:
            first = open_picture(names[0], {1: "L", 3: "RGB", None: None}[channels])
        except ValueError as error:
            raise ValueError(str(error).removeprefix("[tfgen] ")) from None
    target, depth = tuple(size or first.shape[:2]), channels or first.shape[-1]

    def pixels_of(name: bytes) -> np.ndarray:
        pixels = open_picture(name.decode(), "L" if depth == 1 else "RGB")
        if size is None and pixels.shape[:2] != target:
            raise ValueError(
                f"[tfgen] {root / name.decode()} is {pixels.shape[:2]} and {names[0]} is {target}: say size=(height, "
                "width)"
            )
        return pixels

    def read(_, name):
        pixels = tf.numpy_function(pixels_of, [name], tf.uint8)
        pixels.set_shape((None, None, depth))
        return fit_image(pixels, target, depth)

    labels = np.array([classes.index(name.split("/")[0]) if classes else 0 for name in names], np.int32)
    records = tf.data.Dataset.from_tensor_slices((np.arange(len(names)), names, labels))
    return Stream(records, read, (*target, depth), len(names), len(classes) or None, str(root), len(names))


# -- TensorFlow Datasets -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _quiet():
    """tfds warns of sets that are not there yet, through absl."""
    from absl import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


@_quiet()
def tfds_set(
    name: str,
    split: str = "train",
    *,
    data_dir: str | Path | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> Stream:
    """The pictures (and class labels) of a TensorFlow Dataset, prepared in `data_dir` or downloaded to there.

    data_dir: by default TFDS_DATA_DIR, or ~/tensorflow_datasets. Omniglot becomes 28x28 grey, ink high.
    """
    import tensorflow_datasets as tfds

    home = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    try:
        builder = tfds.builder(name, data_dir=home)
    except Exception:  # unknown names, versions and configurations come as five different types
        if Path(name).is_dir():
            return folder(name, split, size=size, channels=channels)
        word = name.split("/")[0].split(":")[0]
        known = [*_EMBEDDED, *tfds.list_builders(with_community_datasets=False)]
        if word in known:
            raise ValueError(
                f"{name!r}: {word} has no such version or configuration; {word!r} alone takes the newest"
            ) from None
        raise ValueError(
            f"no data set is called {name!r}, in {home} or elsewhere, and no folder is; nearest: {nearest(word, known)}"
        ) from None
    features = builder.info.features if isinstance(builder.info.features, tfds.features.FeaturesDict) else {}
    pictures = [key for key, f in features.items() if isinstance(f, tfds.features.Image) and f.np_dtype == np.uint8]
    labels = [key for key, f in features.items() if isinstance(f, tfds.features.ClassLabel)]
    if not pictures:
        raise ValueError(f"{name} holds no pictures ({', '.join(features)}): take a set of pictures")
    if not builder.is_prepared():
        builder = _download(name, home)
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError):
        raise ValueError(
            f"split={split!r}: {name} has {', '.join(builder.info.splits)}, or a part such as 'train[:90%]'"
        ) from None
    picture = "image" if "image" in pictures else pictures[0]
    label = "label" if "label" in labels else next(iter(labels), None)
    omniglot = builder.name == "omniglot"
    size, channels = (
        ((28, 28) if omniglot and size is None else size),
        (1 if omniglot and channels is None else channels),
    )
    shape = (*(size or features[picture].shape[:2]), channels or features[picture].shape[2])
    if None in shape:
        raise ValueError(f"the pictures of {name} have various sizes: say size=(height, width)")

    def read(_, encoded):
        pixels = fit_image(features[picture].decode_example(encoded), shape[:2], shape[2])
        return 255 - pixels if omniglot else pixels

    wanted = {key: True for key in (picture, label) if key}
    decoders = tfds.decode.PartialDecoding(
        wanted, decoders={picture: tfds.decode.SkipDecoding()}
    )  # decoded after shuffling
    dataset = builder.as_dataset(
        split=split, shuffle_files=False, decoders=decoders, read_config=tfds.ReadConfig(try_autocache=False)
    )
    records = dataset.enumerate().map(lambda i, e: (i, e[picture], tf.cast(e[label], tf.int32) if label else 0))
    each = builder.info.dataset_size / max(1, builder.info.splits.total_num_examples)
    buffer = max(1, min(count, int(BUFFER / max(1, each))))
    return Stream(records, read, shape, count, features[label].num_classes if label else None, name, buffer)


def _download(name: str, home: Path):
    """The builder of a set, prepared beside `home` and then moved there in one step, so that nothing half-written is
    ever left."""
    import tensorflow_datasets as tfds

    try:
        staging = Path(tempfile.mkdtemp(prefix=".tfds-", dir=next(p for p in (home, *home.parents) if p.is_dir())))
        try:
            builder = tfds.builder(name, data_dir=staging)
            _reach(next(iter(builder.url_infos or ()), None))
            config = tfds.download.DownloadConfig(manual_dir=home / "downloads" / "manual")
            builder.download_and_prepare(download_dir=staging / "downloads", download_config=config)
            target = home / Path(builder.data_path).relative_to(staging)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():  # another process may have been faster
                os.rename(builder.data_path, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except Exception as error:  # whatever the network, the disk or the builder of the set brings forth
        raise ValueError(
            f"{name} is not prepared in {home} and cannot be downloaded ({_line(error)}): "
            "say where it is by data_dir= (--data-dir) or TFDS_DATA_DIR, or try where there is a network"
        ) from error
    return tfds.builder(name, data_dir=home)


def _reach(url: str | None) -> None:
    """An OSError within seconds where there is no network: tfds itself retries for minutes."""
    if url and url.startswith("http"):
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except urllib.error.HTTPError:
            pass
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ssl.SSLError):
                raise


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


# -- one door ----------------------------------------------------------------------------------------------------------


def open_source(
    name: str | Path | Examples | Stream,
    split: str = "train",
    *,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    memory: int = MEMORY,
) -> Examples | Stream:
    """The examples that a name means; in memory where they take no more than `memory` bytes. Arguments as those of
    `load`."""
    if channels not in (None, 1, 3):
        raise ValueError(f"channels={channels!r}: expected 1 (grey) or 3 (colour)")
    if size is not None and (np.shape(size) != (2,) or min(size) < 1):
        raise ValueError(f"size={size!r}: expected (height, width), such as (64, 64)")
    size = None if size is None else tuple(map(int, size))
    if limit is not None and (not isinstance(limit, (int, np.integer)) or limit < 1):
        raise ValueError(f"limit={limit!r}: expected a whole number of at least 1, or None for all examples")
    path = isinstance(name, Path) or (isinstance(name, str) and name.startswith(("/", "./", "../", "~")))
    if not path and not isinstance(name, (str, Examples, Stream)):
        raise ValueError(
            f"{type(name).__name__} came for the name of a data set: give a name, a folder, or tfgen.data.Examples(x, "
            "labels, classes)"
        )
    if path:
        source = folder(name, split, size=size, channels=channels)
    elif isinstance(name, str) and name not in _EMBEDDED:
        source = tfds_set(name, split, data_dir=data_dir, size=size, channels=channels)
    else:
        if isinstance(name, str):
            _train_or_test(name, split)
        source = _EMBEDDED[name](split) if isinstance(name, str) else name
        if size is not None or channels is not None:
            raise ValueError(
                f"{source.name} has the shape {source.shape}: size and channels are for folders and TensorFlow Datasets"
            )
    source = source if limit is None else source.first(limit)
    if isinstance(source, Stream) and source.count * int(np.prod(source.shape)) <= memory:
        source = source.load()
    return source
