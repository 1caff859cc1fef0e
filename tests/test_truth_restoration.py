"""What super-resolution's systems promise: consistency, equivariance, a slope that points to where pictures are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import bicubic, rng
from tfgen.restoration import AMAP, SRGAN, EdgeSR, SRResNet
from tfgen.restoration.srgan import spoilt
from tfgen.restoration.upscaler import continued, rolled


def uniform(*shape):
    return tf.constant(np.random.default_rng(0).uniform(size=shape), tf.float32)


@pytest.mark.parametrize("scale, channels", [(2, 1), (4, 3), (3, 3)])
def test_amap_leaves_what_was_given(scale, channels):
    """Its result, made smaller by the very function that makes training pictures smaller, is the input: of any size,
    before values are cut to 0..1."""
    model = AMAP((4 * scale, 4 * scale, channels), scale=scale, width=4, blocks=1, critic_width=2, halvings=1)
    small = uniform(1, 6, 9, channels)
    large = model.net(small)[0].numpy().astype(np.float64)
    assert large.shape == (6 * scale, 9 * scale, channels)
    np.testing.assert_allclose(bicubic.resize(large, 6, 9), small[0], atol=1e-5)
    plain = model.net.net(small)[0].numpy().astype(np.float64)
    assert np.abs(bicubic.resize(plain, 6, 9) - small[0]).max() > 0.1


def test_amap_moves_as_little_as_it_must():
    """y - f(x) is a combination of A's rows: orthogonal to whatever A does not see."""
    model = AMAP((8, 8, 1), scale=2, width=4, blocks=1, critic_width=2, halvings=1)
    small = uniform(1, 4, 4, 1)
    moved = (model.net(small) - model.net.net(small))[0, :, :, 0].numpy()
    down = bicubic.matrix(8, 4).toarray()
    unseen = np.eye(64) - np.linalg.pinv(np.kron(down, down)) @ np.kron(down, down)
    np.testing.assert_allclose(unseen @ moved.ravel(), 0, atol=1e-5)


def test_amap_s_critic_pays_for_the_reverse_divergence():
    """Of the optimal logit log p/q between two densities, the generator pays KL(q || p)."""
    p, q = np.array([0.1, 0.2, 0.7]), np.array([0.5, 0.3, 0.2])
    model = AMAP((8, 8, 1), scale=2, width=4, blocks=1, critic_width=2, halvings=1)
    paid = model.judge.game.generator(tf.constant(np.log(p / q)))
    assert float(tf.reduce_sum(q * paid)) == pytest.approx(np.sum(q * np.log(q / p)))


def test_amap_s_denoiser_gives_the_slope():
    """Of grey pictures, a denoiser that draws to a half: the generator's slope is (d(y) - y) / σ²."""
    model = AMAP((8, 8, 1), estimate="denoiser", noise=0.5, scale=2, width=4, blocks=1, critic_width=2)
    object.__setattr__(model, "judge", lambda y, training: 0.5 * (y + 0.5))
    made = uniform(2, 8, 8, 1)
    with tf.GradientTape() as tape:
        tape.watch(made)
        object.__setattr__(model, "net", lambda condition, training: made)
        loss = tf.reduce_sum(model.generator_terms(made, made)["loss"])
    np.testing.assert_allclose(tape.gradient(loss, made), -(0.5 * (made + 0.5) - made) / 0.25, atol=1e-5)


def test_amap_s_judge_learns_first():
    """Only then does the net follow: else a critic that knows nothing leads it away from where it began."""
    model = AMAP((8, 8, 1), scale=2, width=4, blocks=1, critic_width=2, halvings=1, judge_epochs=2)
    seen = []
    for _ in range(3):
        seen.append([player.turns for player in model.players().values()])
        model.after_epoch()
    assert seen == [[1, 0], [1, 0], [1, 1]]


def test_untrained_edge_sr_is_nearest_neighbours_and_moves_with_the_picture():
    model = EdgeSR((16, 16, 3), scale=4, average=0.0)
    small = uniform(1, 20, 24, 3)
    for layer in model.net.convolutions[-1:]:
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    np.testing.assert_array_equal(model.restore(small), np.kron(small, np.ones((1, 4, 4, 1))))
    layer.kernel.assign(tf.random.stateless_normal(layer.kernel.shape, [0, 1]) / 20)
    whole, part = model.restore(small).numpy(), model.restore(small[:, 2:, 3:]).numpy()
    seen = 4 * model.reach
    assert model.reach == 6 and seen + 8 < whole.shape[1]
    np.testing.assert_allclose(
        part[:, seen:-seen, seen:-seen], whole[:, 8 + seen : -seen, 12 + seen : -seen], atol=1e-6
    )


