"""The adversarial family: the engine and its tricks, the papers with classes of their own, and everything with
everything."""

import itertools

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
from scipy import stats
from test_truth_games import ALL_GAMES, P, Q, one_line, softplus

from tfgen import adversarial, callbacks, losses, rng
from tfgen.adversarial import BEGAN, GAN, GMMN, Adversarial, Composed, Disco, InfoGAN, JointGAN
from tfgen.model import GenerativeModel, Player
from tfgen.parts import Critic

SEED = tf.constant([3, 5], tf.int64)


# -- the engine --------------------------------------------------------------------------------------------------------


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def summing(units, bias=0.0):
    """A critic that adds up what it sees."""
    net = keras.Sequential(
        [keras.Input(units if isinstance(units, tuple) else (units,)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    net.set_weights([np.ones_like(net.get_weights()[0]), np.full(1, bias)])
    return net


def constant(shape, latent=2, told=0):
    """A generator of zeros."""
    net = keras.Sequential(
        [keras.Input((latent + told,)), keras.layers.Dense(int(np.prod(shape))), keras.layers.Reshape(shape)]
    )
    net.set_weights([np.zeros_like(w) for w in net.get_weights()])
    return net


def test_packing_puts_neighbours_side_by_side():
    vectors, pictures = tf.constant(numbers(4, 3)), tf.constant(numbers(4, 2, 3, 2))
    model = Adversarial((3,), constant((3,)), summing(6), packing=2)
    np.testing.assert_array_equal(
        model.critic.pack(vectors, True),
        [np.concatenate([vectors[0], vectors[1]]), np.concatenate([vectors[2], vectors[3]])],
    )
    beside = np.stack([np.concatenate([pictures[2 * i], pictures[2 * i + 1]], -1) for i in range(2)])
    np.testing.assert_array_equal(
        Adversarial((2, 3, 2), constant((2, 3, 2)), summing((2, 3, 4)), packing=2).critic.pack(pictures, True), beside
    )
    five = np.concatenate([vectors, numbers(1, 3, seed=1)])
    sums = five.sum(-1)
    for training, expected in (
        (True, [sums[0] + sums[1], sums[2] + sums[3]]),
        (False, [sums[0] + sums[1], sums[2] + sums[3], sums[4] + sums[0]]),
    ):
        with rng.stream(SEED):
            terms = model.critic_terms(tf.constant(five), training=training)
        np.testing.assert_allclose(terms["real"], expected, rtol=1e-5)
        np.testing.assert_array_equal(terms["fake"], np.zeros(len(expected)))
    model.compile(run_eagerly=True)
    assert model.evaluate(five, batch_size=2, verbose=0, return_dict=True)["critic_fake"] == 0
    assert Critic.seen_shape((4, 4, 1), 3, 2, maps=True) == (4, 4, 8)
    assert Critic.seen_shape((4, 4, 1), 3, 2) == (38,) and Critic.seen_shape((5,), 3, 2) == (16,)


def test_the_critic_is_told_the_condition():
    """Pictures: the labels of a pack as channels, the same everywhere; vectors, and pictures as vectors: behind the
    examples."""
    x, labels = numbers(4, 2, 2, 1), np.array([2, 1, 0, 1])
    hot = np.eye(3)[labels]
    for maps, shape in ((True, (2, 2, 1)), (False, (2, 2, 1)), (False, (4,))):
        seen_shape, rows = Critic.seen_shape(shape, 3, 2, maps=maps), x.reshape(4, *shape)
        model = Adversarial(shape, constant(shape, told=3), summing(seen_shape), condition=3, packing=2)
        seen, call = [], model.critic.net.call
        vars(model.critic.net)["call"] = lambda pack, call=call, seen=seen, **kwargs: (
            seen.append(np.array(pack)) or call(pack, **kwargs)
        )
        model.critic(tf.constant(rows), labels, training=True)
        told = np.stack([np.concatenate([hot[2 * i], hot[2 * i + 1]]) for i in range(2)])
        assert seen[0].shape == (2, *seen_shape)
        if maps:
            np.testing.assert_array_equal(
                seen[0][..., :2], np.stack([np.concatenate([x[0], x[1]], -1), np.concatenate([x[2], x[3]], -1)])
            )
            np.testing.assert_array_equal(seen[0][..., 2:], np.broadcast_to(told[:, None, None], (2, 2, 2, 6)))
        else:
            np.testing.assert_array_equal(seen[0], np.concatenate([rows.reshape(2, 8), told], -1))


def test_one_call_judges_as_two_do():
    """The same losses, and one call of the critic in place of two; two where an example's output hangs on the others',
    or slopes are asked for."""
    x, labels = tf.constant(numbers(8, 8, 8, 1)), np.arange(8) % 3
    calls = []
    chosen = (
        ("layer", (), 0),
        ("spectral", ("gradient_penalty",), 0),
        ("none", ("r1",), 0),
        ("batch", (), 0),
        ("none", (), 2),
    )
    for norm, penalties, minibatch in chosen:
        model = Composed(
            (8, 8, 1),
            condition=3,
            net="dcgan",
            width=4,
            critic_norm=norm,
            penalties=penalties,
            minibatch=minibatch,
            packing=2,
        )
        sizes, call = [], model.critic._reader.call
        vars(model.critic._reader)["call"] = lambda pack, call=call, sizes=sizes, **kwargs: (
            sizes.append(len(pack)) or call(pack, **kwargs)
        )
        terms = []
        for _ in range(2):
            with rng.stream(SEED):
                terms.append(model.critic_terms(x, labels, training=False))
            vars(model.critic)["together"] = False
        for one, two in zip(terms[0].values(), terms[1].values(), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
        calls.append(sizes)
    assert calls == [[8, 4, 4], [8, 4, 4, 4, 4], *[[4, 4, 4, 4]] * 3]


def test_what_a_gan_cannot_be_made_of():
    gan = lambda **arguments: lambda: GAN((2,), values="real", **arguments)
    one_line("r1 stands there twice", gan(penalties=("r1:1", "r1:5")))
    one_line("critic_hidden=0: expected|critic_hidden=\\(0,\\): expected", gan(critic_hidden=(0,)))
    one_line("learning_rate=0: expected|learning_rate=0.0: expected", gan(critic_learning_rate=0.0))
    one_line("there is no activation", gan(activation="rellu"))
    one_line("net='foo': expected one of auto, mlp", lambda: BEGAN((2,), net="foo"))
    one_line("FGAN plays no game 'hinge'", lambda: adversarial.FGAN((2,), game="hinge"))
    one_line("BGAN plays no game 'kl'", lambda: adversarial.BGAN((2,), game="kl"))
    one_line("clip=0: expected a number above 0", lambda: adversarial.MMDGAN((2,), clip=0))
    one_line(r"dropout=2(.0)?: expected", lambda: GMMN((2,), code=2, dropout=(2.0, 0.0)))
    one_line("gamma=-1: expected", lambda: Disco((2,), gamma=-1))
    one_line("information=-1: expected", lambda: InfoGAN((2,), information=-1))
    one_line("no categorical code", lambda: InfoGAN((2,), hidden=(3,), categories=()).cluster(tf.zeros([1, 2])))
    one_line(r"condition=None: CGAN is told a condition", lambda: adversarial.CGAN((2,), condition=None))
    one_line(r"hidden=64: expected a tuple, such as hidden=\(64,\)", gan(hidden=64))
    one_line(r"bandwidths=1.0: expected a tuple", lambda: adversarial.MMDGAN((2,), bandwidths=1.0))
    one_line("turns=2.5: expected a whole number", gan(turns=2.5))
    one_line("history=nan: expected", gan(history=float("nan")))


@pytest.mark.parametrize(
    ("told", "generator", "critic", "arguments", "expected"),
    [
        (
            0,
            constant((3,)),
            summing(2),
            {},
            r"the generator makes examples of shape \(3,\), and the model's are \(2,\)",
        ),
        (10, constant((2,)), summing(12), {}, r"the generator takes \(2,\): expected \(latent \+ 10,\)"),
        (0, constant((2,)), summing(3), {}, r"the critic takes \(3,\): expected \(2,\)"),
        (0, constant((2,)), summing(2), {"packing": 2}, r"the critic takes \(2,\): expected \(4,\)"),
        (10, constant((2,), told=10), summing(2), {}, r"the critic takes \(2,\): expected \(12,\)"),
        (0, constant((2,)), constant((2,)), {}, r"the critic gives \(2,\) for an example: expected one output"),
    ],
)
def test_nets_of_ones_own_that_do_not_fit(told, generator, critic, arguments, expected):
    one_line(expected, lambda: Adversarial((2,), generator, critic, condition=told or None, **arguments))


def test_nets_and_optimizers_of_ones_own_are_saved(tmp_path):
    """What makes the optimizers is no configuration: the model comes back with those that it was compiled with."""
    model = Adversarial((2,), constant((2,)), summing(2))
    model.compile({"critic": keras.optimizers.SGD(0.03, momentum=0.5)})
    model.fit(numbers(8, 2), batch_size=4, verbose=0)
    model.save(tmp_path / "own.keras")
    again = Adversarial.load(tmp_path / "own.keras")
    assert isinstance(again.optimizers["critic"], keras.optimizers.SGD) and float(
        again.optimizers["critic"].learning_rate
    ) == pytest.approx(0.03)
    for part in (model, again):
        part.fit(numbers(8, 2, seed=1), batch_size=4, initial_epoch=1, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_averages_over_three_steps():
    """The moving average and the mean of the past begin at the weights after the first step, and the price of the
    distance from the past is paid."""
    model = Composed(
        (2,),
        latent=2,
        hidden=(3,),
        average=0.9,
        history=0.5,
        clip=0.05,
        game="wasserstein",
        learning_rate=0.01,
    )
    model.compile(steps_per_execution=1)
    x, noise = numbers(8, 2), numbers(5, 2, seed=3)
    slow, past = None, {"critic": [], "generator": []}
    for _ in range(3):
        model.train_step(tf.constant(x))
        weights = [v.numpy() for v in model.generator.variables]
        slow = weights if slow is None else [0.9 * old + 0.1 * new for old, new in zip(slow, weights, strict=True)]
        for name, net in (("critic", model.critic), ("generator", model.generator)):
            past[name].append([v.numpy() for v in net.trainable_variables])
            for i, mean in enumerate(model.memory[name].past):
                np.testing.assert_allclose(mean.numpy(), np.mean([then[i] for then in past[name]], 0), atol=1e-6)
        assert max(np.abs(v.numpy()).max() for v in model.critic.trainable_variables) == pytest.approx(0.05)
    for ours, expected in zip(model.average.averages, slow, strict=True):
        np.testing.assert_allclose(ours.numpy(), expected, atol=1e-6)
    twin = keras.models.clone_model(model.generator)
    twin.set_weights(slow)
    np.testing.assert_allclose(model.generate(tf.constant(noise)), twin(noise), atol=1e-6)
    assert np.abs(model.generator(noise) - twin(noise)).max() > 1e-4
    for name, terms in (("critic", model.critic_terms), ("generator", model.generator_terms)):
        with rng.stream(SEED):
            paid = terms(tf.constant(x))
        far = sum(((w[-1] - np.mean(w, 0)) ** 2).sum() for w in zip(*past[name], strict=True))
        with rng.stream(SEED):
            model.history_weight = 0.0
            free = terms(tf.constant(x))
            model.history_weight = 0.5
        np.testing.assert_allclose(paid["loss"] - free["loss"], 0.5 * far, rtol=1e-3)


def test_feature_matching_by_hand():
    model = Composed((2,), latent=2, hidden=(3,), critic_hidden=(4,), feature_matching=True)
    x = numbers(6, 2)
    with rng.stream(SEED):
        loss = model.generator_terms(tf.constant(x))["loss"]
    with rng.stream(SEED):
        fake = np.array(model.generator(model.noise(6, rng.new_seed())))
    W, b, *_ = model.critic.net.get_weights()
    leaky = lambda v: np.where(v > 0, v, 0.2 * v)
    assert float(loss) == pytest.approx(((leaky(x @ W + b).mean(0) - leaky(fake @ W + b).mean(0)) ** 2).sum(), rel=1e-4)
    one_line("named 'features'", lambda: Adversarial((2,), constant((2,)), summing(2), feature_matching=True))


def test_a_label_outside_the_classes_in_a_later_batch():
    model = adversarial.CGAN((2,), condition=3, latent=2, hidden=(3,))
    model.compile()
    labels = np.arange(12) % 3
    labels[9] = 7
    rows = tf.data.Dataset.from_tensor_slices((numbers(12, 2), labels)).batch(4)
    one_line("a label outside the classes; this model takes labels in 0..2", lambda: model.fit(rows, verbose=0))


def test_a_batch_too_small_for_turns_and_packs():
    model = GAN((2,), values="real", latent=2, hidden=(3,), turns=2, packing=2)
    model.compile(run_eagerly=True)
    one_line("a step needs 4", lambda: model.fit(numbers(6, 2), batch_size=3, verbose=0))
    one_line("leave a batch of 2", lambda: model.fit(numbers(6, 2), batch_size=4, verbose=0))
    model.fit(numbers(8, 2), batch_size=4, verbose=0)
    assert int(model.optimizers["critic"].iterations) == 4 and int(model.optimizers["generator"].iterations) == 2


def test_turns_see_their_share(monkeypatch):
    """Turn t of the critic sees x[t::3]; the generator's conditions are those of its first share."""
    model = Adversarial((1,), constant((1,), told=4), summing(5), condition=4, turns=3)
    model.compile()
    seen = {"critic": [], "generator": []}
    for name in seen:
        terms = getattr(model, f"{name}_terms")
        spy = lambda x, c, training=True, name=name, terms=terms: (
            seen[name].append((np.ravel(x), np.array(c))) or terms(x, c, training)
        )
        vars(model)[f"{name}_terms"] = spy
    made = []
    vars(model)["fake"] = lambda x, c, training, fake=model.fake: made.append(np.array(c)) or fake(x, c, training)
    x, c = np.arange(6, dtype="float32"), np.array([0, 1, 2, 3, 0, 1])
    model.train_step((tf.constant(x[:, None]), tf.constant(c)))
    for t, (values, told) in enumerate(seen["critic"]):
        np.testing.assert_array_equal(values, x[t::3])
        np.testing.assert_array_equal(told, c[t::3])
    assert len(seen["critic"]) == 3
    np.testing.assert_array_equal(seen["generator"][0][0], x)
    np.testing.assert_array_equal(made[3], c[::3])


def test_schedule_moves_a_penalty():
    """Nothing learns, and the generator makes zeros:
    between two epochs the critic's loss differs by the weight alone."""
    model = Adversarial((2,), constant((2,)), summing(2), penalties=("r1:7",))
    assert float(model.critic.r1) == 7
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    weights = (0.5, 2.0, 0.0)
    history = model.fit(
        numbers(8, 2),
        batch_size=8,
        epochs=3,
        verbose=0,
        callbacks=[callbacks.Schedule("r1", lambda epoch: weights[epoch])],
    ).history
    assert history["critic_r1"] == pytest.approx([1.0] * 3)  # |(1, 1)|² / 2
    assert np.array(history["critic_loss"]) - history["critic_loss"][2] == pytest.approx(np.array(weights), abs=1e-5)


# -- papers with a class of their own ----------------------------------------------------------------------------------


def test_began_by_hand():
    model = BEGAN((3,), latent=2, hidden=(4,), gamma=0.5, rate=0.1)
    x = numbers(6, 3)
    for start, rate, gamma, expected in ((0.3, 0.1, 0.5, None), (0.9, 1000.0, 5.0, 1.0), (0.2, 1000.0, 0.001, 0.0)):
        model.k.assign(start)
        model.gamma, model.rate = gamma, rate
        with rng.stream(SEED):
            critic, generator = model.critic_terms(tf.constant(x)), model.generator_terms(tf.constant(x))
        with rng.stream(SEED):
            fakes = [np.array(model.generator(2 * rng.uniform([6, 2], rng.new_seed()) - 1)) for _ in range(2)]
        lost = lambda v: np.abs(v - np.array(model.decoder(model.encoder(v)))).mean(-1)
        real, first, second = lost(x), lost(fakes[0]), lost(fakes[1])
        np.testing.assert_allclose(critic["loss"], real - start * first, rtol=1e-4, atol=1e-6)
        assert float(critic["convergence"]) == pytest.approx(
            real.mean() + abs(gamma * real.mean() - first.mean()), rel=1e-5
        )
        np.testing.assert_allclose(generator["loss"], second, rtol=1e-4)
        moved = start + rate * (gamma * real.mean() - second.mean())
        assert float(model.k) == pytest.approx(np.clip(moved, 0, 1) if expected is None else expected, abs=1e-6)
        assert expected is not None or 0 < moved < 1
        before = float(model.k)
        with rng.stream(SEED):
            model.generator_terms(tf.constant(x), training=False)
        assert float(model.k) == before


class _Third:
    """A generator on three states: 0 with probability 1/2, 1 with 0.3, 2 with 0.2."""

    input_shape = (None, 1)

    def __call__(self, z, training=False):
        state = tf.cast(z[:, 0] >= 0.0, tf.float32) + tf.cast(z[:, 0] >= 0.6, tf.float32)
        return tf.stack([state, -state], -1)


def test_joint_gan_takes_a_candidate_by_its_share():
    """Of three candidates one is taken by p(y | x): the exact frequencies by enumeration of all 27 triples. Without a
    label, the generator's own."""
    prior, shares = np.array([0.5, 0.3, 0.2]), np.array([[0.9, 0.1], [0.4, 0.6], [0.02, 0.98]])
    model = JointGAN((2,), condition=3, values="real", latent=1, hidden=(2,), critic_hidden=(2,), candidates=3)
    states = lambda x: tf.cast(x[:, 0], tf.int32)
    vars(model).update(
        generator=_Third(), classify=lambda x: tf.gather(tf.constant(np.log(shares) + 5, tf.float32), states(x))
    )
    n = 40000
    for label in (0, 1, 2):
        exact = np.zeros(3)
        for triple in itertools.product(range(3), repeat=3):
            weight = shares[list(triple), label] if label < 2 else np.ones(3)
            for state, share in zip(triple, weight / weight.sum(), strict=True):
                exact[state] += np.prod(prior[list(triple)]) * share
        x = model.sample(n, label, seed=label)
        np.testing.assert_array_equal(x[:, 0], -x[:, 1])
        share = np.bincount(states(x), minlength=3) / n
        assert oracles.total_variation(share, exact) < oracles.expected_total_variation(exact, n) + np.sqrt(
            np.log(1e6) / (2 * n)
        )
        if label == 2:
            np.testing.assert_allclose(exact, prior)
        else:
            assert oracles.total_variation(exact, prior) > 0.1


def test_joint_gan_by_hand():
    """D = Z / (Z + 1) on unlabelled and generated examples, cross-entropy on labelled ones, with labels 2 = none."""
    model = JointGAN(
        (2,), condition=3, values="real", latent=2, hidden=(3,), critic_hidden=(4,), noise_in=0.0, noise_hidden=0.0
    )
    x, labels = numbers(5, 2), np.array([0, 2, 1, 2, 2])
    with rng.stream(SEED):
        terms = model.critic_terms(tf.constant(x), tf.constant(labels), training=False)
    with rng.stream(SEED):
        fake = np.array(model.generator(2 * rng.uniform([5, 2], rng.new_seed()) - 1, training=False))
    logits, fake_logits = (np.float64(model.classify(tf.constant(rows))) for rows in (x, fake))
    Z, fake_Z = (np.exp(rows).sum(-1) for rows in (logits, fake_logits))
    p = np.exp(logits) / Z[:, None]
    assert float(terms["labelled"]) == pytest.approx(-(np.log(p[0, 0]) + np.log(p[2, 1])) / 2, rel=1e-4)
    assert float(terms["unlabelled"]) == pytest.approx(-np.log(Z / (Z + 1))[[1, 3, 4]].mean(), rel=1e-4)
    assert float(terms["generated"]) == pytest.approx(-np.log(1 - fake_Z / (fake_Z + 1)).mean(), rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(
        float(terms["labelled"] + terms["unlabelled"] + terms["generated"]), rel=1e-5
    )
    assert float(terms["error"]) == pytest.approx(np.mean([p[0].argmax() != 0, p[2].argmax() != 1]))
    g, v, b, *_ = model.critic.get_weights()
    features = lambda rows: np.maximum(rows @ (g * v / np.linalg.norm(v, axis=0)) + b, 0)
    for told, of in (
        (labels, [1, 3, 4]),
        (np.array([0, 1, 1, 0, 1]), [0, 1, 2, 3, 4]),
    ):  # the unlabelled examples; all, where there are none
        with rng.stream(SEED):
            loss = model.generator_terms(tf.constant(x), tf.constant(told), training=False)["loss"]
        assert float(loss) == pytest.approx(np.mean((features(x[of]).mean(0) - features(fake).mean(0)) ** 2), rel=1e-4)


def test_infogan_by_hand():
    model = InfoGAN((2,), latent=2, categories=(3, 2), codes=2, hidden=(4,), information=0.7, information_codes=0.3)
    x = numbers(6, 2)
    with rng.stream(SEED):
        terms = model.generator_terms(tf.constant(x), training=False)
    with rng.stream(SEED):
        critic = model.critic_terms(tf.constant(x), training=False)
    with rng.stream(SEED):
        noise = {name: np.array(t) for name, t in model.noise(6, rng.new_seed()).items()}
    first, second = np.floor(noise["category"] * [3, 2]).astype(int).T
    fake = np.array(
        model.generator(
            np.concatenate([noise["z"], np.eye(3)[first], np.eye(2)[second], noise["code"]], -1), training=False
        )
    )
    np.testing.assert_allclose(model.generate({name: tf.constant(t) for name, t in noise.items()}), fake, rtol=1e-5)
    W, b, w, c = model.critic.net.get_weights()
    features = np.float64(fake @ W + b)
    features = np.where(features > 0, features, 0.2 * features)
    read = np.float64(model.Q(features.astype("float32"), training=False))
    log_softmax = lambda v: v - np.log(np.exp(v).sum(-1, keepdims=True))
    lost = [-log_softmax(read[:, :3])[range(6), first], -log_softmax(read[:, 3:5])[range(6), second]]
    codes = -stats.norm.logpdf(noise["code"], read[:, 5:7], np.exp(np.clip(read[:, 7:], -3, 3))).sum(-1)
    for name, expected in (("category_0", lost[0]), ("category_1", lost[1]), ("codes", codes)):
        np.testing.assert_allclose(terms[name], expected, rtol=1e-4)
    information = 0.7 * (lost[0] + lost[1]) + 0.3 * codes
    v = (features @ w + c)[:, 0]
    np.testing.assert_allclose(terms["loss"], softplus(-v) + information, rtol=1e-4)
    np.testing.assert_allclose(
        critic["loss"], softplus(-np.float64(critic["real"])) + softplus(v) + information, rtol=1e-4
    )
    encoded = np.array(model.encode(tf.constant(x)))
    np.testing.assert_allclose([encoded[:, :3].sum(-1), encoded[:, 3:5].sum(-1)], 1, rtol=1e-5)
    assert encoded.shape == (6, 7)
    even = (np.arange(60, dtype="float32") + 0.5) / 60
    for i, picked in enumerate(model.picked({"category": tf.constant(np.stack([even, even], -1))})):
        k = model.categories[i]
        np.testing.assert_array_equal(np.argmax(picked, -1), np.repeat(np.arange(k), 60 // k))
    last = model.picked({"category": tf.fill([1, 2], np.nextafter(np.float32(1), np.float32(0)))})
    np.testing.assert_array_equal(last[0], [[0, 0, 1]])


def test_disco_by_hand():
    """The score by loops; and over all that may come up on four points, its expectation is least where the generator
    has the data's distribution."""
    model = Disco((2,), latent=2, hidden=(4,), condition=3, samples=3, beta=1.3)
    x, labels = numbers(4, 2), np.array([0, 2, 1, 2])
    with rng.stream(SEED):
        terms = model.loss_terms(tf.constant(x), tf.constant(labels))
    with rng.stream(SEED):
        noise = np.array(model.noise(12, rng.new_seed()))
    fake = np.array(model.generator(np.concatenate([noise, np.eye(3)[np.repeat(labels, 3)]], -1))).reshape(4, 3, 2)
    distance = lambda a, b: np.sum((a - b) ** 2) ** 0.65
    for n in range(4):
        near = np.mean([distance(x[n], fake[n, k]) for k in range(3)])
        spread = np.sum([distance(fake[n, k], fake[n, m]) for k in range(3) for m in range(3) if m != k]) / 6
        assert float(terms["loss"][n]) == pytest.approx(near - spread / 2, rel=1e-4)

    model, places = Disco((1,), latent=1, hidden=(2,)), np.array([[0.0], [1.0], [2.5], [4.0]], "float32")
    triples = np.array(list(itertools.product(range(4), repeat=3)))  # what is so, and two samples
    vars(model)["generate"] = lambda *_: tf.constant(places[triples[:, 1:].ravel()])
    score = np.array(model.loss_terms(tf.constant(places[triples[:, 0]]))["loss"], float)
    expected = lambda q: np.sum(P[triples[:, 0]] * q[triples[:, 1]] * q[triples[:, 2]] * score)
    others = np.random.default_rng(0).dirichlet(np.ones(4), 300)
    assert min(expected(q) - expected(P) for q in others) > 0
    assert expected(0.99 * P + 0.01 * Q) > expected(P)


def test_gmmn_by_hand():
    model = GMMN((2,), latent=2, hidden=(3,), values="real", condition=2, bandwidths=(0.5, 2.0))
    x, labels = numbers(5, 2), np.array([0, 1, 1, 0, 1])
    with rng.stream(SEED):
        loss = model.loss_terms(tf.constant(x), tf.constant(labels))["loss"]
    with rng.stream(SEED):
        noise = 2 * np.array(rng.uniform([5, 2], rng.new_seed())) - 1
    hot = np.eye(2)[labels]
    fake = np.concatenate([model.generator(np.concatenate([noise, hot], -1)), hot], -1)
    real = np.concatenate([x, hot], -1)
    kernel = lambda a, b: sum(np.exp(-np.sum((a - b) ** 2) / (2 * s)) for s in (0.5, 2.0))
    mean = lambda a, b: np.mean([kernel(r, s) for r in a for s in b])
    assert float(loss) == pytest.approx(np.sqrt(mean(real, real) - 2 * mean(real, fake) + mean(fake, fake)), rel=1e-4)


def test_gmmn_matches_codes():
    """With an auto-encoder the statistic is one of codes between 0 and 1, and samples are decoded."""
    model = GMMN((2,), latent=2, hidden=(3,), values="real", code=3, dropout=(0.0, 0.0), bandwidths=(0.5,))
    x = numbers(6, 2)
    with rng.stream(SEED):
        loss = model.loss_terms(tf.constant(x))["loss"]
    with rng.stream(SEED):
        noise = model.noise(6, rng.new_seed())
    codes, fake = 1 / (1 + np.exp(-np.array(model.encoder(x)))), np.array(model.generator(noise))
    assert fake.min() > 0 and fake.max() < 1
    kernel = lambda a, b: np.mean([[np.exp(-np.sum((r - s) ** 2) / (2 * 0.5)) for s in b] for r in a])
    assert float(loss) == pytest.approx(
        np.sqrt(kernel(codes, codes) - 2 * kernel(codes, fake) + kernel(fake, fake)), rel=1e-3
    )
    np.testing.assert_allclose(model.generate(noise), model.decoder(fake), rtol=1e-5)

    lost = model.reconstruction_terms(tf.constant(x))["loss"]
    np.testing.assert_allclose(lost, np.sum((x - np.array(model.decoder(codes.astype("float32")))) ** 2, -1), rtol=1e-4)


def test_gmmn_learns_codes_before_it_matches_them(tmp_path):
    """The auto-encoder for `code_epochs`, then the generator while its codes stay; a saved model goes on in
    its stage."""
    model, x = GMMN((2,), latent=2, hidden=(3,), values="real", code=3, code_hidden=(4,), code_epochs=2), numbers(8, 2)
    assert [layer.units for layer in model.encoder.layers if hasattr(layer, "units")] == [4, 3]
    model.compile()
    coder = model.encoder.trainable_variables + model.decoder.trainable_variables

    def moved(model, coder, **epochs):
        parts = {"coder": coder, "generator": model.generator.trainable_variables}
        before = {name: [v.numpy() for v in part] for name, part in parts.items()}
        model.fit(x, batch_size=4, verbose=0, **epochs)
        return [
            name
            for name, part in parts.items()
            if any(not np.array_equal(v, was) for v, was in zip(part, before[name], strict=True))
        ]

    assert moved(model, coder, epochs=1) == ["coder"]
    assert moved(model, coder, initial_epoch=1, epochs=2) == ["coder"]
    model.save(tmp_path / "coded.keras")
    again = GMMN.load(tmp_path / "coded.keras")
    assert moved(
        again, again.encoder.trainable_variables + again.decoder.trainable_variables, initial_epoch=2, epochs=3
    ) == ["generator"]
    assert moved(model, coder, initial_epoch=2, epochs=4) == ["generator"]
    at_once = GMMN((2,), latent=2, hidden=(3,), values="real", code=3, code_epochs=1)
    at_once.compile()
    assert moved(at_once, at_once.encoder.trainable_variables, epochs=2) == ["coder", "generator"]


def test_the_averaged_generator_has_statistics_of_its_own():
    """Averages of batch statistics are not those of averaged weights, which vary less: samples would fade."""
    model = Composed((2,), latent=2, hidden=(64,), generator_norm="batch", average=0.99, learning_rate=0.05)
    model.compile()
    model.fit(numbers(512, 2), batch_size=64, epochs=12, verbose=0)
    for copies, variables in (
        (model.average.averages, model.generator.trainable_variables),
        (model.average.statistics, model.generator.non_trainable_variables),
    ):
        for copy, v in zip(copies, variables, strict=True):
            v.assign(copy.value)
    noise = np.array(model.noise(4096, SEED))
    first, norm = model.generator.layers[:2]
    before = np.array(first(noise))
    ratio = norm.moving_variance.numpy() / before.var(0)
    assert abs(np.median(ratio) - 1) < 0.1, np.median(ratio)
    np.testing.assert_allclose(
        np.median(np.abs(norm.moving_mean.numpy() - before.mean(0)) / before.std(0)), 0, atol=0.1
    )


def test_a_reference_batch_has_no_statistics_to_settle():
    model = adversarial.ImprovedGAN((2,), hidden=(4,), average=0.9)
    vars(model.average)["_run"] = lambda *_: pytest.fail("the averaged generator ran for nothing")
    with rng.stream(SEED):
        model.generator_terms(tf.ones([4, 2]))


# -- everything with everything ----------------------------------------------------------------------------------------


def tiny(**arguments):
    model = Composed((2,), latent=2, hidden=(4,), **arguments)
    model.compile({name: keras.optimizers.SGD(0.01) for name in ("critic", "generator")})
    return model


LABELLED = [name for name in ALL_GAMES if losses.game(name).labels]
TRICKS = [
    {},
    {"smoothing": 0.1},
    {"feature_matching": True},
    {"history": 0.1},
    {"minibatch": 2},
    {"generator_norm": "virtual:4"},
    {"packing": 2},
    {"average": 0.9},
    {"instance_noise": 0.5},
    {"critic_norm": "spectral"},
    {"critic_norm": "weight"},
    {"learning_rate": 1e-3, "critic_learning_rate": 4e-3},
]


@pytest.mark.parametrize("trick", TRICKS[1:], ids=str)
def test_every_trick_with_three_games(trick):
    """Steps without a penalty, where one call may judge real and generated examples."""
    if "critic_learning_rate" in trick:
        rates = Composed((2,), latent=2, hidden=(4,), **trick)
        rates.compile()
        assert [float(rates.optimizers[name].learning_rate) for name in ("critic", "generator")] == pytest.approx(
            [4e-3, 1e-3]
        )
    model, x = tiny(**trick), tf.constant(numbers(8, 2))
    for name in LABELLED if "smoothing" in trick else ("wasserstein", "hinge", "kl"):
        vars(model.critic).update(game=losses.smoothed(name, trick.get("smoothing", 0.0)))
        before = [v.numpy() for v in model.trainable_variables]
        for _ in range(2):
            logs = model.train_step(x)
        assert all(np.isfinite(v) for v in logs.values()), logs
        for v, was in zip(model.trainable_variables, before, strict=True):
            assert np.isfinite(v).all() and (not np.array_equal(v, was) or "bias" in v.path), (name, v.path)
    assert np.isfinite(model.sample(3, seed=0)).all()


@pytest.mark.parametrize("trick", TRICKS, ids=str)
def test_every_game_with_every_penalty_and_trick(trick):
    """One turn of each player: what is logged is finite, and every matrix moves. Under each trick every game plays with
    all penalties at once, and two games with every penalty alone."""
    model, x = tiny(penalties=tuple(losses.PENALTIES), clip=2.0, **trick), tf.constant(numbers(8, 2))
    kernel = model.critic.trainable_variables[-2]
    kernel.assign(0.1 * kernel)  # outputs near 0, where no game is flat
    for _ in range(2):
        model.train_step(x)  # so that there is a past
    penalties, start, share = list(model.critic.penalties), model.get_weights(), trick.get("smoothing", 0.0)
    games, pair = (LABELLED, LABELLED[:2]) if share else (ALL_GAMES, ("hinge", "wasserstein"))
    for name, chosen in [*((name, penalties) for name in games), *itertools.product(pair, ([p] for p in penalties))]:
        model.set_weights(start)
        vars(model.critic).update(game=losses.smoothed(name, share))
        model.critic.penalties[:] = chosen
        with rng.stream(SEED, step=tf.constant(3, tf.int64)):
            for who, player in model.players().items():
                terms = model._turn(who, player, x, None, None)
                model.after_turn(who)
                assert all(np.isfinite(t).all() for t in terms.values()), (name, chosen)
        moved = [not np.array_equal(v, was) for v, was in zip(model.get_weights(), start, strict=True)]
        for v, now, has in zip(model.weights, model.get_weights(), moved, strict=True):
            assert np.isfinite(now).all() and (has or not v.trainable or "bias" in v.path), (name, chosen, v.path)
    assert np.isfinite(model.sample(3, seed=0)).all()


class EveryGame(GenerativeModel):
    """A critic 2-4-1 and a generator that adds θ for each game, all at once. What is generated is a function of x, so
    that nothing is random."""

    def __init__(self, shape=(2,), *, penalised: bool = True):
        super().__init__(shape)
        self.penalised = penalised
        g, normal = len(ALL_GAMES), keras.initializers.RandomNormal
        weight = lambda name, *size: self.add_weight(
            shape=(g, *size), initializer=normal(stddev=0.5, seed=len(name)), name=name
        )
        self.W, self.b, self.w = weight("W", 2, 8), weight("b_", 1, 8), weight("w__", 8, 1)
        self.theta = self.add_weight(shape=(g, 1, 2), initializer="zeros", name="theta")

    def players(self):
        return {
            "critic": Player(self.critic_terms, [self.W, self.b, self.w]),
            "generator": Player(self.generator_terms, [self.theta]),
        }

    def judge(self, x):
        return tf.tanh(x @ self.W + self.b) @ self.w  # [games, n, 1]

    def fake(self, x):
        return 0.5 * tf.sin(7 * x[:, ::-1]) + self.theta

    def critic_terms(self, x, condition=None, training=True):
        real, fake = tf.repeat(x[None], len(ALL_GAMES), 0), self.fake(x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, fake])
            outputs = self.judge(real)[..., 0], self.judge(fake)[..., 0]
        terms = {
            name: losses.game(name).real(r) + losses.game(name).fake(f)
            for name, r, f in zip(ALL_GAMES, *map(tf.unstack, outputs), strict=True)
        }
        if self.penalised:
            slopes = [tf.reduce_sum(tape.gradient(o, at) ** 2, -1) for o, at in zip(outputs, (real, fake), strict=True)]
            terms["penalties"] = tf.reduce_sum(slopes[0] + slopes[1], 0)
        return {"loss": tf.add_n([*terms.values()])}

    def generator_terms(self, x, condition=None, training=True):
        fake = tf.unstack(self.judge(self.fake(x))[..., 0])
        return {"loss": tf.add_n([losses.game(name).generator(v) for name, v in zip(ALL_GAMES, fake, strict=True)])}


def test_every_game_on_one_replica_and_on_two(mirrored):
    """Two replicas end where one does that has the whole batch. And every game moves what is generated, from 0 to a
    mean of (1.5, -1): all but b-GAN's Pearson, whose generator loss (r - 1)² / 2 pushes back what has a ratio above
    one."""
    x = np.random.default_rng(0).normal((1.5, -1), 0.4, (512, 2)).astype("float32")
    ends = []
    for scope in (mirrored.scope(), tf.distribute.get_strategy().scope()):
        with scope:
            model = EveryGame()
            rates = {"critic": 0.03, "generator": 0.015}  # an epsilon that noise of the last digit does not cross
            model.compile(
                {name: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-3) for name, rate in rates.items()},
                steps_per_execution=8,
            )
        model.fit(x[:128], batch_size=64, epochs=1, shuffle=False, verbose=0)
        ends.append([v.numpy() for v in (model.W, model.b, model.w, model.theta)])
    for two, one in zip(*ends, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-5)
    assert (np.abs(ends[0][3]).max((1, 2)) > 1e-5).all()

    model.fit(x, batch_size=64, epochs=26, verbose=0)
    far = dict(zip(ALL_GAMES, np.linalg.norm(model.theta.numpy()[:, 0] - (1.5, -1), axis=-1), strict=True))
    far = {name: distance for name, distance in far.items() if not name.startswith("bregman_pearson")}
    assert max(far.values()) < 0.7 * np.hypot(1.5, 1), far


# class: penalties with their weights, turns, real and generated critic outputs to the critic's loss by hand
PAPERS = {
    adversarial.FGAN: ({}, 1, lambda real, fake: np.exp(fake - 1) - real),
    adversarial.BGAN: (
        {},
        1,
        lambda real, fake: (np.logaddexp(0, fake) ** 2 - 1) / 2 - np.logaddexp(0, real) + 1,
    ),
    adversarial.LSGAN: ({}, 1, lambda real, fake: ((real - 1) ** 2 + fake**2) / 2),
    adversarial.WGAN: ({}, 5, lambda real, fake: fake - real),
    adversarial.WGANGP: ({"gradient_penalty": 10.0}, 5, lambda real, fake: fake - real),
    adversarial.RothGAN: (
        {"roth": 2.0},
        1,
        lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake),
    ),
    adversarial.R1GAN: (
        {"r1": 10.0},
        1,
        lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake),
    ),
    adversarial.DCGAN: ({}, 1, lambda real, fake: np.logaddexp(0, -real) + np.logaddexp(0, fake)),
    adversarial.ImprovedGAN: (
        {},
        1,
        lambda real, fake: np.logaddexp(0, -real) + 0.1 * real + np.logaddexp(0, fake),
    ),
}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.__name__)
def test_each_paper_is_its_choice_of_pieces(paper):
    penalties, turns, by_hand = PAPERS[paper]
    model = paper((8, 8, 1), width=4)
    real, fake = np.array([0.7, -1.2], "float32"), np.array([-0.4, 1.5], "float32")
    played, critic = model.critic.game, model.critic
    np.testing.assert_allclose(
        played.real(tf.constant(real)) + played.fake(tf.constant(fake)), by_hand(real, fake), rtol=1e-5
    )
    given = type(model).from_config(model.get_config()).critic.penalties
    assert (model.turns, {p.name: p.weight for p in critic.penalties}, given) == (turns, penalties, critic.penalties)
    assert {name: float(getattr(critic, name)) for name in penalties} == pytest.approx(penalties)
    assert critic.clip == (0.01 if paper is adversarial.WGAN else 0)
    layers = {type(layer).__name__ for net in (model.generator, critic.net) for layer in net.layers}
    assert ("MinibatchDiscrimination" in layers and "VirtualBatchNormalization" in layers and bool(model.memory)) == (
        paper is adversarial.ImprovedGAN
    )
    assert bool(model.average) == (paper is adversarial.R1GAN)
    model.compile()
    for optimizer in model.optimizers.values():
        rate, betas = (
            float(optimizer.learning_rate),
            (getattr(optimizer, "beta_1", None), getattr(optimizer, "beta_2", None)),
        )
        assert (rate, *betas) == pytest.approx(
            {adversarial.WGAN: (5e-5, None, None), adversarial.WGANGP: (1e-4, 0, 0.9)}.get(paper, (2e-4, 0.5, 0.999))
        )
        assert isinstance(optimizer, keras.optimizers.RMSprop) == (paper is adversarial.WGAN)


def test_mmd_gan_s_losses_by_loops():
    """sqrt of the biased MMD² of codes, what the order of their means costs, and what is not given back."""
    keras.utils.set_random_seed(0)
    model = adversarial.MMDGAN((2,), values="real", latent=2, code=3, hidden=(4,), bandwidths=(1.0,), clip=0.5)
    x, fake = (np.random.default_rng(i).normal(i, 1, (5, 2)).astype("float32") for i in range(2))
    model._fake = lambda *_: tf.constant(fake)
    terms = model.critic_terms(tf.constant(x), training=False)
    a, b = model.encoder(x).numpy(), model.encoder(fake).numpy()
    kernel = lambda p, q: np.mean([[np.exp(-np.sum((i - j) ** 2) / 2) for j in q] for i in p])
    mmd = np.sqrt(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))
    infeasible = np.mean(np.maximum(b.mean(0) - a.mean(0), 0))
    lost = sum(np.mean((rows - model.decoder(codes).numpy()) ** 2) for rows, codes in ((x, a), (fake, b)))
    assert float(terms["loss"]) == pytest.approx(-mmd + 16 * infeasible + 8 * lost, rel=1e-4)
    assert float(model.generator_terms(tf.constant(x), training=False)["loss"]) == pytest.approx(
        mmd - 16 * infeasible, rel=1e-4
    )
    model.after_turn("critic")
    assert max(np.abs(v.numpy()).max() for v in model.encoder.trainable_variables) <= 0.5
