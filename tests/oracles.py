"""Brute-force oracles for the truth tests: plain numpy, float64, every formula from its definition by enumeration or
numerical integration.

Nothing here knows how a model computes the same number, and nothing here is fast: worlds of a few units are meant.
Logarithms are natural, gradients point uphill (they are gradients of a log-likelihood or of a bound, to be maximised),
and binary units take the values 0 and 1.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy import integrate, stats
from scipy.special import logsumexp, rel_entr, xlogy

__all__ = [
    "belief_net_bound",
    "belief_net_iwae",
    "belief_net_log_prob",
    "binary_states",
    "boltzmann_gradient",
    "boltzmann_log_joint",
    "chain_rule_log_prob",
    "check_jacobian_mask",
    "em_step_bernoullis",
    "em_step_gaussians",
    "expected_total_variation",
    "gan_value",
    "gaussian_divergence",
    "gaussian_vae_log_prob",
    "hmm_paths",
    "jensen_shannon",
    "kl_normal",
    "layered",
    "mixture_of_bernoullis_log_prob",
    "mixture_of_gaussians_log_prob",
    "optimal_critic",
    "psnr",
    "rbm_cd_expected_gradient",
    "rbm_free_energy",
    "rbm_gibbs_kernel",
    "rbm_gradient",
    "rbm_log_joint",
    "rbm_log_prob",
    "rbm_log_z",
    "total_variation",
    "vae_log_prob_by_quadrature",
    "wake_gradient",
]

Generative = tuple[
    np.ndarray, Sequence[np.ndarray], Sequence[np.ndarray]
]  # top bias, weights, biases; the data's own entry first
Recognition = tuple[Sequence[np.ndarray], Sequence[np.ndarray]]  # weights, biases; the entry that reads the data first

_MOST_UNITS = 20  # 2^20 states is where enumeration stops being a test


def _array(value: np.ndarray, shape: tuple[int | None, ...], name: str) -> np.ndarray:
    """`value` as float64, refused unless it is finite and has `shape` (None: any size): broadcasts and NaNs would agree
    with anything."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != len(shape) or any(
        want is not None and got != want for got, want in zip(array.shape, shape, strict=True)
    ):
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}, where None is any size.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds entries that are not finite.")
    return array


def _distribution(value: np.ndarray, name: str, shape: tuple[int | None, ...] = (None,)) -> np.ndarray:
    """`value` as float64, refused unless it is nonnegative and sums to one (to float32 accuracy)."""
    p = _array(value, shape, name)
    if not (np.all(p >= 0) and abs(p.sum() - 1) < 1e-4):
        raise ValueError(f"{name} is not a distribution: its least entry is {p.min()} and its sum {p.sum()}.")
    return p