@pytest.mark.parametrize("fold", [1, 2])
def test_reach_is_what_is_seen(fold):
    """No pixel farther off changes anything, and some that far do."""
    model = EdgeSR((16, 16, 3), scale=2, depth=1, width=8, fold=fold, average=0.0)
    small = uniform(1, 40, 40, 3).numpy()
    changed = small.copy()
    changed[:, :20] += 1 - 2 * changed[:, :20]
    apart = (model.restore(small) != model.restore(changed)).numpy().any((0, 2, 3))
    last = int(np.flatnonzero(apart).max())
    assert 2 * (20 + model.reach - fold) <= last + 2 * fold and last < 2 * (20 + model.reach)


def test_average_is_what_it_says():
    """The first steps are forgotten sooner: step k keeps k / (10 + k), and never more than the decay."""
    x = uniform(16, 8, 8, 3)
    small = tf.nn.avg_pool2d(x, 2, 2, "VALID")
    model = EdgeSR((8, 8, 3), scale=2, width=4, depth=1, average=0.5)
    model.compile()
    seen = [model.net.trainable_variables[0].numpy()]
    expected = seen[0]
    for step in (1, 2, 3):
        model.fit(x, small, batch_size=16, verbose=0)
        seen.append(model.net.trainable_variables[0].numpy())
        keep = min(0.5, step / (10 + step))
        expected = keep * expected + (1 - keep) * seen[-1]
    np.testing.assert_allclose(model.averages[0].numpy(), expected, rtol=1e-5)
    assert not np.allclose(expected, seen[-1])


@pytest.mark.parametrize("height, width, margin", [(9, 7, 6), (4, 5, 11), (3, 3, 0)])
def test_crops_are_continued_as_in_a_mirror(height, width, margin):
    small = uniform(2, height, width, 3)
    beyond = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
    np.testing.assert_array_equal(continued(small, margin), np.pad(small, beyond, mode="symmetric"))


@pytest.mark.parametrize("loss", ["absolute", "luma"])
def test_edge_sr_s_loss_by_hand(loss):
    """Of a net that sees the crop continued by its reach, in training and in validation."""
    model = EdgeSR((24, 24, 3), scale=4, width=4, depth=1, loss=loss, average=0.0)
    large, small = uniform(2, 24, 24, 3), uniform(2, 6, 6, 3)
    seen = np.pad(small, [(0, 0), (3, 3), (3, 3), (0, 0)], mode="symmetric")
    made = model.net(seen)[:, 12:-12, 12:-12].numpy()
    for restored, training in ((made, True), (np.clip(made, 0, 1), False)):
        e = large.numpy() - restored
        bright = e @ np.array([65.481, 128.553, 24.966]) / 255
        expected = np.abs(e).mean((1, 2, 3))
        if loss == "luma":
            expected = 20 * ((bright**2).mean((1, 2)) + (e**2).mean((1, 2, 3)) / 10)
        np.testing.assert_allclose(model.loss_terms(large, small, training=training)["loss"], expected, rtol=1e-4)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_srresnet_is_the_paper_s(scale):
    """Its number of weights by hand (ours counts PReLU once for each channel), and the size of what it makes."""
    model = SRResNet((12, 12, 3), scale=scale)
    normed = 9 * 64 * 64 + 64 + 4 * 64
    ups = {2: [256], 3: [576], 4: [256, 256]}[scale]
    count = (81 * 3 * 64 + 64 + 64) + 16 * (2 * normed + 64) + normed + (81 * 64 * 3 + 3)
    count += sum(9 * 64 * filters + filters + 64 for filters in ups)
    assert model.net.count_params() == count
    assert model.restore(uniform(1, 3, 5, 3)).shape == (1, 3 * scale, 5 * scale, 3)


def test_pictures_are_rolled_alike():
    x = uniform(2, 8, 8, 3)
    seen = set()
    for i in range(40):
        one, other = rolled([x, 2 * x], 2, rng.as_seed(i))
        np.testing.assert_array_equal(other, 2 * one)
        seen.add(next(s for s in np.ndindex(2, 2) if np.array_equal(one, np.roll(x, s, (1, 2)))))
    assert len(seen) == 4


