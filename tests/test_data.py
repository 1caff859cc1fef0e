"""Data: an epoch is a pure function of (seed, epoch); transformations and tiny worlds are held against independent
sums."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgen import data
from tfgen.data import tfds as tfds_module


def passes(dataset, n):
    return [[tuple(np.asarray(part) for part in tf.nest.flatten(batch)) for batch in dataset] for _ in range(n)]


def joined(one_pass):
    return tuple(np.concatenate(parts) for parts in zip(*one_pass, strict=True))


def equal(a, b):
    return len(a) == len(b) and all(
        np.array_equal(p, q) for x, y in zip(a, b, strict=True) for p, q in zip(x, y, strict=True)
    )


def tagged(n=600, shape=(6, 6, 1), grey=None):
    """Examples whose label says which they are."""
    x = np.random.RandomState(0).randint(0, 256, (n, *shape)) if grey is None else np.full((n, *shape), grey)
    return data.Examples(x.astype(np.uint8), np.arange(n), n)


@pytest.fixture(scope="module")
def tiny_tfds(tmp_path_factory):
    """A prepared TensorFlow Dataset of our own, and a small "omniglot" in the shape of the real one."""
    tfds = pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("importlib_resources", reason="tensorflow_datasets needs it to write, and does not require it")
    root = tmp_path_factory.mktemp("tfds")

    def store(name, version, shape, images):
        features = {
            "image": tfds.features.Image(shape=shape),
            "label": tfds.features.ClassLabel(num_classes=len(images)),
        }
        splits = {
            s: tf.data.Dataset.from_tensor_slices({"image": images, "label": np.arange(len(images))})
            for s in ("train", "test")
        }
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version=version,
            features=tfds.features.FeaturesDict(features),
            split_datasets=splits,
            data_dir=root,
        )

    store("tiny_set", "1.0.0", (6, 6, 1), tagged(60).x)
    drawing = np.full((3, 105, 105, 3), 255, np.uint8)
    drawing[1, :, :52] = 0  # ink is 0 there
    store("omniglot", "3.0.0", (105, 105, 3), drawing)
    return root


@pytest.fixture
def pictures(tmp_path):
    """Two classes of twenty pictures whose grey value tells them apart."""
    for i, kind in enumerate(("cats", "dogs")):
        (tmp_path / kind).mkdir()
        for j in range(20):
            Image.fromarray(np.full((12, 16, 3), 100 * i + 5 * j, np.uint8)).save(
                tmp_path / kind / f"{j}.{('png', 'bmp')[j % 2]}"
            )
    return tmp_path


# -- the order and the draws of an epoch
# ---------------------------------------------------------------------------------


BINARY, FIXED = {"values": "binary"}, {"values": "binary", "binarise": "fixed"}


@pytest.mark.parametrize(
    "kind, options",
    [
        *[("memory", options) for options in ({}, BINARY, FIXED, {"dequantise": True})],
        *[("tfds", {}), ("tfds", BINARY), ("folder", {}), ("folder", FIXED)],
    ],
    ids=str,
)
def test_an_epoch_can_be_entered(kind, options, request):
    where = {
        "memory": lambda: tagged(60),
        "tfds": lambda: "tiny_set",
        "folder": lambda: request.getfixturevalue("pictures"),
    }[kind]()
    rest = (
        {}
        if kind == "memory"
        else {"memory": 0, "data_dir": request.getfixturevalue("tiny_tfds") if kind == "tfds" else None}
    )

    def load():
        told = {} if kind == "memory" else {"condition": "labels"}
        return data.load(where, batch=7, seed=3, **told, **options, **rest)

    whole = passes(load(), 4)
    assert not equal(whole[0], whole[1]) and not equal(whole[2], whole[3])
    tf.keras.utils.set_random_seed(5)  # a resumed run may have another global seed
    late = load()
    late.epochs.next = 3
    assert equal(passes(late, 1)[0], whole[3])
    assert late.epochs.next == 4


def test_an_epoch_holds_every_example_once():
    for labels in (joined(p)[1] for p in passes(data.load(tagged(), drop_remainder=False), 2)):
        assert sorted(labels) == list(range(600)) and list(labels) != sorted(labels)


def test_another_seed_is_another_order():
    first, second = (joined(passes(data.load(tagged(), seed=s), 1)[0])[1] for s in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_batch_size_changes_no_draw(split):
    source = tagged(3000, (40, 40, 1))  # several blocks of draws
    first, second = (
        joined(passes(data.load(source, split, values="binary", batch=b, limit=2400), 1)[0])[0] for b in (100, 48)
    )
    assert np.array_equal(first, second)


def test_evaluation_is_the_same_in_every_pass():
    one, two = passes(data.load(tagged(), "test", values="binary"), 2)
    assert equal(one, two) and list(joined(one)[1]) == list(range(600))
    assert not equal(one, passes(data.load(tagged(), "test", values="binary", seed=1), 1)[0])


def test_attributes_and_sizes():
    dataset = data.load("digits", batch=100, values="signed", condition="labels")
    assert (dataset.shape, dataset.condition, dataset.examples, dataset.values) == ((8, 8, 1), 10, 1437, "signed")
    assert dataset.element_spec[0].shape == (100, 8, 8, 1) and dataset.element_spec[1].dtype == tf.int32
    assert int(dataset.cardinality()) == 14 == len(passes(dataset, 1)[0])
    assert [len(x) for x in data.load("digits", "test", batch=100)] == [100, 100, 100, 60]
    assert data.load("ring", values="real", limit=50, batch=50, condition="labels").condition == 8
    assert data.load("bars", values="binary", limit=50, batch=50).condition is None


def test_arrays_are_in_order():
    source = tagged()
    x, labels = data.arrays(source, values="bytes")
    assert np.array_equal(x, source.x) and np.array_equal(labels, source.condition)
    assert len(data.arrays(source, limit=5)[0]) == 5


# -- transformations
# -----------------------------------------------------------------------------------------------------


def by_label(one_pass):
    x, labels = joined(one_pass)
    return x[np.argsort(labels)]


def test_binarisation_fixed_and_afresh():
    source, p = tagged(1500, (28, 28, 1), grey=64), 64 / 255  # two blocks of draws
    bound = 5 * math.sqrt(p * (1 - p) / (1500 * 784))  # five standard deviations
    fixed = [by_label(e) for e in passes(data.load(source, values="binary", binarise="fixed"), 2)]
    assert np.array_equal(*fixed) and np.array_equal(
        fixed[0], data.arrays(source, values="binary", binarise="fixed")[0]
    )
    both = passes(data.load(source, values="binary"), 2)
    assert not np.array_equal(
        joined(both[0])[0], joined(both[1])[0]
    )  # all are one grey: the order alone would change nothing
    fresh = [by_label(e) for e in both]
    assert abs((fresh[0] == fresh[1]).mean() - (p**2 + (1 - p) ** 2)) < 2 * bound  # independent of each other
    for x in (fixed[0], *fresh):
        assert set(np.unique(x)) == {0.0, 1.0} and abs(x.mean() - p) < bound
        assert len(np.unique(x.reshape(1500, -1), axis=0)) == 1500  # no two examples share their draws
    assert not data.arrays(source, values="binary", binarise="threshold")[0].any()


def test_fixed_binarisation_of_a_stream(pictures):
    dataset = data.load(pictures, values="binary", binarise="fixed", memory=0, batch=1, limit=20)
    one, two = (np.sort(joined(e)[0].reshape(20, -1).sum(1)) for e in passes(dataset, 2))
    assert np.array_equal(one, two) and np.array_equal(
        one,
        np.sort(data.arrays(pictures, values="binary", binarise="fixed", memory=0, limit=20).reshape(20, -1).sum(1)),
    )


def test_dequantisation_inverts_and_stays_inside():
    x = np.tile(np.arange(256, dtype=np.uint8), 4000)
    y = data.dequantise(x, 0).numpy()
    assert y.dtype == np.float32 and y.min() > 0 and y.max() < 1 and np.array_equal(np.floor(y * 256), x)
    u = y.astype(np.float64) * 256 - x
    assert abs(u.mean() - 0.5) < 5 / math.sqrt(12 * len(x)) and abs(u.var() - 1 / 12) < 5e-4
    assert np.array_equal(y, data.dequantise(x, 0)) and not np.array_equal(y, data.dequantise(x, 1))


def test_dequantisation_constant():
    """log P(bytes) >= E log p(y) - d log 256; equality where p is flat; and the mean of p / 256^d is P itself."""
    constant = data.dequantisation_nats((1,))
    assert data.dequantisation_nats((3, 4)) == pytest.approx(12 * math.log(256))
    flat = np.full(256, math.exp(0.0 - constant))  # p(y) = 1
    assert flat.sum() == pytest.approx(1)
    x = np.arange(256)
    exact = ((x + 1.0) ** 2 - x**2) / 256**2  # p(y) = 2 y integrated over the cell of x
    assert exact.sum() == pytest.approx(1)
    log_p = np.log(2 * np.stack([data.dequantise(x, seed) for seed in range(200)]).astype(np.float64))
    assert np.exp(log_p - constant).mean(0) == pytest.approx(exact, rel=0.2)
    bound = (log_p - constant).mean(0)
    assert (bound < np.log(exact) + 0.15 / (x + 1)).all() and bound[1:] == pytest.approx(np.log(exact)[1:], abs=0.15)


def test_values():
    x = np.array([0, 51, 127, 128, 255], np.uint8)
    expected = {"bytes": x, "unit": x / 255, "real": x / 255, "signed": x / 127.5 - 1, "binary": [0, 0, 0, 1, 1]}
    for values, wanted in expected.items():
        assert data.to_values(x, values).dtype == tf.float32
        assert data.to_values(x, values).numpy() == pytest.approx(np.asarray(wanted), abs=1e-6)
        assert data.arrays(data.Examples(x[:, None]), values=values, binarise="threshold")[:, 0] == pytest.approx(
            np.asarray(wanted), abs=1e-6
        )


def test_mu_law():
    symbols = np.arange(256)
    assert np.array_equal(data.mu_law(data.inverse_mu_law(symbols)), symbols)
    x = np.linspace(-1, 1, 999, dtype=np.float32)
    error = np.abs(data.inverse_mu_law(data.mu_law(x)) - x)
    assert error.max() < 0.025 and error[np.abs(x) < 0.01].max() < 0.001  # finer near silence


def test_fit_image_averages_the_middle():
    x = np.zeros((4, 10, 3), np.uint8)
    x[:, 3:5], x[:, 5:7] = 100, 200  # the middle 4 x 4 is columns 3 to 6
    assert data.fit_image(tf.constant(x), (2, 2), 1).numpy()[..., 0].tolist() == [[100, 200], [100, 200]]
    assert data.fit_image(tf.constant(x[..., :1]), (1, 1), 3).numpy().ravel().tolist() == [150] * 3
    ramp = np.arange(9, dtype=np.uint8).reshape(3, 3, 1) * 20
    assert data.fit_image(tf.constant(ramp), (1, 1), 1).numpy().item() == 80
    assert data.fit_image(tf.constant(ramp), (2, 2), 1).numpy()[0, 0, 0] == round(
        (0 * 1 + 20 * 0.5 + 60 * 0.5 + 80 * 0.25) / 2.25
    )


# -- tiny worlds
# ---------------------------------------------------------------------------------------------------------


def test_ising_partition_function():
    rows, columns, coupling, field = 2, 3, 0.7, -0.3
    world, total, table = data.ising(rows, columns, coupling, field), 0.0, {}
    for spins in itertools.product((-1, 1), repeat=rows * columns):
        s = {(r, c): spins[r * columns + c] for r in range(rows) for c in range(columns)}
        pairs = sum(s[r, c] * s[q] for r, c in s for q in ((r + 1, c), (r, c + 1)) if q in s)
        table[tuple((v + 1) // 2 for v in spins)] = weight = math.exp(coupling * pairs + field * sum(spins))
        total += weight
    assert world.log_z == pytest.approx(math.log(total), abs=1e-12)
    assert world.states.shape == (64, 6) and world.states.dtype == np.float32
    assert world.probabilities == pytest.approx([table[tuple(map(int, x))] / total for x in world.states], abs=1e-14)
    assert data.ising(3, 3, 0.0, 0.5).log_z == pytest.approx(9 * math.log(2 * math.cosh(0.5)))


def test_bars():
    world = data.bars(3)
    pictures = {tuple(map(int, x)) for x in world.states}
    wanted = {
        p
        for p in itertools.product((0, 1), repeat=9)
        if p[:3] == p[3:6] == p[6:] or all(len(set(p[i : i + 3])) == 1 for i in (0, 3, 6))
    }
    assert pictures == wanted and len(world.states) == 14
    assert world.entropy() == pytest.approx(math.log(14)) == pytest.approx(world.log_z)


def test_sample_frequencies():
    """The expected total variation of n draws of S states is at most sqrt(S / n) / 2; 0.02 above it has probability
    exp(-2 n 0.02^2)."""
    world, n = data.ising(2, 3, 0.5, 0.2), 20_000
    x = world.sample(n, seed=1)
    frequencies = np.bincount((x @ 2 ** np.arange(6)).astype(int), minlength=64) / n
    probabilities = np.zeros(64)
    probabilities[(world.states @ 2 ** np.arange(6)).astype(int)] = world.probabilities
    assert (
        np.abs(frequencies - probabilities).sum() / 2 < math.sqrt(64 / n) / 2 + 0.02
    )  # fails by chance once in 9 million
    assert np.abs(1 / 64 - probabilities).sum() / 2 > 0.2  # a uniform sampler would be seen
    assert np.array_equal(x, world.sample(n, seed=1)) and not np.array_equal(x, world.sample(n, seed=2))
    assert -np.log(probabilities[(x @ 2 ** np.arange(6)).astype(int)]).mean() == pytest.approx(
        world.entropy(), abs=0.05
    )


# -- sources
# -------------------------------------------------------------------------------------------------------------


def test_digits_are_divided():
    from sklearn.datasets import load_digits

    train, test, whole = data.digits("train"), data.digits("test"), load_digits()
    assert (train.x.shape, test.x.shape, train.x.dtype) == ((1437, 8, 8, 1), (360, 8, 8, 1), np.uint8)
    key = [np.column_stack([s.x.reshape(-1, 64) / 255 * 16, s.condition]).round(1) for s in (train, test)]
    everything = np.column_stack([whole.data, whole.target])
    both = np.round(np.concatenate(key))
    assert np.array_equal(
        both[np.lexsort(both.T)], everything[np.lexsort(everything.T)]
    )  # each of the 1797 exactly once


@pytest.mark.parametrize("make, modes, sd", [(data.ring, 8, 0.01), (data.grid, 25, 0.05)])
def test_modes(make, modes, sd):
    source = make(20_000, seed=4)
    centres = np.stack([source.x[source.condition == k].mean(0) for k in range(modes)])
    assert (source.x - centres[source.condition]).std() == pytest.approx(sd, rel=0.03)
    if modes == 8:
        assert np.linalg.norm(centres, axis=1) == pytest.approx(1, abs=0.002)
    else:
        assert sorted(map(tuple, np.round(centres))) == sorted(itertools.product((-4, -2, 0, 2, 4), repeat=2))
    assert not np.array_equal(source.x, make(20_000, seed=5).x)


def test_worlds_as_data():
    for name, world in (("bars", data.bars(4)), ("ising", data.ising(4, 4))):
        x = data.arrays(name, "test", values="binary", limit=200).reshape(200, 16)
        assert {tuple(v) for v in x} <= {tuple(v) for v in world.states}


def test_folder(pictures):
    train, test = (
        data.arrays(pictures, s, size=(6, 8), channels=1, values="bytes", condition="labels") for s in ("train", "test")
    )
    assert train[0].shape[1:] == (6, 8, 1) and len(train[0]) + len(test[0]) == 40 and len(test[0]) >= 1
    for x, labels in (train, test):
        assert np.array_equal(x.mean((1, 2, 3)) >= 100, labels == 1)
    greys = [set(x.mean((1, 2, 3))) for x, _ in (train, test)]
    assert not greys[0] & greys[1] and len(greys[0] | greys[1]) == 40
    Image.fromarray(np.full((12, 16), 250, np.uint8)).save(pictures / "cats" / "new.jpg")
    more = [
        set(data.arrays(pictures, s, size=(6, 8), channels=1, values="bytes").mean((1, 2, 3)))
        for s in ("train", "test")
    ]
    assert greys[0] <= more[0] and greys[1] <= more[1] and len(more[0] | more[1]) == 41
    assert (
        data.load(pictures, batch=2).shape == (12, 16, 3)
        and data.load(str(pictures), batch=2, condition="labels").condition == 2
    )
    streamed = data.arrays(pictures, size=(6, 8), channels=1, values="bytes", memory=0)
    assert np.array_equal(streamed, data.arrays(pictures, size=(6, 8), channels=1, values="bytes"))


def test_folder_without_classes(pictures):
    assert data.load(pictures / "cats", batch=2).condition is None
    with pytest.raises(ValueError, match="has no labels"):
        data.load(pictures / "cats", batch=2, condition="labels")


def test_a_folder_that_does_not_fit(pictures, tmp_path_factory):
    def refused(match, *arguments, **options):
        with pytest.raises(ValueError, match=match) as caught:
            data.load(*arguments, batch=1, **options)
        assert "\n" not in str(caught.value) and "[tfgen]" not in str(caught.value)

    empty = tmp_path_factory.mktemp("empty")
    refused("holds no pictures", empty)
    refused("is not a folder", empty / "nowhere")
    refused("has train and test", pictures, "validation")
    bad = pictures / "cats" / "bad.png"
    bad.write_bytes(b"not a picture")
    refused("bad.png cannot be read", pictures, size=(4, 4), channels=3)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"\[tfgen\] .*bad.png cannot be read"
    ):  # fit says it in one line
        passes(data.load(pictures, memory=0, size=(4, 4), channels=3, batch=2), 1)
    bad.unlink()
    Image.new("RGB", (5, 5)).save(pictures / "dogs" / "small.png")
    refused(r"small.png is \(5, 5\)|is \(5, 5\): say size=", pictures)
    Image.new("RGB", (5, 5)).save(pictures / "loose.png")
    refused("beside sub-folders", pictures)


def test_tfds(tiny_tfds, monkeypatch):
    x, labels = data.arrays("tiny_set", data_dir=tiny_tfds, values="bytes", condition="labels")
    assert np.array_equal(x, tagged(60).x[labels]) and sorted(labels) == list(range(60))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny_tfds))
    streamed = data.arrays("tiny_set", "train[:50%]", values="bytes", memory=0, condition="labels")
    assert np.array_equal(streamed[0], x[:30]) and np.array_equal(streamed[1], labels[:30])
    assert data.load("tiny_set", size=(3, 3), channels=3, batch=60).element_spec.shape == (60, 3, 3, 3)
    with pytest.raises(ValueError, match="tiny_set has train, test"):
        data.load("tiny_set", "validation")


def test_pictures_of_any_size_from_tfds(tiny_tfds):
    """Of a set that has each twice the large ones, as super-resolution trains on them."""
    import tensorflow_datasets as tfds

    from apps.super_resolution import data as upscaling

    picture = tfds.features.Image(shape=(None, None, 3))
    large = [np.full((size, 9, 3), size, np.uint8) for size in (8, 11, 12)]
    spec = dict.fromkeys(("lr", "hr"), tf.TensorSpec((None, None, 3), tf.uint8))
    examples = tf.data.Dataset.from_generator(
        lambda: ({"lr": x[::4, ::4], "hr": x} for x in large), output_signature=spec
    )
    tfds.dataset_builders.store_as_tfds_dataset(
        name="twice",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"lr": picture, "hr": picture}),
        split_datasets={"train": examples.apply(tf.data.experimental.assert_cardinality(3))},
        data_dir=tiny_tfds,
    )
    count, found = data.tfds_pictures("twice", data_dir=tiny_tfds)
    assert count == 3 and sorted(x.shape for x in found) == [x.shape for x in large]
    pairs = upscaling.pairs(["twice"], 4, tiny_tfds)
    assert sorted(x.shape for x in pairs.large) == [(8, 8, 3), (8, 8, 3), (12, 8, 3)]
    assert {(a.shape[0] // 4, a.min()) for a in pairs.small} <= {(0, 8), (0, 11), (0, 12)}
    with pytest.raises(ValueError, match="holds no pictures in colour"):
        data.tfds_pictures("tiny_set", data_dir=tiny_tfds)
    with pytest.raises(ValueError, match="no data set is called 'tvice'"):
        upscaling.pairs(["tvice"], 4, tiny_tfds)


def test_omniglot_is_small_grey_and_ink_is_high(tiny_tfds):
    x, labels = data.arrays("omniglot", data_dir=tiny_tfds, values="bytes", condition="labels")
    drawing = x[list(labels).index(1), :, :, 0]
    assert x.shape == (3, 28, 28, 1) and (drawing[:, :13] == 255).all() and (drawing[:, 14:] == 0).all()
    assert drawing[0, 13] == pytest.approx(
        255 * (52 - 13 * 3.75) / 3.75, abs=1
    )  # the area of the column that is half ink


def test_a_set_that_cannot_be_had_leaves_nothing(tmp_path, monkeypatch):
    def no_network(url):
        raise OSError("no network\nat all")

    monkeypatch.setattr(tfds_module, "_reach", no_network)
    with pytest.raises(ValueError, match=r"mnist is not prepared in .*data_dir=") as caught:
        data.load("mnist", data_dir=tmp_path / "deep" / "down")
    assert "\n" not in str(caught.value) and os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match=r"nearest: .*mnist") as caught:
        data.load("mnsit", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="no pictures"):
        data.load("ag_news_subset", data_dir=tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_download_arrives_whole(tiny_tfds, tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def builder(name, data_dir):
        return tfds.testing.DummyMnist(data_dir=data_dir)

    monkeypatch.setattr(tfds, "builder", builder)
    x = data.arrays("dummy_mnist", data_dir=tmp_path / "new", values="bytes")
    assert x.shape == (20, 28, 28, 1) and [p.name for p in tmp_path.iterdir()] == ["new"]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["dummy_mnist"]


# -- conditions, and pictures as people have them
# ---------------------------------------------------------------------------------------------------------------------


def test_a_condition_of_any_kind():
    """A class, a vector, a picture, and a dict of them, all of the same example."""
    source = tagged(60)
    vector = np.random.RandomState(1).randn(60, 3).astype("float32")
    parts = {"class": source.condition, "vector": vector, "picture": source.x[:, ::2]}
    both = data.Examples(source.x, parts, {"class": 60, "vector": (3,), "picture": (3, 6, 1)})
    dataset = data.load(both, values="unit", batch=16)
    assert dataset.condition == both.spec
    for x, told in dataset:
        which = told["class"].numpy()
        np.testing.assert_allclose(x, source.x[which] / 255, atol=1e-6)
        np.testing.assert_array_equal(told["vector"], vector[which])
        np.testing.assert_allclose(told["picture"], source.x[which, ::2] / 255, atol=1e-6)
    x, told = data.arrays(both, limit=5)
    assert len(x) == 5 and {name: len(part) for name, part in told.items()} == dict.fromkeys(parts, 5)


@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_small_pictures(pictures, memory):
    """Of a set in memory, and of one that streams, beside its labels."""
    x, small = data.arrays("digits", condition="small:2", values="bytes", limit=20)
    expected = np.round(x.reshape(20, 4, 2, 4, 2, 1).mean((2, 4)))
    np.testing.assert_allclose(small * 255, expected, atol=1e-4)
    names = ("small:4", "labels")
    x, told = data.arrays(pictures, condition=names, values="unit", memory=memory, channels=1)
    assert told["small"].shape == (len(x), 3, 4, 1)
    np.testing.assert_allclose(told["small"].mean((1, 2, 3)), x.mean((1, 2, 3)), atol=1e-6)
    assert np.array_equal(told["labels"], x.mean((1, 2, 3)) * 255 > 99)


def test_pairs_and_captions(pictures, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    rows = ["file,caption"]
    for path in pictures.rglob("*.*"):
        to = other / path.relative_to(pictures).with_suffix(".png")
        to.parent.mkdir(exist_ok=True)
        with Image.open(path) as picture:
            Image.fromarray(255 - np.asarray(picture)[..., 0]).resize((8, 6)).save(to)
    x, pair = data.arrays(pictures, condition=str(other), size=(6, 8), values="unit", memory=0)
    assert x.shape[1:] == (6, 8, 3) and pair.shape[1:] == (6, 8, 1)
    np.testing.assert_allclose(x[..., :1] + pair, 1, atol=1e-6)
    next(other.rglob("*.png")).unlink()
    with pytest.raises(ValueError, match="has no other half of"):
        data.load(pictures, condition=str(other), size=(6, 8)), data.load(pictures, "test", condition=str(other))
    flat = pictures / "cats"
    for i in range(20, 40):
        Image.fromarray(np.full((12, 16, 3), 5 * i, np.uint8)).save(flat / f"{i}.png")
    rows += [
        f'{path.name},"{"A dark" if int(path.stem) < 10 else "a light"} cat, no. {path.stem}"'
        for path in flat.iterdir()
    ]
    (flat / "captions.csv").write_text("\n".join(rows))
    source = data.open_source(flat, condition=str(flat / "captions.csv"))
    assert source.words == ("a", "cat", "dark", "light", "no") and source.spec == (5,)
    grey = source.x.mean((1, 2, 3))
    np.testing.assert_array_equal(source.condition[:, 2], grey < 50)
    np.testing.assert_array_equal(source.condition[:, 3], grey >= 50)
    assert source.condition[:, [0, 1, 4]].all()
    assert data.open_source(flat, "test", condition=str(flat / "captions.csv")).words == source.words
    (flat / "captions.csv").write_text("file,caption\n0.png,a cat")
    with pytest.raises(ValueError, match="has no caption of"):
        data.load(flat, condition=str(flat / "captions.csv"))


def test_two_sources_without_pairs():
    """Each in an order of its own; the other begins anew where it ends."""
    mine, theirs = data.Examples(tagged(60).x), data.Examples(np.arange(40, dtype=np.uint8)[:, None])
    dataset = data.load(data.Unpaired(mine, theirs), values="unit", batch=20)
    assert dataset.condition == (1,)
    one, two = (joined(p) for p in passes(dataset, 2))
    for _, other in (one, two):
        np.testing.assert_allclose(np.sort(other[:40, 0] * 255), np.arange(40), atol=1e-4)
    assert not np.array_equal(one[1], two[1]) and not np.array_equal(one[0], two[0])
    late = data.load(data.Unpaired(mine, theirs), values="unit", batch=20)
    late.epochs.next = 1
    assert equal([joined(p) for p in passes(late, 1)], [two])
    with pytest.raises(ValueError, match="neither has a condition"):
        data.Unpaired(tagged(60), theirs)


def test_sounds(tmp_path):
    import soundfile

    for i in range(30):
        sound = np.linspace(-0.5, 0.5, 250, dtype="float32")[:, None] * [[1.0, 0.0]]
        soundfile.write(tmp_path / f"{i}.wav", sound, 8000, subtype="FLOAT")
    source = data.sounds(tmp_path, length=100)
    x = data.arrays(source, values="real")
    assert x.shape[1:] == (100, 1) and len(x) + data.sounds(tmp_path, "test", length=100).count == 60
    np.testing.assert_allclose(x[:2, :, 0].ravel(), np.linspace(-0.25, 0.25, 250)[:200], atol=1e-6)
    soundfile.write(tmp_path / "other.wav", sound, 16000)
    with pytest.raises(ValueError, match="several rates"):
        data.sounds(tmp_path, length=100), data.sounds(tmp_path, "test", length=100)


def test_pictures_as_cameras_and_artists_make_them(tmp_path):
    """16 bits, transparency, EXIF, an animation, WebP and TIFF, a linked folder: all read as they look, and said so."""
    (tmp_path / "all" / "a").mkdir(parents=True)
    (tmp_path / "far").mkdir()
    at = tmp_path / "all" / "a"
    deep = (np.arange(16).reshape(4, 4) * 4369).astype(np.uint16)
    Image.fromarray(deep).save(at / "deep.png")
    hidden = np.zeros((4, 4, 4), np.uint8)
    hidden[0, 0] = 200, 100, 0, 255
    Image.fromarray(hidden, "RGBA").save(at / "clear.png")
    frames = [Image.fromarray(np.full((4, 4), grey, np.uint8)) for grey in (40, 200)]
    frames[0].save(at / "film.gif", save_all=True, append_images=frames[1:])
    turned = Image.fromarray(np.concatenate([np.zeros((2, 4), np.uint8), np.full((2, 4), 255, np.uint8)]))
    exif = turned.getexif()
    exif[0x0112] = 3  # upside down
    turned.save(at / "turned.webp", lossless=True, exif=exif)
    frames[0].save(at / "still.tif")
    Image.fromarray(np.full((4, 4), 90, np.uint8)).save(tmp_path / "far" / "x.png")
    os.symlink(tmp_path / "far", tmp_path / "all" / "b")
    os.symlink(tmp_path / "all", tmp_path / "all" / "a" / "again")
    source = data.folder(tmp_path / "all", size=(4, 4), channels=3, condition=("labels",))
    assert source.spec == 2
    read = lambda name, depth: data.folders.decode(at / name, depth)
    np.testing.assert_array_equal(read("deep.png", 1)[..., 0], np.arange(16).reshape(4, 4) * 17)
    assert read("clear.png", 3)[0, 0].tolist() == [200, 100, 0] and (read("clear.png", 3)[1:] == 255).all()
    assert (read("film.gif", 1) == 40).all() and (read("still.tif", 1) == 40).all()
    assert (read("turned.webp", 1)[:2] > 250).all() and (read("turned.webp", 1)[2:] < 5).all()
    assert source.notes == (
        "16 bits scaled to 8 (1 of 6)",
        "transparency over white (1 of 6)",
        "the first frame of animations (1 of 6)",
    )
    with pytest.raises(ValueError, match=r"'.*\\udcff.png': its name is not UTF-8"):
        (at / os.fsdecode(b"\xff.png")).write_bytes((at / "deep.png").read_bytes())
        data.folder(tmp_path / "all")


def test_photographs_are_shrunk_while_they_are_decoded(tmp_path):
    """A draft is as good as the whole picture."""
    rows, columns = np.mgrid[:1024, :1536]
    photo = np.stack([rows // 4, columns // 6, (rows + columns) % 256], -1).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.jpg", quality=95)
    draft, whole = (data.folders.decode(tmp_path / "photo.jpg", 3, least) for least in ((32, 32), None))
    assert whole.shape == (1024, 1536, 3) and draft.shape == (128, 192, 3)
    small = [data.fit_image(tf.constant(p), (32, 32), 3).numpy().astype(int) for p in (draft, whole)]
    assert np.abs(small[0] - small[1]).max() <= 3


@pytest.mark.parametrize(
    "options, match",
    [
        ({"values": "grey"}, "values='grey': expected one of binary"),
        ({"binarise": "yes"}, "binarise='yes': expected one of epoch"),
        ({"batch": 0}, "batch=0: expected"),
        ({"batch": 2.5}, "batch=2.5: expected"),
        ({"batch": 2000}, "batch=2000 is more than the 1437"),
        ({"limit": 0}, "limit=0: expected"),
        ({"seed": -1}, "seed=-1: expected"),
        ({"split": "validation"}, "digits has train and test"),
        ({"dequantise": True, "values": "binary"}, "'unit' or 'real'"),
        ({"name": "ring"}, "ring holds real numbers"),
        ({"name": "bars", "condition": "labels"}, "bars has no labels"),
        ({"name": 5}, "int came for the name"),
        ({"size": (4, 4)}, "size and channels are for"),
        ({"condition": True}, "condition=True: expected what to be told by name"),
        ({"condition": "small:3"}, "a K from 2 that divides the sides"),
        ({"condition": "lables"}, "digits has labels; pictures have small:K"),
        ({"size": 4}, "expected \\(height, width\\)"),
        ({"channels": 2}, "channels=2: expected"),
    ],
    ids=str,
)
def test_what_does_not_fit_gets_one_line(options, match):
    with pytest.raises(ValueError, match=match) as caught:
        data.load(**{"name": "digits", **options})
    assert "\n" not in str(caught.value)


def test_examples_and_worlds_refuse():
    x = np.zeros((3, 2), np.float32)
    for arguments in (
        (x.astype(float),),
        (x[:0],),
        (x, np.zeros(3, int)),
        (x, np.zeros(2, int), 2),
        (x, np.zeros(3), 2),
        (x, np.arange(3), 2),
        (x, np.zeros([3, 2], np.float32), (3,)),
        (x, {"a": np.arange(3)}, {"b": 3}),
        (x, {"a": np.arange(3)}, {"a": 2}),
        ([1, 2],),
    ):
        with pytest.raises(ValueError, match="these examples"):
            data.Examples(*arguments)
    for make in (lambda: data.ising(5, 5), lambda: data.ising(0, 3), lambda: data.bars(0), lambda: data.digits("all")):
        with pytest.raises(ValueError):
            make()


@pytest.mark.skipif(
    not (Path(os.environ.get("TFDS_DATA_DIR", "nowhere")) / "mnist").is_dir(), reason="TFDS_DATA_DIR has no mnist"
)
def test_mnist():
    assert data.arrays("mnist", limit=4, condition="labels")[1].tolist() == [4, 1, 0, 7]