def _bernoulli_log_prob(x: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """sum_i [x_i log p_i + (1 - x_i) log(1 - p_i)] over the last axis, p = 1 / (1 + exp(-logits))."""
    log_p = -np.logaddexp(0, -logits)
    log_not_p = -np.logaddexp(0, logits)
    return (x * log_p + (1 - x) * log_not_p).sum(axis=-1)


def binary_states(d: int) -> np.ndarray:
    """All binary vectors of length d, [2^d, d], in counting order: the first coordinate is the most significant."""
    if not 0 <= d <= _MOST_UNITS:
        raise ValueError(f"Cannot enumerate the states of {d} units; give between 0 and {_MOST_UNITS}.")
    return np.array(list(itertools.product([0, 1], repeat=d)), dtype=np.float64).reshape(2**d, d)


# Restricted Boltzmann machine: p(v, h) = exp(-E(v, h)) / Z, E(v, h) = -v'Wh - a'v - b'h; W [d, m], a [d], b [m].


def _rbm_negative_energy(v: np.ndarray, h: np.ndarray, W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """-E of each pair of a row of v [n, d] and a row of h [k, m]: [n, k]."""
    W = _array(W, (None, None), "W")
    a, b = _array(a, (W.shape[0],), "a"), _array(b, (W.shape[1],), "b")
    v, h = _array(v, (None, W.shape[0]), "v"), _array(h, (None, W.shape[1]), "h")
    return v @ W @ h.T + (v @ a)[:, None] + (h @ b)[None, :]


def rbm_log_joint(W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Unnormalised log p(v, h) = -E(v, h) of every pair of states, [2^d, 2^m], both in the order of `binary_states`."""
    return _rbm_negative_energy(binary_states(np.size(a)), binary_states(np.size(b)), W, a, b)


def rbm_log_z(W: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """log Z = log sum_{v, h} exp(-E(v, h))."""
    return float(logsumexp(rbm_log_joint(W, a, b)))


def rbm_free_energy(v: np.ndarray, W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """F(v) = -log sum_h exp(-E(v, h)) of each row of v [n, d]: [n]."""
    return -logsumexp(_rbm_negative_energy(v, binary_states(np.size(b)), W, a, b), axis=1)


def rbm_log_prob(v: np.ndarray, W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log p(v) = log sum_h exp(-E(v, h)) - log Z of each row of v [n, d]: [n]."""
    return -rbm_free_energy(v, W, a, b) - rbm_log_z(W, a, b)


def _rbm_conditional_of_hidden(W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p(h | v) of every pair of states, [2^d, 2^m]; the rows sum to one."""
    joint = rbm_log_joint(W, a, b)
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def _rbm_statistics(pair_probability: np.ndarray, d: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E[v h'] [d, m], E[v] [d] and E[h] [m] under a probability of every pair of states, [2^d, 2^m]."""
    v, h = binary_states(d), binary_states(m)
    return v.T @ pair_probability @ h, pair_probability.sum(axis=1) @ v, pair_probability.sum(axis=0) @ h


def _empirical_distribution(data: np.ndarray, d: int) -> np.ndarray:
    """The share of the rows of data [n, d] at each binary state: [2^d]."""
    data = _array(data, (None, d), "data")
    states = binary_states(d)
    share = np.zeros(len(states))
    for row in data:
        match = np.flatnonzero((states == row).all(axis=1))
        if match.size != 1:
            raise ValueError(f"data must hold 0 and 1 only; got the row {row}.")
        share[match[0]] += 1 / len(data)
    return share


def rbm_gradient(
    data: np.ndarray, W: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact gradient of the mean log p(v) over data [n, d], with respect to (W [d, m], a [d], b [m]).

    E_{v ~ data, h ~ p(h|v)}[-dE] - E_{(v, h) ~ p}[-dE], both expectations over every pair of states. The data are
    binary.
    """
    d, m = np.size(a), np.size(b)
    joint = rbm_log_joint(W, a, b)
    clamped = _rbm_statistics(_empirical_distribution(data, d)[:, None] * _rbm_conditional_of_hidden(W, a, b), d, m)
    free = _rbm_statistics(np.exp(joint - logsumexp(joint)), d, m)
    return tuple(up - down for up, down in zip(clamped, free, strict=True))


def rbm_gibbs_kernel(W: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """T[i, j] = sum_h p(h | v_i) p(v_j | h), one sweep v -> h -> v' between all states, [2^d, 2^d]; the rows sum to
    one."""
    joint = rbm_log_joint(W, a, b)
    visible_given_hidden = np.exp(joint - logsumexp(joint, axis=0, keepdims=True))
    return _rbm_conditional_of_hidden(W, a, b) @ visible_given_hidden.T


def rbm_cd_expected_gradient(
    data: np.ndarray, W: np.ndarray, a: np.ndarray, b: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact expectation of the CD-k update <.>_0 - <.>_k for (W [d, m], a [d], b [m]), with data [n, d] binary and k >=
    1.

    v_0 is the empirical distribution, v_k that distribution after k Gibbs sweeps, and in both h is averaged under p(h |
    v). It is the expectation of a chain that samples every v and every h on its way; one that passes on probabilities
    in place of samples has another.
    """
    if k < 1:
        raise ValueError(f"k = {k} Gibbs sweeps; give at least 1.")
    d, m = np.size(a), np.size(b)
    hidden = _rbm_conditional_of_hidden(W, a, b)
    kernel = rbm_gibbs_kernel(W, a, b)
    start = _empirical_distribution(data, d)
    end = start
    for _ in range(k):
        end = end @ kernel
    first, last = _rbm_statistics(start[:, None] * hidden, d, m), _rbm_statistics(end[:, None] * hidden, d, m)
    return tuple(up - down for up, down in zip(first, last, strict=True))


# Boltzmann machine of n units: p(s) = exp(-E(s)) / Z, E(s) = -b's - s'Js / 2, J [n, n] symmetric with a zero diagonal.
# A deep one is a machine whose J has blocks between neighbouring layers alone.


def boltzmann_log_joint(J: np.ndarray, b: np.ndarray) -> np.ndarray:
    """-E(s) of every state in the order of `binary_states`, [2^n], one pair of units after the other."""
    J, b = _array(J, (np.size(b), np.size(b)), "J"), _array(b, (np.size(b),), "b")
    if np.any(J != J.T) or np.any(np.diag(J)):
        raise ValueError("J must be symmetric with nothing on its diagonal.")
    states = binary_states(len(b))
    total = states @ b
    for i in range(len(b)):
        for j in range(i):
            total += J[i, j] * states[:, i] * states[:, j]
    return total


def layered(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(J, b) of a deep Boltzmann machine with weights[l] [n_l, n_{l+1}] and biases[l] [n_l]."""
    b = np.concatenate([_array(bias, (None,), "a bias") for bias in biases])
    J, at = np.zeros((len(b), len(b))), 0
    for weight in weights:
        below, above = weight.shape
        J[at : at + below, at + below : at + below + above] = weight
        at += below
    return J + J.T, b


def boltzmann_gradient(data: np.ndarray, J: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exact gradient of the mean log p(v) over data [n, d], the first units, with respect to (J_ij, b_i): E[s s'] and
    E[s] with v at the data less those of the machine; the diagonal of the first means nothing."""
    d, n = np.shape(data)[1], np.size(b)
    joint = boltzmann_log_joint(J, b).reshape(2**d, -1)
    posterior = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    states = binary_states(n)
    gap = (_empirical_distribution(data, d)[:, None] * posterior - np.exp(joint - logsumexp(joint))).reshape(-1)
    return states.T @ (gap[:, None] * states), states.T @ gap


# Hidden Markov model: start [K], moves [K, K] with rows that sum to one, and log p(x_t | z_t) [T, K] of one sequence.


def hmm_paths(start: np.ndarray, moves: np.ndarray, log_emitted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every path z, [K^T, T], and log p(x, z) of each, one factor after the other."""
    length, count = np.shape(log_emitted)
    paths = np.array(list(itertools.product(range(count), repeat=length)))
    total = np.log(start)[paths[:, 0]] + log_emitted[0][paths[:, 0]]
    for t in range(1, length):
        total = total + np.log(moves)[paths[:, t - 1], paths[:, t]] + log_emitted[t][paths[:, t]]
    return paths, total


# Mixtures: p(x) = sum_k weights_k p(x | k).


def _bernoulli_components(x: np.ndarray, weights: np.ndarray, means: np.ndarray) -> np.ndarray:
    """log weights_k + sum_i log Bernoulli(x_i; means_ki): [n, K]."""
    means = _array(means, (None, None), "means")
    weights = _distribution(weights, "weights", (len(means),))
    x = _array(x, (None, means.shape[1]), "x")
    if not np.isin(x, [0, 1]).all():
        raise ValueError("x must hold 0 and 1 only.")
    if not ((means >= 0) & (means <= 1)).all():
        raise ValueError(f"means are probabilities; they run from {means.min()} to {means.max()}.")
    log_joint = np.full((len(x), len(weights)), -np.inf)
    for n, row in enumerate(x):
        for k in np.flatnonzero(weights):
            log_joint[n, k] = np.log(weights[k]) + sum(
                stats.bernoulli.logpmf(row[i], means[k, i]) for i in range(len(row))
            )
    return log_joint


def _gaussian_components(x: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """log weights_k + log Normal(x; means_k, covariances_k): [n, K]."""
    means = _array(means, (None, None), "means")
    weights = _distribution(weights, "weights", (len(means),))
    covariances = _array(covariances, (*means.shape, means.shape[1]), "covariances")
    x = _array(x, (None, means.shape[1]), "x")
    log_joint = np.full((len(x), len(weights)), -np.inf)
    for n, row in enumerate(x):
        for k in np.flatnonzero(weights):
            log_joint[n, k] = np.log(weights[k]) + stats.multivariate_normal.logpdf(row, means[k], covariances[k])
    return log_joint


def _responsibilities(log_joint: np.ndarray) -> np.ndarray:
    """p(k | x) = p(k, x) / sum_k p(k, x):
    [n, K]. Refuses an x or a component without any mass, where EM has no answer."""
    log_prob = logsumexp(log_joint, axis=1, keepdims=True)
    if np.isneginf(log_prob).any():
        raise ValueError("A row of x has probability zero under every component; EM is undefined there.")
    share = np.exp(log_joint - log_prob)
    if not (share.sum(axis=0) > 0).all():
        raise ValueError("A component answers for no data at all; EM is undefined there.")
    return share


def mixture_of_bernoullis_log_prob(x: np.ndarray, weights: np.ndarray, means: np.ndarray) -> np.ndarray:
    """log sum_k weights_k prod_i Bernoulli(x_i; means_ki); x [n, d] binary, weights [K], means [K, d]: [n]."""
    return logsumexp(_bernoulli_components(x, weights, means), axis=1)


def mixture_of_gaussians_log_prob(
    x: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray
) -> np.ndarray:
    """log sum_k weights_k Normal(x; means_k, covariances_k); x [n, d], weights [K], means [K, d], covariances [K, d,
    d]: [n]."""
    return logsumexp(_gaussian_components(x, weights, means, covariances), axis=1)


def em_step_bernoullis(x: np.ndarray, weights: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One EM step over all of x [n, d], no smoothing: the new (weights [K], means [K, d])."""
    x = np.asarray(x, dtype=np.float64)
    share = _responsibilities(_bernoulli_components(x, weights, means))
    new_weights, new_means = np.zeros(share.shape[1]), np.zeros((share.shape[1], x.shape[1]))
    for k in range(share.shape[1]):
        mass = sum(share[n, k] for n in range(len(x)))
        new_weights[k] = mass / len(x)
        new_means[k] = sum(share[n, k] * x[n] for n in range(len(x))) / mass
    return new_weights, new_means


def em_step_gaussians(
    x: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One EM step over all of x [n, d]: the new (weights [K], means [K, d], covariances [K, d, d]).

    Full covariances, about the new means, divided by the component's mass, and nothing added to the diagonal.
    """
    x = np.asarray(x, dtype=np.float64)
    share = _responsibilities(_gaussian_components(x, weights, means, covariances))
    K, d = share.shape[1], x.shape[1]
    new_weights, new_means, new_covariances = np.zeros(K), np.zeros((K, d)), np.zeros((K, d, d))
    for k in range(K):
        mass = sum(share[n, k] for n in range(len(x)))
        new_weights[k] = mass / len(x)
        new_means[k] = sum(share[n, k] * x[n] for n in range(len(x))) / mass
        new_covariances[k] = (
            sum(share[n, k] * np.outer(x[n] - new_means[k], x[n] - new_means[k]) for n in range(len(x))) / mass
        )
    return new_weights, new_means, new_covariances


# Sigmoid belief net, or Helmholtz machine: layers h_0 = x, h_1, ..., h_L of n_0, n_1, ..., n_L binary units.
# Generative (top_bias [n_L], weights, biases): p(h_L) = sigmoid(top_bias), p(h_i | h_{i+1}) = sigmoid(h_{i+1} @
# weights[i] + biases[i])
# with weights[i] [n_{i+1}, n_i] and biases[i] [n_i]. So weights[0] makes the data, and weights[-1] reads the top.
# Recognition (weights, biases): q(h_{i+1} | h_i) = sigmoid(h_i @ weights[i] + biases[i]), weights[i] [n_i, n_{i+1}],
# biases[i] [n_{i+1}].


def _checked_generative(generative: Generative) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray], list[int]]:
    """The generative parameters as float64, with the sizes [n_0, ..., n_L] of the layers."""
    top_bias, weights, biases = generative
    weights = [_array(weight, (None, None), "a generative weight") for weight in weights]
    sizes = [weight.shape[1] for weight in weights] + [np.size(top_bias)]
    weights = [_array(weight, (sizes[i + 1], sizes[i]), f"generative weights[{i}]") for i, weight in enumerate(weights)]
    biases = [_array(bias, (size,), "a generative bias") for bias, size in zip(biases, sizes[:-1], strict=True)]
    return _array(top_bias, (sizes[-1],), "top_bias"), weights, biases, sizes


def _hidden_configurations(sizes: Sequence[int]) -> list[np.ndarray]:
    """Every joint state of the hidden layers, N = 2^(n_1 + ... + n_L) of them: one [N, n_i] for each of h_1,
    ..., h_L."""
    return np.split(binary_states(sum(sizes[1:])), np.cumsum(sizes[1:-1]), axis=1)


def _generative_log_joint(x: np.ndarray, hidden: Sequence[np.ndarray], generative: Generative) -> np.ndarray:
    """log p(h_L) + sum_i log p(h_i | h_{i+1}) with h_0 = each row of x [n, n_0], for every hidden state of N:
    [n, N]."""
    top_bias, weights, biases, sizes = _checked_generative(generative)
    x = _array(x, (None, sizes[0]), "x")
    log_joint = []
    for row in x:
        layers = [row, *hidden]
        total = _bernoulli_log_prob(layers[-1], top_bias)
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            total = total + _bernoulli_log_prob(layers[i], layers[i + 1] @ weight + bias)
        log_joint.append(total)
    return np.array(log_joint)


def _recognition_log_prob(x: np.ndarray, hidden: Sequence[np.ndarray], recognition: Recognition) -> np.ndarray:
    """log q(h | x) = sum_i log q(h_{i+1} | h_i) with h_0 = each row of x [n, n_0], for every hidden state of
    N: [n, N]."""
    weights, biases = recognition
    sizes = [np.shape(x)[1]] + [layer.shape[1] for layer in hidden]
    log_prob = []
    for row in np.asarray(x, dtype=np.float64):
        layers = [row, *hidden]
        total = np.zeros(len(hidden[0]))
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            weight = _array(weight, (sizes[i], sizes[i + 1]), f"recognition weights[{i}]")
            bias = _array(bias, (sizes[i + 1],), f"recognition biases[{i}]")
            total = total + _bernoulli_log_prob(layers[i + 1], layers[i] @ weight + bias)
        log_prob.append(total)
    return np.array(log_prob)


def _log_weights(x: np.ndarray, generative: Generative, recognition: Recognition) -> tuple[np.ndarray, np.ndarray]:
    """log p(x, h) - log q(h | x), and log q(h | x), for every hidden state of N: [n, N] each."""
    hidden = _hidden_configurations(_checked_generative(generative)[-1])
    if not len(recognition[0]) == len(recognition[1]) == len(hidden):
        raise ValueError(
            f"Recognition has {len(recognition[0])} weights and {len(recognition[1])} biases for {len(hidden)} hidden "
            "layers."
        )
    log_joint = _generative_log_joint(x, hidden, generative)
    log_q = _recognition_log_prob(x, hidden, recognition)
    return log_joint - log_q, log_q


def belief_net_log_prob(
    x: np.ndarray, top_bias: np.ndarray, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]
) -> np.ndarray:
    """log p(x) = log sum_{h_1, ..., h_L} p(x, h) of each row of x [n, n_0], over every state of every hidden layer:
    [n].

    top_bias [n_L]; weights[i] [n_{i+1}, n_i] and biases[i] [n_i] give p(h_i | h_{i+1}), h_0 = x, so the data's own
    entry comes first.
    """
    generative = (top_bias, weights, biases)
    hidden = _hidden_configurations(_checked_generative(generative)[-1])
    return logsumexp(_generative_log_joint(x, hidden, generative), axis=1)


def belief_net_bound(x: np.ndarray, generative: Generative, recognition: Recognition) -> np.ndarray:
    """E_{h ~ q(h|x)}[log p(x, h) - log q(h | x)] of each row of x [n, n_0], summed over every hidden state: [n].

    generative = (top_bias, weights, biases) as in `belief_net_log_prob`; recognition = (weights, biases), where
    weights[i] [n_i, n_{i+1}] and biases[i] [n_{i+1}] give q(h_{i+1} | h_i).
    """
    log_weights, log_q = _log_weights(x, generative, recognition)
    return (np.exp(log_q) * log_weights).sum(axis=1)


def belief_net_iwae(x: np.ndarray, generative: Generative, recognition: Recognition, k: int) -> np.ndarray:
    """E_{h^1, ..., h^k ~ q(h|x)}[log (1/k) sum_j p(x, h^j) / q(h^j | x)] of each row of x [n, n_0], over all k-tuples
    of states: [n].

    The parameters are those of `belief_net_bound`. There are 2^(k (n_1 + ... + n_L)) tuples, so k is 1 or 2, or the net
    is tiny.
    """
    log_weights, log_q = _log_weights(x, generative, recognition)
    states = log_q.shape[1]
    if k < 1 or states**k > 2**_MOST_UNITS:
        raise ValueError(
            f"{states} hidden states and k = {k} make {states}^{k} tuples; give k >= 1 and at most 2^{_MOST_UNITS} of "
            "them."
        )
    tuples = np.array(list(itertools.product(range(states), repeat=k)))
    bound = []
    for log_w, log_q_row in zip(log_weights, log_q, strict=True):
        probability = np.exp(log_q_row[tuples].sum(axis=1))
        bound.append((probability * (logsumexp(log_w[tuples], axis=1) - np.log(k))).sum())
    return np.array(bound)


def wake_gradient(
    x: np.ndarray, h_samples: Sequence[np.ndarray], generative: Generative
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Gradient of the mean over the examples of log p(x, h), h given, for (top_bias, weights, biases), in the shapes of
    `generative`.

    x [n, n_0]; h_samples holds h_1 [n, n_1], ..., h_L [n, n_L]. The delta rule, example by example: (target -
    prediction) times the activity that made the prediction; it points uphill, so a loss -log p(x, h) has its negative.
    """
    top_bias, weights, biases, sizes = _checked_generative(generative)
    if len(h_samples) != len(weights):
        raise ValueError(f"h_samples holds {len(h_samples)} layers; the net has {len(weights)} hidden ones.")
    count = np.shape(x)[0]
    layers = [
        _array(layer, (count, size), f"layer {i}")
        for i, (layer, size) in enumerate(zip([x, *h_samples], sizes, strict=True))
    ]
    top_gradient = np.zeros_like(top_bias)
    weight_gradients, bias_gradients = (
        [np.zeros_like(weight) for weight in weights],
        [np.zeros_like(bias) for bias in biases],
    )
    for n in range(count):
        top_gradient += (layers[-1][n] - 1 / (1 + np.exp(-top_bias))) / count
        for i in range(len(weights)):
            activity, target = layers[i + 1][n], layers[i][n]
            prediction = 1 / (1 + np.exp(-(activity @ weights[i] + biases[i])))
            weight_gradients[i] += np.outer(activity, target - prediction) / count
            bias_gradients[i] += (target - prediction) / count
    return top_gradient, weight_gradients, bias_gradients


# Autoregressive models.


def chain_rule_log_prob(
    x: np.ndarray, conditional_probability_function: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """log p(x) = sum_i log p(x_i | x_1, ..., x_{i-1}) of each row of x [n, d], whole numbers from 0, one conditional at
    a time: [n].

    The function takes the values before position i, [i] (empty at first), and returns the probabilities of all values
    of x_i, [values];
    a binary model returns [1 - p, p]. For another order than the written one, permute the columns of x.
    """
    x = _array(x, (None, None), "x")
    log_prob = np.zeros(len(x))
    for n, row in enumerate(x):
        for i in range(len(row)):
            probabilities = _distribution(
                conditional_probability_function(row[:i].copy()), f"The conditional at position {i}"
            )
            value = int(row[i])
            if value != row[i] or not 0 <= value < len(probabilities):
                raise ValueError(
                    f"x holds {row[i]} at position {i}; expected a whole number from 0 to {len(probabilities) - 1}."
                )
            log_prob[n] += np.log(probabilities[value]) if probabilities[value] > 0 else -np.inf
    return log_prob


def check_jacobian_mask(jacobian: np.ndarray, order: Sequence[int], tolerance: float = 0.0) -> bool:
    """Whether d output_i / d input_j, jacobian [d, d], is zero wherever j is not strictly before i; order [d] lists
    coordinates as visited.

    A zero Jacobian passes: that what may depend does depend is for another test. Entries up to `tolerance` in size
        count as zero.
    """
    order = [int(coordinate) for coordinate in order]
    jacobian = _array(jacobian, (len(order), len(order)), "jacobian")
    if sorted(order) != list(range(len(order))):
        raise ValueError(f"order = {order} is not a permutation of 0, ..., {len(order) - 1}.")
    position = {coordinate: place for place, coordinate in enumerate(order)}
    return all(abs(jacobian[i, j]) <= tolerance for i in order for j in order if not position[j] < position[i])


# Variational autoencoders.


def vae_log_prob_by_quadrature(
    x: np.ndarray,
    decoder_logits_fn: Callable[[np.ndarray], np.ndarray],
    z_dim: int,
    points: int | None = None,
    limit: float = 8.0,
) -> np.ndarray:
    """log p(x) = log integral Normal(z; 0, I) prod_i Bernoulli(x_i; sigmoid(logits_i(z))) dz of each row of x [n, d]:
    [n].

    A grid of `points` per dimension (odd; 4001 for z_dim 1, 601 for z_dim 2) on [-limit, limit]. decoder_logits_fn
    takes all of the grid at once, z [points^z_dim, z_dim], and returns the logits [points^z_dim, d]. Raises where the
    grid is too coarse (half as many points move log p(x) by over 1e-4) or too narrow.
    """
    if points is None:
        points = 4001 if z_dim == 1 else 601
    if z_dim not in (1, 2) or points < 3 or points % 2 == 0:
        raise ValueError(f"Got z_dim = {z_dim} and points = {points}; z_dim is 1 or 2, points odd and at least 3.")
    x = _array(x, (None, None), "x")
    index = np.array(list(itertools.product(range(points), repeat=z_dim)))
    step = 2 * limit / (points - 1)
    z = -limit + step * index
    logits = _array(decoder_logits_fn(z), (len(z), x.shape[1]), "The decoder's logits")
    log_p, log_not_p = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    log_prior = (-0.5 * z**2 - 0.5 * np.log(2 * np.pi)).sum(axis=1)
    coarse, edge = (index % 2 == 0).all(axis=1), ((index == 0) | (index == points - 1)).any(axis=1)
    log_prob = np.zeros(len(x))
    for n, row in enumerate(x):
        log_term = log_prior + log_p @ row + log_not_p @ (1 - row) + z_dim * np.log(step)
        log_prob[n] = logsumexp(log_term)
        if not logsumexp(log_term[edge]) - log_prob[n] < np.log(1e-8):
            raise ValueError(f"The posterior of row {n} reaches the edge of the grid. Give a limit over {limit}.")
        change = abs(logsumexp(log_term[coarse]) + z_dim * np.log(2) - log_prob[n])
        if not change < 1e-4:
            raise ValueError(
                f"The grid is too coarse for row {n}: half as many points move log p(x) by {change}. Give more points."
            )
    return log_prob


def gaussian_vae_log_prob(x: np.ndarray, W: np.ndarray, b: np.ndarray, noise_sd: float | np.ndarray) -> np.ndarray:
    """log p(x) of x = W z + b + noise, z ~ Normal(0, I), noise ~ Normal(0, noise_sd^2 I): Normal(b, W W' + noise_sd^2
    I).

    x [n, d], W [d, z_dim] (the transpose of a Keras kernel), b [d], noise_sd a number or [d]: [n].
    """
    W = _array(W, (None, None), "W")
    d = len(W)
    x, b = _array(x, (None, d), "x"), _array(b, (d,), "b")
    noise_sd = _array(np.full(d, noise_sd) if np.ndim(noise_sd) == 0 else noise_sd, (d,), "noise_sd")
    covariance = W @ W.T + np.diag(noise_sd**2)
    return np.array([stats.multivariate_normal.logpdf(row, b, covariance) for row in x])


def kl_normal(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """KL(Normal(mean, sd^2) || Normal(0, 1)) = integral q(z) (log q(z) - log p(z)) dz of every entry; sum the last axis
    for a vector's KL.

    mean and sd of one shape; the answer has it too (a dimension at a time: [n, d] to [n, d]).
    """
    mean = _array(mean, np.shape(mean), "mean")
    sd = _array(sd, mean.shape, "sd")
    divergence = np.zeros(mean.shape)
    for place in np.ndindex(mean.shape):
        z = mean[place] + sd[place] * np.linspace(-12, 12, 2001)
        log_q = stats.norm.logpdf(z, mean[place], sd[place])
        divergence[place] = integrate.trapezoid(np.exp(log_q) * (log_q - stats.norm.logpdf(z)), z)
    return divergence


# Adversarial networks on a discrete world: p the data, q the generator, the critic's D(x) in [0, 1]; all [states].


def optimal_critic(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """D(x) = p(x) / (p(x) + q(x)), [states]; 1/2 where neither has mass, where any value is optimal."""
    p = _distribution(p, "p")
    q = _distribution(q, "q", p.shape)
    return np.array([p_x / (p_x + q_x) if p_x + q_x > 0 else 0.5 for p_x, q_x in zip(p, q, strict=True)])


def gan_value(p: np.ndarray, q: np.ndarray, critic: np.ndarray) -> float:
    """V = sum_x p(x) log D(x) + sum_x q(x) log(1 - D(x)), with 0 log 0 = 0; p, q and critic = D are [states]."""
    p = _distribution(p, "p")
    q, critic = _distribution(q, "q", p.shape), _array(critic, p.shape, "critic")
    return float(xlogy(p, critic).sum() + xlogy(q, 1 - critic).sum())


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """1/2 KL(p || m) + 1/2 KL(q || m) with m = (p + q) / 2, in nats; p and q are [states]."""
    p = _distribution(p, "p")
    q = _distribution(q, "q", p.shape)
    m = (p + q) / 2
    return float(rel_entr(p, m).sum() / 2 + rel_entr(q, m).sum() / 2)


def gaussian_divergence(name: str, p: tuple[float, float], q: tuple[float, float]) -> float:
    """D_f(p, q) = integral q f(p / q) of two normals (mean, sd) on the line, in closed form, f as Nowozin et al. 2016
    write it.

    name: kl, reverse_kl, jeffrey, squared_hellinger, pearson, neyman, or alpha:A. All but the first three follow from
    I(a) = integral p^a q^(1 - a), which is finite where a / p_sd^2 + (1 - a) / q_sd^2 > 0.
    """
    (m, s), (n, t) = p, q

    def kl(m, s, n, t):
        return np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5

    def power_integral(a):
        precision = a / s**2 + (1 - a) / t**2
        if precision <= 0:
            raise ValueError(f"{name} of {p} and {q} is infinite.")
        return (
            s**-a
            * t ** (a - 1)
            / np.sqrt(precision)
            * np.exp(-a * (1 - a) * (m - n) ** 2 / (2 * s**2 * t**2 * precision))
        )

    kind, _, number = name.partition(":")
    if kind == "alpha":
        a = float(number)
        return float((power_integral(a) - 1) / (a * (a - 1)))
    return float(
        {
            "kl": lambda: kl(m, s, n, t),
            "reverse_kl": lambda: kl(n, t, m, s),
            "jeffrey": lambda: kl(m, s, n, t) + kl(n, t, m, s),
            "squared_hellinger": lambda: 2 - 2 * power_integral(0.5),
            "pearson": lambda: power_integral(2) - 1,
            "neyman": lambda: power_integral(-1) - 1,
        }[kind]()
    )


# Distances and scores.


def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """1/2 sum_x |p(x) - q(x)|; p and q are [states]."""
    p = _distribution(p, "p")
    q = _distribution(q, "q", p.shape)
    return float(np.abs(p - q).sum() / 2)


def expected_total_variation(p: np.ndarray, n: int) -> float:
    """E[TV(p_hat, p)] of the histogram p_hat of n independent samples of p [states] itself: what a perfect sampler
    shows.

    1/2 sum_x E|count_x / n - p(x)|, count_x ~ Binomial(n, p(x)), over every count; near sum_x sqrt(p(x) (1 - p(x)) / (2
    pi n)) once n p(x) is large. For the power of a test: a sample moves TV by at most 1/n, so by McDiarmid's inequality
    a right sampler exceeds this value by t = sqrt(log(1 / alpha) / (2 n)) with probability at most alpha, and a sampler
    whose own TV from p is delta shows less than delta - t with probability at most alpha. Both need independent
    samples; those along a Markov chain are not.
    """
    if n < 1:
        raise ValueError(f"n = {n} samples; give at least 1.")
    counts = np.arange(n + 1)
    p = _distribution(p, "p")
    return float(sum((stats.binom.pmf(counts, n, p_x) * np.abs(counts / n - p_x)).sum() for p_x in p / p.sum()) / 2)


def psnr(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    """10 log10(peak^2 / mean (a - b)^2) in decibels, the mean over all entries; a and b of one shape; infinite where
    they are equal."""
    a = _array(a, np.shape(a), "a")
    error = np.mean((a - _array(b, a.shape, "b")) ** 2)
    return float(10 * np.log10(peak**2 / error)) if error > 0 else float("inf")
