"""What the models of sound claim: SEGAN and the post-filter of the adversarial family."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen.adversarial import SEGAN, PostFilter
from tfgen.adversarial.engine import Adversarial
from tfgen.layers import VirtualBatchNormalization
from tfgen.layers.recursion import leaky_sum
from tfgen.nets.segan import segan_critic, segan_generator, segan_steps


def sounds(n=8, samples=64, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, samples)).astype("float32") / 9
    return x, x + draw.normal(size=x.shape).astype("float32") / 20


def test_leaky_sum_is_the_recursion():
    x = np.random.default_rng(0).normal(size=(2, 100, 3)).astype("float32")
    y, expected = np.zeros((2, 3)), []
    for t in range(100):
        y = 0.95 * y + x[:, t]
        expected.append(y)
    np.testing.assert_allclose(leaky_sum(tf.constant(x), 0.95), np.stack(expected, 1), rtol=1e-4, atol=1e-5)


def test_segan_s_nets_are_the_paper_s():
    """11 halvings of 16384 by kernels of 31 to 8 x 64 widths, noise as large, 11 doublings with skips; at width 1."""
    assert segan_steps(16384) == 11 and segan_steps(64) == 4
    net = segan_generator(16384, width=1, kernel=31, steps=11, noisy=True)
    down = [layer for layer in net.layers if type(layer).__name__ == "Conv1D"]
    up = [layer for layer in net.layers if type(layer).__name__ == "Conv1DTranspose"]
    assert [layer.filters for layer in down] == [1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 64]
    assert [layer.filters for layer in up] == [32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1]
    assert all(layer.kernel_size == (31,) and layer.strides == (2,) for layer in down + up)
    assert net.input_shape == (None, 8 * 64 + 16384) and net.output_shape == (None, 16384)
    assert up[0].input.shape[1:] == (8, 128)
    assert sum(type(layer).__name__ == "PReLU" for layer in net.layers) == 21
    critic = segan_critic(256, width=1, kernel=31, steps=6, reference=3)
    assert sum(isinstance(layer, VirtualBatchNormalization) for layer in critic.layers) == 6


def test_segan_s_windows_are_seamless(monkeypatch):
    """A generator that gives back what it was given: so does the whole, whatever the length."""
    monkeypatch.setattr(Adversarial, "generate", lambda self, noise, condition: condition)
    model = SEGAN((64,), width=1, kernel=5, steps=2, reference=2)
    for length in (1, 31, 64, 200, 1000):
        x = np.random.default_rng(length).normal(size=(2, length)).astype("float32")
        np.testing.assert_allclose(model.restore(x), x, atol=2e-5)


def test_segan_hears_the_noise_and_the_noisy_sound():
    """Other noise, other sounds; emphasis and its inverse cancel; without noise nothing is drawn."""
    model = SEGAN((64,), width=2, kernel=5, steps=3, reference=2)
    x, noisy = sounds()
    np.testing.assert_allclose(model.plain(model.emphasised(tf.constant(x))), x, atol=1e-5)
    assert not np.allclose(model.sample(1, noisy[0], seed=1), model.sample(1, noisy[0], seed=2))
    quiet = SEGAN((64,), width=2, kernel=5, steps=3, reference=2, noisy=False)
    assert quiet.laws == {}
    np.testing.assert_array_equal(quiet.sample(1, noisy[0], seed=1), quiet.sample(1, noisy[0], seed=2))
    assert not np.allclose(quiet.sample(1, noisy[0]), quiet.sample(1, noisy[1]))
    with pytest.raises(ValueError, match="cannot be halved"):
        SEGAN((100,), steps=5)


def test_segan_s_reference_is_the_first_batch():
    """With pre-emphasis; it stays, and no output hangs on the other sounds of a batch."""
    model = SEGAN((64,), width=2, kernel=5, steps=2, reference=2)
    model.compile()
    x, noisy = sounds()
    model.fit(x, noisy, batch_size=4, epochs=1, shuffle=False, verbose=0)
    emphasised = [model.emphasised(tf.constant(part[:2])).numpy() for part in (x, noisy)]
    np.testing.assert_allclose(model.critic.net.get_layer("reference").rows, np.concatenate(emphasised, 1), atol=1e-6)
    judge = lambda a, b: model.critic(tf.constant(a), tf.constant(b)).numpy()
    np.testing.assert_allclose(judge(x, noisy)[:3], judge(x[:3], noisy[:3]), atol=1e-5)


def test_segan_s_terms_by_hand():
    model = SEGAN((64,), width=2, kernel=5, steps=2, reference=2, noisy=False, distance=7.0)
    x, noisy = sounds()
    terms = model.generator_terms(tf.constant(x), tf.constant(noisy))
    a, b = (model.emphasised(tf.constant(part)).numpy() for part in (x, noisy))
    fake = model.generator(tf.constant(b)).numpy()
    v = model.critic(tf.constant(fake), tf.constant(b)).numpy()
    expected = 0.5 * (v - 1) ** 2 + 7 * np.abs(fake - a).mean(1)
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-4)


def test_the_post_filter_gives_texture_back():
    """Smooth spectra that lack the roughness of natural ones: the filter's have it again, within a fifth, where the two
    players circle: on the mean of twenty epochs (of eight seeds the furthest is off by .075)."""
    draw = np.random.default_rng(0)
    smooth = np.cumsum(draw.normal(size=(256, 1, 8, 1)) / 3, 2).astype("float32") * np.ones((1, 8, 1, 1), "float32")
    natural = smooth + 0.5 * draw.normal(size=smooth.shape).astype("float32")
    model = PostFilter((8, 8, 1), width=8, kernel=3, learning_rate=2e-3)
    texture, seen = lambda: model.sample(64, smooth[:64], seed=1).numpy() - smooth[:64], []
    before = texture().std()
    model.compile()
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(texture()))
    model.fit(natural, smooth, batch_size=32, epochs=40, verbose=0, callbacks=[look])
    assert abs(before - 0.5) > 0.1 > abs(np.mean([t.std() for t in seen[20:]]) - 0.5)
    assert abs(np.mean(seen[20:])) < 0.15
