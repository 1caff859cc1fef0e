"""The games by hand and at their optimum."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

from tfgen import losses
from tfgen.adversarial import GAN, Adversarial


def test_games_by_hand():
    """D = 0.9 on a real example, D = 0.2 on a generated one."""
    logit = lambda d: tf.constant([np.log(d / (1 - d))], tf.float32)  # noqa: E731
    real, fake = logit(0.9), logit(0.2)
    for name in losses.GAMES:
        assert float(losses.game(name).critic(real, fake)[0]) == pytest.approx(-np.log(0.9) - np.log(0.8), abs=1e-5)
    assert float(losses.game("minimax").generator(fake)[0]) == pytest.approx(np.log(0.8), abs=1e-5)
    assert float(losses.game("non_saturating").generator(fake)[0]) == pytest.approx(-np.log(0.2), abs=1e-5)
    with pytest.raises(ValueError, match="non_saturating"):
        losses.game("non_saturatng")


def test_the_optimal_critic_of_a_discrete_world():
    """Descent on the critic's loss over a table of logits ends at p/(p+q), at the value -log 4 + 2 JSD."""
    p, q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.4])
    game, logits = losses.game("minimax"), tf.Variable(np.zeros(4, "float32"))

    @tf.function
    def step():
        with tf.GradientTape() as tape:  # the loss is a sum of a part on real and a part on generated examples
            big = tf.constant([40.0])
            loss = tf.reduce_sum(p.astype("float32") * game.critic(logits, -big)) + tf.reduce_sum(q.astype("float32") * game.critic(big, logits))
        logits.assign_sub(0.5 * tape.gradient(loss, logits))
        return loss

    for _ in range(3000):
        loss = step()
    best = oracles.optimal_critic(p, q)
    np.testing.assert_allclose(tf.sigmoid(logits), best, atol=2e-3)
    assert -float(loss) == pytest.approx(oracles.gan_value(p, q, best), abs=1e-4)
    assert -float(loss) == pytest.approx(2 * oracles.jensen_shannon(p, q) - np.log(4), abs=1e-4)


def test_the_critic_takes_its_turns():
    model = GAN((2,), values="real", latent=2, hidden=(4,), turns=3)
    model.compile()
    model.fit(np.random.default_rng(0).normal(size=(60, 2)).astype("float32"), batch_size=30, epochs=2, verbose=0)
    assert int(model.optimizers["critic"].iterations) == 12 and int(model.optimizers["generator"].iterations) == 4


@pytest.mark.parametrize("game", losses.GAMES)
def test_generated_points_move_to_the_data(game):
    """From a mean of 0 to the data's (3, -1), the generator a translation, the critic linear: both games must."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal((3, -1), 0.5, (512, 2)).astype("float32")
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    generator.set_weights([np.eye(2) * 0.5, np.zeros(2)])
    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1)])
    model = Adversarial((2,), generator, critic, values="real", game=game)
    model.compile(keras.optimizers.Adam(3e-3, beta_1=0.5))
    start = np.linalg.norm(model.sample(500, seed=1).numpy().mean(0) - (3, -1))
    model.fit(x, batch_size=64, epochs=75, verbose=0)
    end = np.linalg.norm(model.sample(500, seed=1).numpy().mean(0) - (3, -1))
    assert end < 0.5 * start, (start, end)
