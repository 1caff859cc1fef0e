"""Every flow by its properties: an inverse, a determinant, gradients to every weight, a file; and what each promises
besides."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import flows, heads, laws
from tfgen.flows import Chain, Coupling, Householder, InverseAutoregressive, Planar, Radial, Scale, leapfrog
from tfgen.model import GenerativeModel

DICE = np.random.default_rng(0)
FLOWS = {
    "planar": Planar,
    "radial": Radial,
    "householder": Householder,
    "iaf": functools.partial(InverseAutoregressive, hidden=(8, 8)),
    "iaf_backwards": functools.partial(InverseAutoregressive, hidden=(8,), backwards=True),
    "coupling": functools.partial(Coupling, hidden=(8,)),
    "coupling_odd": functools.partial(Coupling, hidden=(8,), activation="tanh", odd=True),
    "affine": functools.partial(Coupling, hidden=(8,), affine=True),
    "scale": Scale,
    "chain": lambda dims, told=0: Chain([Planar(dims, told), Coupling(dims, hidden=(4,)), Radial(dims, told)]),
}


def made(name, told=0):
    """A flow of three dimensions, away from where it begins."""
    keras.utils.set_random_seed(2)
    flow = FLOWS[name](3, told)
    for v in flow.trainable_variables:
        v.assign(v + DICE.normal(scale=0.5, size=v.shape))
    return flow


def columns(x):
    """Numbers of each dimension; taken inside a tape."""
    return [x[:, i] for i in range(x.shape[1])]


def jacobian(tape, of, z):
    """[n, d, d]."""
    zeros = np.zeros(z.shape, "float32")
    rows = [tape.gradient(column, z) for column in of]
    return np.float64(np.stack([zeros if row is None else row for row in rows], 1))


@keras.saving.register_keras_serializable("tests")
class Density(GenerativeModel):
    """log p(x) = log N(f(x)) + log |det ∂f/∂x|."""

    def __init__(self, shape, *, which: str):
        super().__init__(shape)
        self.flow, self.laws = made(which), laws.normal(*shape)

    def log_prob(self, x, condition=None):
        h, log_det = self.flow.forward_and_log_det(x)
        return heads.standard_normal(x.shape[-1]).log_prob(h) + log_det

    def loss_terms(self, x, condition=None, training=True):
        return {"loss": -self.log_prob(x)}

    def generate(self, noise, condition=None):
        return self.flow.inverse_and_log_det(noise)[0]


@pytest.mark.parametrize("told", [0, 2])
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow(name, told):
    flow = made(name, told)
    z = tf.constant(DICE.normal(scale=1.5, size=(7, 3)).astype("float32"))
    h = tf.constant(DICE.normal(size=(7, told)).astype("float32")) if told else None
    given = () if h is None else (h,)
    weights = [v.value for v in flow.trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        y, log_det = flow.forward_and_log_det(z, *given)
        back, log_det_back = flow.inverse_and_log_det(y, *given)
        forwards, backwards = tf.reduce_sum(y**2) + tf.reduce_sum(log_det), tf.reduce_sum(back[:, ::2] ** 3)
        backwards += tf.reduce_sum(flow.inverse_and_log_det(z, *given)[0] ** 2)
        of_y, of_back = columns(y), columns(back)
    np.testing.assert_allclose(back, z, atol=2e-4)
    np.testing.assert_allclose(log_det_back, -log_det, atol=2e-4)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian(tape, of_y, z))[1], atol=1e-4)
    np.testing.assert_allclose(jacobian(tape, of_back, z), np.tile(np.eye(3), (7, 1, 1)), atol=5e-3)
    for loss in (forwards, backwards):
        if told == 0 or name != "scale":
            assert all(g is not None and np.abs(g).max() > 0 for g in tape.gradient(loss, weights))
    many = tf.stack([z, z + 1], 1)  # two samples for each of what is told
    out, dets = flow.forward_and_log_det(many, *given)
    again, again_dets = flow.forward_and_log_det(z + 1, *given)
    np.testing.assert_allclose(out[:, 1], again, atol=1e-5)
    np.testing.assert_allclose(dets[:, 1], again_dets, atol=1e-5)
    np.testing.assert_allclose(flow.inverse_and_log_det(out, *given)[0], many, atol=5e-4)


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_is_saved(name, tmp_path):
    model = Density((3,), which=name)
    x = DICE.normal(size=(32, 3)).astype("float32")
    model.compile()
    model.fit(x, epochs=1, batch_size=32, verbose=0)
    model.save(tmp_path / "flow.keras")
    again = Density.load(tmp_path / "flow.keras")
    np.testing.assert_array_equal(again.log_prob(x), model.log_prob(x))
    np.testing.assert_allclose(model.flow.forward_and_log_det(model.sample(4, seed=1))[0], model.noise(4, 1), atol=1e-3)


def test_a_planar_flow_where_it_is_steepest():
    """Where w·z + b = 0 the slope along w is 1 + w·û = softplus(w·u)."""
    flow = made("planar")
    u, w, b = np.split(flow.given.bias.numpy(), [3, 6])
    steepest = tf.constant((-b * w / (w @ w))[None].astype("float32"))
    np.testing.assert_allclose(np.exp(flow.forward_and_log_det(steepest)[1]), [np.logaddexp(0, w @ u)], rtol=1e-4)


@pytest.mark.parametrize(("wu", "expected"), [(16, -16), (100, -85.2), (0, 0)])
def test_a_planar_flow_that_folds_space(wu, expected):
    """Far below zero softplus(w·u) is e^(w·u), and where w is zero nothing moves: finite numbers and gradients, both
    ways."""
    flow = Planar(2)
    flow.given.bias.assign([-wu / 4, 0, 4 if wu else 0, 0, 0])
    with tf.GradientTape(persistent=True) as tape:
        y, log_det = flow.forward_and_log_det(tf.zeros([1, 2]))
        z, log_det_back = flow.inverse_and_log_det(y + 0.5)
    np.testing.assert_allclose(log_det, [expected], atol=1e-3 if wu == 16 else 0.1)
    np.testing.assert_allclose(flow.forward_and_log_det(z)[0], y + 0.5, atol=1e-4)
    for found in (log_det, z, log_det_back):
        assert np.isfinite(found).all() and np.isfinite(tape.gradient(found, flow.given.bias.value)).all()


@pytest.mark.parametrize("name", ["iaf", "iaf_backwards"])
def test_the_jacobian_of_an_autoregressive_flow_is_a_triangle(name):
    flow, z = made(name), tf.constant(DICE.normal(size=(4, 3)).astype("float32"))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        y, _ = flow.forward_and_log_det(z)
        of_y, of_m = columns(y), columns(flow.parameters(z)[0])
    whole, of_m = jacobian(tape, of_y, z), jacobian(tape, of_m, z)
    seen = np.tril(np.ones((3, 3)), -1) if name == "iaf" else np.triu(np.ones((3, 3)), 1)
    assert (of_m[:, seen == 0] == 0).all() and (np.abs(of_m[:, seen == 1]) > 1e-6).all()
    assert (whole[:, (seen + np.eye(3)) == 0] == 0).all()


def test_a_householder_matrix_is_orthogonal():
    flow = made("householder")
    H = np.array(flow.forward_and_log_det(tf.eye(3))[0])
    np.testing.assert_allclose(H @ H.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(H, H.T, atol=1e-6)
    assert np.linalg.det(H) == pytest.approx(-1, abs=1e-5)
    v = flow.given.bias.numpy()
    np.testing.assert_allclose(H @ v, -v, rtol=1e-5)


def test_a_leapfrog_comes_back_and_changes_no_volume():
    """Momentum turned round leads back; the determinant over (z, v) is one; the energy stays, better with small
    steps."""
    step, mass = tf.constant([0.2, 0.3]), tf.constant([1.0, 2.0])
    slope = lambda z: -z - tf.sin(3 * z)
    energy = lambda z, v: tf.reduce_sum(z**2 / 2 - tf.cos(3 * z) / 3 + v**2 / (2 * mass), -1)
    z, v = (tf.constant(DICE.normal(size=(5, 2)).astype("float32")) for _ in range(2))
    both = tf.concat([z, v], -1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(both)
        moved = tf.concat(leapfrog(both[:, :2], both[:, 2:], slope, step=step, mass=mass, steps=7), -1)
        of_moved = columns(moved)
    np.testing.assert_allclose(np.linalg.det(jacobian(tape, of_moved, both)), 1, atol=1e-4)
    back, v_back = leapfrog(moved[:, :2], -moved[:, 2:], slope, step=step, mass=mass, steps=7)
    np.testing.assert_allclose(back, z, atol=1e-4)
    np.testing.assert_allclose(v_back, -v, atol=1e-4)
    errors = []
    for n in (4, 16):  # the same time in more steps
        end = leapfrog(z, v, slope, step=step * 4 / n, mass=mass, steps=n)
        errors.append(np.abs(energy(*end) - energy(z, v)).max())
    assert errors[1] < errors[0] / 8


def test_flows_by_name():
    assert len(flows.flow("planar:3", 2).flows) == 3 and flows.flow("iaf:2", 2).flows[1].dense
    z = tf.ones([2, 3])
    same, log_det = flows.flow("radial:0", 3).forward_and_log_det(z)
    np.testing.assert_array_equal(same, z)
    np.testing.assert_array_equal(log_det, [0, 0])
    for which, said in (("planer:2", "planar"), ("planar:-1", "0 or more"), ("coupling:1", "two or more")):
        with pytest.raises(ValueError, match=said):
            flows.flow(which, 1)
