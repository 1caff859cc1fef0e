"""For every row of the catalog: the gradient that a player's optimizer is given is that of its loss, variable by
variable, by differences of fourth order under the same random stream (float32, as the models compute)."""

import keras
import numpy as np
import pytest
import systems
import tensorflow as tf

from tfgen import rng
from tfgen._keras import mean
from tfgen.adversarial import Composed
from tfgen.autoregressive import Autoregressive
from tfgen.catalog import CATALOG

SEED, STEP = tf.constant([7, 2], tf.int64), tf.constant(2, tf.int64)
ROWS = {entry.name: entry for entry in [*CATALOG, *systems.SYSTEMS] if entry.name != "everything"}
RULES = {  # what the rule of a player is the gradient of, with all that is drawn held still
    ("boltzmann", "model"): lambda model, x, condition: energies_apart(model, x),
    ("rbm", "model"): lambda model, x, condition: free_energies_apart(model, x, condition),
    ("class_rbm", "model"): lambda model, x, condition: free_energies_apart(model, x, condition),
    ("chains", "model"): lambda model, x, condition: free_energies_apart(model, x, condition),
    ("helmholtz", "wake"): lambda model, x, condition: -model.log_p(model.recognise(x, model.new_seed())),
    ("helmholtz", "sleep"): lambda model, x, condition: (
        -model.log_q(model.dream(model.laws.draw(len(x), model.new_seed())))
    ),
}
ELSEWHERE = {  # updates without variables, and rules of what chains or mean fields make, which hang on all weights
    *("gmm", "mob", "hmm"),  # tests/test_truth_mixture.py, test_truth_hmm.py
    *("dbm", "dbn"),  # tests/test_truth_machines.py
    *("sbn", "deep_energy"),  # tests/test_truth_belief.py
}


def free_energies_apart(model, x, condition):
    """⟨F⟩ of the data less ⟨F⟩ of the chains."""
    first, rest = rng.split(model.new_seed(), 2)
    v = model.visible_state(x, condition)
    logits = model.hidden_logits(v)
    h = model.h.value if model.chains else rng.bernoulli(rng.uniform(tf.shape(logits), first), logits=logits)
    F = lambda v: tf.reduce_mean(model._free_energy(v, model.hidden_logits(v)))
    return F(v) - F(model.run_chain(h, rest)[0])


def energies_apart(model, x):
    """⟨E⟩ with v at the data less ⟨E⟩ of the chains."""
    clamped, free = rng.split(model.new_seed(), 2)
    E = lambda s: tf.reduce_mean(model._energy(s, model.links(), model.b.value))
    return E(model._clamped(x, model.k, clamped)) - E(model.run_chain(model.s.value, model.k, free))


def moved(model):
    """Away from where training begins, where zeros and symmetries hide what is wrong."""
    dice = np.random.default_rng(3)
    for v in model.trainable_variables:
        v.assign(v + dice.normal(scale=0.1, size=v.shape))
    if hasattr(model, "begun"):
        model.begun.assign(1.0)
    return model


def players(entry):
    keras.utils.set_random_seed(1)
    smooth = (
        {"activation": "tanh"} if issubclass(entry.model, Composed) else {}
    )  # slopes of a slope that jumps are none
    model = moved(entry.tiny(**smooth))
    return model, {name: player for name, player in model.players().items() if player.variables}


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ELSEWHERE])
def test_gradients(name, monkeypatch):
    entry = ROWS[name]
    if issubclass(entry.model, Autoregressive):  # slopes of a slope that jumps are none
        monkeypatch.setattr(tf.nn, "relu", tf.nn.softplus)
    given = entry.tiny_data()
    x, condition = given if isinstance(given, tuple) else (given, None)
    x, condition = tf.nest.map_structure(lambda rows: None if rows is None else tf.constant(rows), (x, condition))
    model, playing = players(entry)
    for who, player in playing.items():
        loss = player.loss or (lambda x, condition, training, who=who: {"loss": RULES[name, who](model, x, condition)})

        @tf.function
        def value(loss=loss):
            with rng.stream(SEED, step=STEP):
                return mean("loss", loss(x, condition, training=True)["loss"])

        state = [(v, v.numpy()) for v in model.non_trainable_variables]

        def at(v, point, value=value, state=state):
            """The loss with one variable somewhere else, whatever a step has changed."""
            for other, was in state:
                other.assign(was)
            v.assign(point)
            return float(value())

        tensors = [v.value for v in player.variables]
        with rng.stream(SEED, step=STEP):
            if player.update:
                gradients = player.update(x, condition, training=True)[1]
            else:
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(tensors)
                    total = mean("loss", loss(x, condition, training=True)["loss"])
                gradients = tape.gradient(total, tensors)
        for v, gradient in zip(player.variables, gradients, strict=True):
            assert gradient is not None or v.path in entry.idle, v.path
            g = np.zeros(v.shape) if gradient is None else np.float64(tf.convert_to_tensor(gradient))
            d = np.random.default_rng(5).normal(size=g.shape)
            d = d / np.linalg.norm(d) + (g / np.linalg.norm(g) if np.linalg.norm(g) > 1e-6 else 0)
            here = v.numpy()
            expected, slopes = float((g * d).sum()), []
            for step in (0.003, 0.01, 0.001):  # rounding wants large ones, kinks of rectifiers small ones
                slopes.append(_slope(lambda h, v=v, d=d, here=here: at(v, here + h * d), step))
                if agrees := abs(slopes[-1] - expected) <= 0.03 * abs(expected) + 1e-3:
                    break
            v.assign(here)
            assert agrees, (who, v.path, expected, slopes)


def _slope(f, h):
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
