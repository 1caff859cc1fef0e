"""Hidden Markov models against the list of all paths, and against hmmlearn from the same start."""

import itertools

import numpy as np
import oracles
import pytest
from scipy import stats

from tfgen.mixture import HMM

DICE = np.random.default_rng(0)
WALKS = np.cumsum(DICE.normal(size=(60, 5, 2)), 1).astype("float32")
WORDS = ((DICE.random((80, 1)) < 0.5) * 2 + (DICE.random((80, 6)) < 0.3)).astype("float32")  # symbols 0 to 3


def settled(make, x):
    """Away from symmetry, after the first epoch."""
    model = make()
    model.compile()
    model.fit(x, batch_size=32, epochs=2, verbose=0)
    model.log_moves.assign(np.log(np.random.default_rng(1).dirichlet(np.ones(3), 3)))
    return model


MAKE = {
    "diagonal": (lambda: HMM((5, 2), states=3), WALKS),
    "full": (lambda: HMM((5, 2), states=3, covariance="full"), WALKS),
    "tied": (lambda: HMM((None, 2), states=3, covariance="tied"), WALKS),
    "categorical": (lambda: HMM((None,), states=3, emissions="categorical:4"), WORDS),
}


def tables(hmm, x):
    """start, moves and log p(x_t | z_t) [T, K] of one sequence, in numpy."""
    start, moves = np.exp(hmm.log_weights.numpy()), np.exp(hmm.log_moves.numpy())
    if hasattr(hmm.emissions, "table"):
        table = hmm.emissions.table.numpy()
        return start, moves, np.log(table)[:, x.astype(int)].T
    scales = hmm.emissions.scales.numpy().astype(float)
    if scales.ndim == 2:
        scales = np.stack([np.diag(s) for s in scales])
    scales = np.broadcast_to(scales, (3, 2, 2))
    normals = [stats.multivariate_normal(m, L @ L.T) for m, L in zip(hmm.emissions.means.numpy(), scales, strict=True)]
    return start, moves, np.stack([normal.logpdf(x) for normal in normals], 1)