@pytest.mark.parametrize("system", [SRGAN, AMAP])
def test_critics_see_pictures_rolled(system):
    """Real and made ones alike, each time by other steps; the generator's, too."""
    model = system((8, 8, 3), scale=2, width=4, blocks=1, critic_width=2, halvings=1)
    critic, x, seen = model.critic if system is SRGAN else model.judge, uniform(2, 8, 8, 3), []
    play, fooled = critic.play, critic.fooled
    object.__setattr__(critic, "play", lambda real, fake, **k: seen.append((real, fake)) or play(real, fake, **k))
    object.__setattr__(critic, "fooled", lambda made, **k: seen.append((None, made)) or fooled(made, **k))
    judge = model.critic_terms if system is SRGAN else model.judge_terms
    steps, made = {"critic": set(), "generator": set()}, model.net(x[:, ::2, ::2], training=True)
    for i in range(30):
        for player, terms in {"critic": judge, "generator": model.generator_terms}.items():
            with rng.stream(rng.as_seed(i)):
                terms(x, x[:, ::2, ::2])
            real, fake = seen.pop()
            at = next(s for s in np.ndindex(2, 2) if np.allclose(fake, np.roll(made, s, (1, 2)), atol=1e-5))
            steps[player].add(at)
            assert real is None or np.array_equal(real, np.roll(x, at, (1, 2)))
    assert all(len(found) == 4 for found in steps.values())


def test_untrained_srresnet_s_blocks_change_little():
    """Without norms sixteen blocks would else make features 25 times as large as one does."""
    spread = lambda blocks: np.std(SRResNet((16, 16, 3), width=16, blocks=blocks, norm=False).net(uniform(1, 8, 8, 3)))
    assert 0.5 < spread(16) / spread(1) < 2


def test_srgan_s_features():
    """They are learnt before the game, and stay as they are in it; distances are of features, relative to their size,
    at three depths, and zero of the same."""
    model = SRGAN((8, 8, 3), scale=2, width=4, blocks=1, critic_width=2, halvings=1, features_width=4)
    x = uniform(4, 8, 8, 3)
    assert [player.turns for player in model.players().values()] == [1, 0, 1]
    np.testing.assert_allclose(model.content(x, x), 0)
    seen = model.look(x)
    assert [f.shape for f in seen] == [(4, 8, 8, 4), (4, 4, 4, 8), (4, 2, 2, 16)]
    far = [tf.reduce_mean((f - f[::-1]) ** 2, [1, 2, 3]) / tf.reduce_mean(f**2, [1, 2, 3]) for f in seen]
    np.testing.assert_allclose(model.content(x, x[::-1]), tf.add_n(far), rtol=1e-2)
    for _ in range(2):
        model.after_epoch()
    assert [player.turns for player in model.players().values()] == [1, 1, 0]


def test_what_srgan_s_features_are_learnt_by():
    """A net learns in which way pictures were spoilt, and each way but the first spoils."""
    model = SRGAN((8, 8, 3), scale=2, width=4, blocks=1, critic_width=2, halvings=1, features_width=8)
    smooth = tf.image.resize(uniform(64, 4, 4, 3), (8, 8))
    same, *others = spoilt(smooth, tf.random.stateless_normal(smooth.shape, [0, 1]))
    assert same is smooth
    soft, blocks, _, sharp = others
    np.testing.assert_allclose(blocks[:, ::2, ::2], blocks[:, 1::2, 1::2])
    rough = lambda x: float(tf.reduce_mean(tf.image.total_variation(x)))
    assert rough(soft) < rough(smooth) < rough(sharp)
    adam, weights, told = keras.optimizers.Adam(1e-2), model.reader.trainable_variables, []
    for i in range(50):
        with rng.stream(rng.as_seed(i)), tf.GradientTape() as tape:
            terms = model.reader_terms(smooth)
            loss = tf.reduce_mean(terms["loss"])
        adam.apply(tape.gradient(loss, weights), weights)
        told.append(float(tf.reduce_mean(terms["told"])))
    assert np.mean(told[-10:]) > 0.45 > np.mean(told[:2])


def test_crops_that_the_scale_does_not_divide():
    with pytest.raises(ValueError, match="multiples of scale=3"):
        SRResNet((8, 8, 3), scale=3)
