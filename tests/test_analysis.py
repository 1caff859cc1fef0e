"""Questions to a sampler: walks, arithmetic, traversals, neighbours, stages, and `python -m tfgen analyse`."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgen
from tfgen import analysis, callbacks, laws, pictures, rng
from tfgen.__main__ import command
from tfgen.model import GenerativeModel
from tfgen.runs import Run, Settings, analyse, train


class Plain(GenerativeModel):
    """x = z."""

    def __init__(self, shape, *, condition=None):
        super().__init__(shape, condition=condition, values="real")

    @property
    def laws(self):
        return laws.normal(*self.shape)

    def generate(self, noise, condition=None):
        return noise if condition is None else noise + 10.0 * tf.cast(condition, tf.float32)[:, None]


class Coded(GenerativeModel):
    """x = its noise side by side, declared as InfoGAN declares it."""

    def __init__(self, shape=(6,)):
        super().__init__(shape, values="real")
        self.categories, self.codes = (4,), 2

    @property
    def laws(self):
        return {"z": laws.normal(3), "category": laws.uniform(1), "code": laws.uniform(2, low=-1.0)}

    def generate(self, noise, condition=None):
        return tf.concat([noise["z"], tf.floor(4 * noise["category"]), noise["code"]], -1)


# -- walks -------------------------------------------------------------------------------------------------------------


def test_slerp_by_hand():
    a, b = np.array([[1.0, 0, 0], [0, 3, 0]]), np.array([[0, 1.0, 0], [0, 0, 3]])
    half = analysis.slerp(a, b, 0.5)
    np.testing.assert_allclose(half, np.array([[1, 1, 0], [0, 3, 3]]) / np.sqrt(2))
    np.testing.assert_allclose(analysis.slerp(a[:1], b[:1], 1 / 3), [[np.cos(np.pi / 6), np.sin(np.pi / 6), 0]])
    assert np.array_equal(analysis.slerp(a, b, 0), a) and np.array_equal(analysis.slerp(a, b, 1), b)
    for t in np.linspace(0, 1, 7):
        np.testing.assert_allclose(np.linalg.norm(analysis.slerp(a, b, t), axis=1), [1, 3])
    np.testing.assert_allclose(analysis.slerp(a, a, 0.3), a)
    np.testing.assert_allclose(analysis.slerp(a, -a, 0.25), a / 2)  # no way round is nearer than another: straight


def test_which_numbers_are_uniform():
    kinds = analysis.is_uniform(Coded())
    assert kinds == {"z": False, "category": True, "code": True}


def test_the_ends_of_a_walk_are_samples_of_its_noises():
    for model in (Coded(), tfgen.VAE((3, 3, 1), latent=2, hidden=(4,)), tfgen.GMM((3,), components=2)):
        noise = model.noise(6, rng.as_seed(5))
        x = analysis.walk(model, 3, 5, seed=5)
        ends = model.generate(noise).numpy()
        assert x.shape == (3, 5, *model.shape)
        np.testing.assert_allclose(x[:, 0], ends[:3], atol=1e-5)
        np.testing.assert_allclose(x[:, -1], ends[3:], atol=1e-5)


def test_a_walk_goes_round_for_normals_and_straight_for_uniforms():
    model = Coded()
    noise, x = model.noise(4, rng.as_seed(1)), analysis.walk(model, 2, 3, seed=1)
    np.testing.assert_allclose(x[:, 1, 4:], (noise["code"][:2] + noise["code"][2:]) / 2, rtol=1e-5)
    np.testing.assert_allclose(x[:, 1, :3], analysis.slerp(noise["z"][:2], noise["z"][2:], 0.5), rtol=1e-5)


def test_walks_under_conditions():
    model = Plain((2,), condition=3)
    np.testing.assert_allclose(
        analysis.walk(model, 2, 4, condition=[0, 2])[1] - analysis.walk(model, 2, 4, condition=0)[1], 20, rtol=1e-5
    )
    with pytest.raises(ValueError, match="labels in"):
        analysis.walk(model, 2, 4)
    for wrong in ({"pairs": 0}, {"steps": 1}):
        with pytest.raises(ValueError, match="expected"):
            analysis.walk(model, condition=0, **wrong)
    with pytest.raises(ValueError, match="decodes no code"):
        analysis.walk(model, condition=0, means=True)


def test_steps_and_roughness():
    even = np.arange(5.0)[None, :, None] * [[[3.0, 4.0]]]
    np.testing.assert_allclose(analysis.step_sizes(even), [[5, 5, 5, 5]])
    jump = np.array([[0, 0, 0, 1, 1.0]])[..., None]
    assert analysis.roughness(even) == pytest.approx(1) and analysis.roughness(jump) == 4
    assert (
        np.isnan(analysis.roughness(np.zeros((2, 5, 1))))
        and analysis.roughness(np.concatenate([jump, np.zeros((1, 5, 1))])) == 4
    )


def test_who_has_a_latent():
    for model in (
        tfgen.DCGAN((8, 8, 1), latent=2, width=2),
        tfgen.BEGAN((3,), latent=2, hidden=(3,)),
        tfgen.GMMN((3,), latent=2, hidden=(3,)),
    ):
        assert analysis.has_latent(model) and analysis.codes_linearly(model)  # uniform noise in -1..1
        assert analysis.is_uniform(model)
    assert analysis.has_latent(tfgen.VAE((4,), latent=2, hidden=(3,))) and analysis.has_latent(
        tfgen.GMM((4,), components=2)
    )
    for drawn in (tfgen.MADE((4,), hidden=(3,)), tfgen.RBM((4,), hidden=2), tfgen.MoB((4,), components=2)):
        assert not analysis.has_latent(drawn) and not analysis.codes_linearly(drawn)


# -- codes -------------------------------------------------------------------------------------------------------------


def quadrant(x):
    return (2 * (x[:, 0] > 0) + (x[:, 1] > 0)).astype(int)


def test_arithmetic_of_a_linear_model_is_exact():
    found = analysis.arithmetic(Plain((2,)), quadrant, [(3, 1, 0), (0, 3, 2)], columns=5, count=200, seed=4)
    assert found.x.shape == (2, 4, 5, 2) and found.said.shape == (2, 4, 5)
    np.testing.assert_allclose(found.x[:, 3], found.x[:, 0] - found.x[:, 1] + found.x[:, 2], atol=1e-6)
    z = Plain((2,)).noise(200, rng.as_seed(4)).numpy()
    of_3 = z[quadrant(z) == 3]
    np.testing.assert_allclose(
        found.x[0, 0, :2], [of_3[:3].mean(0), of_3[3:6].mean(0)], rtol=1e-5
    )  # consecutive threes
    assert (found.said[0, :3] == [[3], [1], [0]]).all() and (
        found.said[:, 3] == quadrant(found.x[:, 3].reshape(-1, 2)).reshape(2, 5)
    ).all()
    assert (
        set(found.kept.values()) == {1.0} and sum(found.counts.values()) == 200
    )  # a quadrant is convex: a mean stays in it
    for a, b, c in analysis.arithmetic(Plain((2,)), quadrant, count=200, seed=1).triples:
        assert len({a, b, c}) == 3


def test_the_labeller_is_asked_about_the_means():
    """A ring is not convex: the mean of three points of it often falls inside."""
    found = analysis.arithmetic(
        Plain((2,)), lambda x: np.where(np.linalg.norm(x, axis=1) > 1.5, 7, quadrant(x)), count=500
    )
    assert found.kept[7] < 0.5 and 7 in found.counts


def test_arithmetic_refuses():
    with pytest.raises(ValueError, match="unconditional"):
        analysis.arithmetic(Plain((2,), condition=2), quadrant)
    with pytest.raises(ValueError, match="one latent around zero"):
        analysis.arithmetic(Coded(), quadrant)
    with pytest.raises(ValueError, match="class 9"):
        analysis.arithmetic(Plain((2,)), quadrant, [(0, 1, 9)], count=100)
    with pytest.raises(ValueError, match="collapsed"):
        analysis.arithmetic(Plain((2,)), lambda x: np.zeros(len(x), int), count=100)


def test_traversals_change_only_their_code():
    model = Coded()
    category, *codes = analysis.traversals(model, count=3, steps=5)
    assert [t.name for t in (category, *codes)] == ["category", "code 1", "code 2"]
    assert category.x.shape == (4, 3, 6) and category.rows == ["0", "1", "2", "3"] and not category.path
    base = model.generate(model.noise(3, rng.as_seed(0))).numpy()
    np.testing.assert_array_equal(category.x[:, :, 3], np.tile([[0], [1], [2], [3]], 3))
    np.testing.assert_array_equal(np.delete(category.x, 3, -1), np.broadcast_to(np.delete(base, 3, -1), (4, 3, 5)))
    for i, code in enumerate(codes):
        assert code.x.shape == (3, 5, 6) and code.path and code.columns == ["-2", "-1", "0", "+1", "+2"]
        np.testing.assert_allclose(code.x[:, :, 4 + i], np.tile([-2, -1, 0, 1, 2], (3, 1)))
        np.testing.assert_array_equal(
            np.delete(code.x, 4 + i, -1), np.repeat(np.delete(base, 4 + i, -1)[:, None], 5, 1)
        )


def test_traversals_of_a_vae_move_what_the_posterior_uses():
    model = tfgen.VAE((4,), latent=3, hidden=())
    kernel = np.zeros((4, 6), "float32")
    kernel[0, 2], kernel[1, 0] = 8, 2  # μ_2 = 8 x_0, μ_0 = 2 x_1, μ_1 = 0
    model.q.net.set_weights([kernel, np.zeros(6, "float32")])
    x = np.random.default_rng(0).integers(0, 2, (50, 4)).astype("float32")
    (found,) = analysis.traversals(model, x, count=2, steps=7)
    assert (
        [name.split()[0] for name in found.rows] == ["z2", "z0"]
        and found.columns[0] == "-3"
        and found.x.shape == (2, 7, 4)
    )
    z = np.repeat(model.encode(x[:1]), 7, 0)
    z[:, 2] = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(found.x[0], model.decode(tf.constant(z)), rtol=1e-5)
    assert analysis.traversals(model)[0].x.shape == (3, 9, 4)  # of its own samples


@pytest.mark.parametrize("prior", ["mixture:3", "flow:1"])
def test_a_learnt_prior_is_walked_in(prior):
    """Its code is what is decoded: pictures show the means of its samples, and what moves is z."""
    model = tfgen.VAE((3, 3, 1), latent=2, hidden=(4,), prior=prior, likelihood="gaussian:0.001")
    assert analysis.has_latent(model) and analysis.codes_linearly(model) and not analysis.has_manifold(model)
    np.testing.assert_allclose(model.show(6, seed=3), model.sample(6, seed=3), atol=0.01)
    np.testing.assert_allclose(analysis.walk(model, 2, 3, means=True), analysis.walk(model, 2, 3), atol=0.01)
    (found,) = analysis.traversals(model, steps=7)
    assert found.name == "latent" and found.x.shape == (2, 7, 3, 3, 1)
    z = model.encode(model.sample(1000, seed=0))[:1].numpy()
    z = np.where(np.arange(2) == int(found.rows[0][1]), -3, z).astype("float32")
    np.testing.assert_allclose(found.x[0, 0], model.decode(tf.constant(z))[0], atol=1e-5)
    made = analysis.arithmetic(model, lambda x: (model.encode(x)[:, 0] > 0).numpy().astype(int), [(0, 1, 0)], count=200)
    assert made.x.shape == (1, 4, 10, 3, 3, 1)
    with pytest.raises(ValueError, match="quantiles of a normal prior"):
        analysis.manifold(model)


def test_style_and_content_side_by_side_are_a_code():
    model = tfgen.MLVAE((2, 2, 1), condition=3, content=1, style=2, hidden=(4,), likelihood="gaussian:0.001")
    groups = np.array([2, 0, 2, 1])
    np.testing.assert_allclose(model.show(4, groups, seed=3), model.sample(4, groups, seed=3), atol=0.01)
    latent, classes = analysis.traversals(model, count=4, steps=5)
    assert latent.x.shape == (3, 5, 2, 2, 1) and classes.x.shape == (3, 4, 2, 2, 1)
    content = model.noise(4, rng.as_seed(0))["content"].numpy()
    np.testing.assert_allclose(model.code(model.noise(4, rng.as_seed(0)), tf.constant(groups))[:, 2:], content[groups])


@pytest.mark.parametrize("prior", ["logistic", "normal"])
def test_nice_decodes_its_code(prior):
    model = tfgen.NICE((3,), hidden=(4,), prior=prior)
    np.testing.assert_allclose(model.show(4, seed=1), model.sample(4, seed=1), atol=1e-5)
    assert analysis.encoded(model, np.zeros((2, 3), "float32")).shape == (2, 3)


def test_the_same_noise_under_each_class():
    (found,) = analysis.traversals(Plain((2,), condition=3), count=4)
    assert found.x.shape == (3, 4, 2) and found.rows == ["0", "1", "2"]
    np.testing.assert_allclose(found.x[2] - found.x[0], 20, rtol=1e-5)
    assert analysis.traversals(Plain((2,))) == []
    (found,) = analysis.traversals(
        tfgen.JointGAN((2,), condition=3, latent=2, hidden=(3,), critic_hidden=(3,)), count=2
    )
    assert found.rows == ["0", "1"]  # the third says that an example has no label


@pytest.mark.parametrize("condition", [(3,), {"label": 4, "attributes": (2,)}], ids=str)
def test_codes_move_under_any_condition(condition):
    model = tfgen.InfoGAN((2,), condition=condition, latent=2, hidden=(3,), categories=(2,), codes=1)
    ones = np.ones([5, *(condition if isinstance(condition, tuple) else (2,))], "float32")
    given = ones if isinstance(condition, tuple) else {"label": np.arange(5) % 4, "attributes": ones}
    found = analysis.traversals(model, condition=given, count=2, steps=3)
    assert [t.x.shape for t in found] == [(2, 2, 2), (2, 3, 2)]
    with pytest.raises(ValueError, match="give the conditions of examples"):
        analysis.traversals(model, count=2)


# -- memory ------------------------------------------------------------------------------------------------------------


def test_neighbours_are_those_of_brute_force(monkeypatch):
    draw = np.random.default_rng(0)
    x, train_x = (
        draw.normal(size=(7, 3, 2, 1)).astype("float32"),
        draw.normal(100, 1, size=(200, 3, 2, 1)).astype("float32"),
    )
    x += 100
    monkeypatch.setattr("tfgen.analysis.memorising.PIECE", 64)  # the last piece is smaller than the others
    places, distances = analysis.neighbours(x, train_x, 4)
    every = np.sqrt(((x[:, None].astype(float) - train_x[None]) ** 2).sum((2, 3, 4)))
    np.testing.assert_array_equal(places, np.argsort(every, 1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(every, 1)[:, :4], rtol=1e-6)
    assert analysis.neighbours(x, train_x[:3], 3)[0].shape == (7, 3)
    with pytest.raises(ValueError, match="ask for fewer"):
        analysis.neighbours(x, train_x[:3], 4)
    with pytest.raises(ValueError, match="give both alike"):
        analysis.neighbours(x[:, :2], train_x)


def test_a_model_that_memorises():
    draw = np.random.default_rng(0)
    train_x, held_out = draw.uniform(size=(300, 20)).astype("float32"), draw.uniform(size=(50, 20)).astype("float32")
    assert analysis.memory(train_x[7:40], held_out, train_x).ratio == 0
    assert analysis.memory(draw.uniform(size=(300, 20)), held_out, train_x).ratio == pytest.approx(1, abs=0.1)
    assert analysis.memory(held_out + 5, held_out, train_x).ratio > 3
    assert np.isnan(analysis.memory(held_out, train_x[:9], train_x).ratio)


# -- stages ------------------------------------------------------------------------------------------------------------


def test_which_stages_are_kept():
    kept = [epoch for epoch in range(1, 501) if callbacks.Snapshots.keeps(epoch)]
    assert kept == [*range(1, 21), *range(25, 101, 5), *range(125, 501, 25)] and len(kept) <= 60
    assert callbacks.Snapshots.keeps(625) and not callbacks.Snapshots.keeps(525)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_interrupted_run_keeps_the_same_stages(tmp_path, monkeypatch):
    settings = Settings("gan", {"values": "real", "hidden": (8,)}, "ring", limit=64, batch=32, epochs=3)
    whole = train(settings, tmp_path / "whole", say=str)
    real = callbacks.Keep.on_epoch_end

    def killed(self, epoch, logs=None):
        if epoch == 1:  # its stage is written, and its model is not
            raise KeyboardInterrupt
        real(self, epoch, logs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(callbacks.Keep, "on_epoch_end", killed)
        train(settings, tmp_path / "torn", say=str)
    assert sorted(files(tmp_path / "torn/samples/stages")) == [f"{epoch:05d}.png" for epoch in range(3)]
    torn = train(settings, tmp_path / "torn", say=str)
    assert sorted(files(whole.stages)) == [f"{epoch:05d}.png" for epoch in range(4)]
    assert files(torn.stages) == files(whole.stages) and len(set(files(whole.stages).values())) == 4
    with Image.open(whole.stages / "00003.png") as image:
        assert image.size == (720, 720)


def test_a_square_that_stays():
    """The same point at the same place, whatever else is drawn."""
    one, other = (
        pictures.draw(np.array([[0.5, 0.5], point], "float32"), "real", span=(-2, 2)) for point in ([0, 0], [1.9, -1.9])
    )
    assert (
        (one != other).any()
        and not (one[255:285, 440:460] != other[255:285, 440:460]).any()
        and (one[255:285, 440:460] == (30, 90, 160)).all(-1).any()
    )
    grey = pictures.draw(np.full([1, 2, 2, 1], 0.5), "real", span=(0, 1))
    assert grey[2, 2, 0] == 128


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    return train(
        Settings("vae", {"hidden": (16,), "latent": 4}, limit=200, epochs=2),
        tmp_path_factory.mktemp("runs") / "vae",
        say=str,
    )


@pytest.fixture(scope="module")
def gan(tmp_path_factory):
    settings = Settings("gan", {"values": "real", "hidden": (8,)}, "ring", limit=200, epochs=2)
    return train(settings, tmp_path_factory.mktemp("runs") / "gan", say=str)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("gan", {"stages", "film", "walk", "steps"}),
        ("vae", {"stages", "film", "walk", "steps", "latent", "neighbours", "units"}),
    ],
)
def test_analyse(request, capsys, name, expected):
    run = request.getfixturevalue(name)
    before = run.model_path.read_bytes()
    capsys.readouterr()
    assert command(["analyse", str(run.folder), "--seed", "3"]) == 0
    said = capsys.readouterr().out
    found = {path.stem for path in run.analysis.iterdir()}
    assert expected <= found <= {*expected, "arithmetic"}
    assert all(f"{picture}." in said for picture in found) and "ratio" in said and str(run.analysis) in said
    card = json.loads(run.card_path.read_text())["analysis"]
    assert card["seed"] == 3 and card["epoch"] == 2 and card["stages"]["epochs"] == [0, 1, 2]
    assert card["memory"]["ratio"] > 0 and card["memory"]["train_count"] == 200
    assert 1 <= card["walk"]["largest_over_mean_step"] <= card["walk"]["steps"]
    assert len(list(run.logs.glob("events*"))) == 2 and run.model_path.read_bytes() == before


def test_tensorboard_measures_dimensions_on_all_that_is_held_out(vae):
    """Their sum is the term of the 360 examples, and not of those that are shown."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(vae.logs), {"tensors": 0}).Reload()
    last = lambda tag: float(tf.make_ndarray(events.Tensors(tag)[1].tensor_proto))
    assert sum(last(f"kl_of_dimensions/{i:02d}") for i in range(4)) == pytest.approx(last("kl/held_out"), rel=1e-4)