@pytest.mark.parametrize("name", MAKE)
def test_likelihood_posterior_path_and_baum_welch(name):
    """Everything from the list of all 3^T paths of each sequence, and one M-step from these."""
    make, x = MAKE[name]
    hmm = settled(make, x)
    T = x.shape[1]
    gammas, moves, log_p, best = [], np.zeros((3, 3)), [], []
    for row in x:
        paths, total = oracles.hmm_paths(*tables(hmm, row))
        log_p.append(np.logaddexp.reduce(total))
        p = np.exp(total - log_p[-1])
        gammas.append(np.stack([[p[paths[:, t] == k].sum() for k in range(3)] for t in range(T)]))
        best.append(paths[total.argmax()])
        for t, i, j in itertools.product(range(T - 1), range(3), range(3)):
            moves[i, j] += p[(paths[:, t] == i) & (paths[:, t + 1] == j)].sum()
    gammas = np.stack(gammas)
    np.testing.assert_allclose(hmm.log_prob(x), log_p, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(hmm.encode(x), gammas, atol=1e-3)
    assert (hmm.viterbi(x).numpy() == best).all(1).mean() > 0.98  # but for ties of rounding
    hmm.fit(x, batch_size=32, initial_epoch=2, epochs=3, verbose=0)
    np.testing.assert_allclose(np.exp(hmm.log_weights.numpy()), gammas[:, 0].mean(0), atol=1e-3)
    np.testing.assert_allclose(np.exp(hmm.log_moves.numpy()), moves / moves.sum(1, keepdims=True), atol=2e-3)
    r, rows = gammas.reshape(-1, 3), x.reshape(-1, *x.shape[2:])
    if name == "categorical":
        table = r.T @ np.eye(4)[rows.astype(int)]
        np.testing.assert_allclose(hmm.emissions.table.numpy(), table / table.sum(1, keepdims=True), atol=2e-3)
    else:
        means = r.T @ rows / r.sum(0)[:, None]
        np.testing.assert_allclose(hmm.emissions.means.numpy(), means, atol=5e-3)


@pytest.mark.parametrize("name", ["full", "categorical"])
def test_the_likelihood_never_falls(name):
    make, x = MAKE[name]
    model = make()
    model.compile()
    losses = np.array(model.fit(x, batch_size=32, epochs=20, verbose=0).history["loss"])[1:]
    assert (np.diff(losses) < 1e-4).all(), losses
    assert losses[-1] < losses[0] - 0.05


def test_samples_of_any_length_have_the_model_s_frequencies():
    hmm = settled(*MAKE["categorical"])
    x = hmm.sample(20_000, seed=1, length=3).numpy()
    states = np.float32(list(itertools.product(range(4), repeat=3)))
    exact = np.exp(hmm.log_prob(states).numpy().astype(float))
    assert exact.sum() == pytest.approx(1, abs=1e-4)
    found = np.bincount((x @ [16, 4, 1]).astype(int), minlength=64) / len(x)
    bound = oracles.expected_total_variation(exact / exact.sum(), 20_000) + np.sqrt(np.log(1e6) / 40_000)
    assert oracles.total_variation(found, exact / exact.sum()) < bound
    long = hmm.sample(2, seed=1, length=50)
    assert long.shape == (2, 50)
    np.testing.assert_array_equal(hmm.sample(2, seed=1, length=7), long[:, :7])
    gaussian = settled(*MAKE["tied"]).sample(5000, seed=2, length=4).numpy()
    assert gaussian.shape == (5000, 4, 2)


# hmmlearn 0.3.3, GaussianHMM(3, "diag", n_iter=1, tol=0, init_params="", min_covar=0, covars_prior=0, covars_weight=0,
# means_weight=0), fitted ten times on LEARNT from START: the log-likelihood of all sequences before each round, then
# its parameters.
LEARNT = np.cumsum(np.random.RandomState(7).normal(size=(30, 8, 2)), 1).astype("float32")
START = {
    "means": [[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]],
    "moves": [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.25, 0.25, 0.5]],
    "start": [0.5, 0.3, 0.2],
}
HMMLEARN = {
    "log_likelihood": [
        -1233.9567,
        -927.6337,
        -893.088,
        -879.2685,
        -875.8444,
        -874.2156,
        -872.6888,
        -871.2763,
        -870.3211,
        -869.8361,
    ],
    "means": [[-2.8176, -1.0406], [0.3725, 0.2358], [1.0512, -2.778]],
    "moves": [[0.9999, 0.0, 0.0001], [0.0534, 0.8848, 0.0617], [0.034, 0.0, 0.966]],
    "start": [0.0775, 0.7395, 0.183],
}


def test_against_hmmlearn():
    hmm = HMM((8, 2), states=3, floor=1e-6)
    hmm.rounds.assign(1)
    hmm.emissions.means.assign(START["means"])
    hmm.emissions.scales.assign(np.ones((3, 2)))
    hmm.log_moves.assign(np.log(START["moves"]))
    hmm.log_weights.assign(np.log(START["start"]))
    hmm.compile()
    losses = hmm.fit(LEARNT, batch_size=30, epochs=10, verbose=0).history["loss"]
    np.testing.assert_allclose(-30 * np.array(losses), HMMLEARN["log_likelihood"], rtol=1e-4)
    np.testing.assert_allclose(hmm.emissions.means, HMMLEARN["means"], atol=1e-3)
    np.testing.assert_allclose(np.exp(hmm.log_moves.numpy()), HMMLEARN["moves"], atol=1e-3)
    np.testing.assert_allclose(np.exp(hmm.log_weights.numpy()), HMMLEARN["start"], atol=1e-3)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: fit(HMM((None,), emissions="categorical:3"), WORDS), "knows the symbols 0 to 2"),
        (lambda: HMM((None,), emissions="categorical"), "say how many symbols there are"),
        (lambda: HMM((None, 2), emissions="categorical:3"), "one symbol at a time"),
        (lambda: HMM((None, 2), emissions="poisson"), "expected one of gaussian, categorical"),
        (lambda: HMM((None, 2), covariance="round"), "expected one of full, tied, diagonal"),
        (lambda: fit(impossible(), np.full((4, 5, 2), 1e30, "float32")), "takes for impossible in every state"),
    ],
)
def test_bad_input_is_one_clear_line(make, said):
    with pytest.raises(ValueError, match=said) as error:
        make()
    assert "\n" not in str(error.value)


def impossible():
    return HMM((5, 2), states=3)


def fit(model, x):
    model.compile()
    model.fit(x, verbose=0)
