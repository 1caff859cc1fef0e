"""TensorFlow Datasets by name, prepared or downloaded."""

import contextlib
import os
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen.checks import nearest
from tfgen.data.embedded import EMBEDDED
from tfgen.data.examples import Stream, Teller
from tfgen.data.folders import folder
from tfgen.data.tellers import choose
from tfgen.data.transforms import fit_image

__all__ = ["tfds_pictures", "tfds_set"]

BUFFER = 256 << 20  # bytes of encoded examples among which a stream shuffles


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
    condition: Sequence[str] = (),
) -> Stream:
    """The pictures of a TensorFlow Dataset, prepared in `data_dir` or downloaded to there; "labels" are its classes.

    data_dir: by default TFDS_DATA_DIR, or ~/tensorflow_datasets. Omniglot becomes 28x28 grey, ink high.
    """
    import tensorflow_datasets as tfds

    home, builder = _builder(name, data_dir, or_folder=True)
    if builder is None:
        return folder(name, split, size=size, channels=channels, condition=condition)
    features = builder.info.features if isinstance(builder.info.features, tfds.features.FeaturesDict) else {}
    pictures = [key for key, f in features.items() if isinstance(f, tfds.features.Image) and f.np_dtype == np.uint8]
    labels = [key for key, f in features.items() if isinstance(f, tfds.features.ClassLabel)]
    if not pictures:
        raise ValueError(f"{name} holds no pictures ({', '.join(features)}): take a set of pictures")
    builder, count = _prepared(name, home, builder, split)
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

    def read(_, record):
        pixels = fit_image(features[picture].decode_example(record["picture"]), shape[:2], shape[2])
        return 255 - pixels if omniglot else pixels

    wanted = {key: True for key in (picture, label) if key}
    decoders = tfds.decode.PartialDecoding(
        wanted, decoders={picture: tfds.decode.SkipDecoding()}
    )  # decoded after shuffling
    dataset = builder.as_dataset(
        split=split, shuffle_files=False, decoders=decoders, read_config=tfds.ReadConfig(try_autocache=False)
    )
    records = dataset.map(
        lambda e: {"picture": e[picture], "label": tf.cast(e[label], tf.int32) if label else 0}
    ).enumerate()
    known = {"labels": Teller(features[label].num_classes, lambda i, record, x: record["label"])} if label else {}
    each = builder.info.dataset_size / max(1, builder.info.splits.total_num_examples)
    buffer = max(1, min(count, int(BUFFER / max(1, each))))
    return Stream(records, read, shape, count, name, buffer, choose(condition, name, shape, known))


@_quiet()
def tfds_pictures(
    name: str, split: str = "train", *, data_dir: str | Path | None = None
) -> tuple[int, Iterator[np.ndarray]]:
    """How many, and the pictures of any size, uint8 [h, w, 3], one after another; of a set that has each twice, small
    and large ("lr" and "hr"), the large ones."""
    import tensorflow_datasets as tfds

    home, builder = _builder(name, data_dir)
    features = builder.info.features if isinstance(builder.info.features, tfds.features.FeaturesDict) else {}
    colour = [key for key, f in features.items() if isinstance(f, tfds.features.Image) and f.shape[-1] == 3]
    if not colour:
        raise ValueError(f"{name} holds no pictures in colour ({', '.join(features)}): take a set of pictures")
    key = next((key for key in ("hr", "image") if key in colour), colour[0])
    builder, count = _prepared(name, home, builder, split)
    dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=tfds.ReadConfig(try_autocache=False))
    return count, dataset.map(lambda example: example[key]).as_numpy_iterator()


def _builder(name: str, data_dir: str | Path | None, or_folder: bool = False):
    """Where sets are, and the builder of this one; None where there is none, and a folder is called so."""
    import tensorflow_datasets as tfds

    home = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    try:
        return home, tfds.builder(name, data_dir=home)
    except Exception:  # unknown names, versions and configurations come as five different types
        if or_folder and Path(name).is_dir():
            return home, None
        word = name.split("/")[0].split(":")[0]
        known = [*EMBEDDED, *tfds.list_builders(with_community_datasets=False)]
        if word in known:
            raise ValueError(
                f"{name!r}: {word} has no such version or configuration; {word!r} alone takes the newest"
            ) from None
        raise ValueError(
            f"no data set is called {name!r}, in {home} or elsewhere, and no folder is; nearest: {nearest(word, known)}"
        ) from None


def _prepared(name: str, home: Path, builder, split: str):
    """The builder, whose set is there now, and how many examples the split has."""
    if not builder.is_prepared():
        builder = _download(name, home)
    try:
        return builder, builder.info.splits[split].num_examples
    except (KeyError, ValueError):
        raise ValueError(
            f"split={split!r}: {name} has {', '.join(builder.info.splits)}, or a part such as 'train[:90%]'"
        ) from None


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