def test_the_same_seed_gives_the_same_pictures(gan):
    analyse(gan, seed=5, say=str)
    before = files(gan.analysis)
    (gan.stages / "00002.png").unlink()  # as of an epoch that is not kept: the last stage is drawn from the model
    analyse(gan, seed=5, say=str)
    assert files(gan.analysis) == before
    with Image.open(gan.analysis / "film.gif") as film:
        assert film.n_frames == 3
    analyse(gan, seed=6, say=str)
    same = {name for name, content in files(gan.analysis).items() if content == before[name]}
    assert same == {"stages.png", "film.gif"}  # the noise of the stages is the training's


def test_arithmetic_with_a_classifier(vae, monkeypatch):
    """Of our own: whether the upper half is the lighter one, and the left one."""

    class Halves:
        def probabilities(self, x, values):
            assert values == "binary"
            up, left = (
                x[:, :4].sum((1, 2, 3)) > x[:, 4:].sum((1, 2, 3)),
                x[:, :, :4].sum((1, 2, 3)) > x[:, :, 4:].sum((1, 2, 3)),
            )
            return np.eye(4)[2 * up + left]

    monkeypatch.setattr("tfgen.runs.analysing.metrics.feature_network", lambda name: Halves())
    figures = analyse(vae, say=str)["arithmetic"]
    assert (vae.analysis / "arithmetic.png").is_file() and sum(figures["counts"].values()) == 2000
    assert len(figures["said"]) >= 1 and all(len(said) == 10 for said in figures["said"].values())


def test_what_is_not_there_is_said(vae, monkeypatch):
    """No classifier, no stages, no test split: each a line, and the rest is drawn."""
    lines = []
    monkeypatch.setattr("tfgen.runs.analysing.Material.held_out", lambda self: None)
    monkeypatch.setattr(callbacks.Snapshots, "kept", lambda self: {})

    def none(name):
        raise ValueError("there is no classifier of it")

    monkeypatch.setattr("tfgen.runs.analysing.metrics.feature_network", none)
    assert set(analyse(vae, say=lines.append)) == {"walk", "traversals", "units"}
    drawn = {"walk.png", "steps.png", "latent.png", "neighbours.png", "units.png"}
    assert {path.name for path in vae.analysis.iterdir()} == drawn
    for words in ("train anew", "no test split", "no classifier"):
        assert any(words in line for line in lines), words


@pytest.mark.parametrize("make, words", [(False, "is no run"), (True, "holds no model yet")])
def test_a_folder_that_is_no_run(tmp_path, capsys, make, words):
    if make:
        Run(tmp_path).write_card(system="gan")
    assert command(["analyse", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert words in err and len(err.strip().splitlines()) == 1 and not (tmp_path / "analysis").exists()
