"""Worlds small enough to list: every state with its exact probability, to hold a model's claims against."""

from dataclasses import dataclass

import numpy as np

__all__ = ["World", "bars", "ising"]


@dataclass(frozen=True)
class World:
    """All states of a distribution.

    states: float32 [S, d], zeros and ones. probabilities: float64 [S], summing to 1. log_z: the log of the sum over the
    states of exp(-energy), of which the probabilities are the normalised terms.
    """

    states: np.ndarray
    probabilities: np.ndarray
    log_z: float

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """n independent draws, float32 [n, d]."""
        return self.states[np.random.RandomState(seed).choice(len(self.states), n, p=self.probabilities)]

    def entropy(self) -> float:
        """In nats: no model reaches a mean log-likelihood above minus this."""
        p = self.probabilities[self.probabilities > 0]
        return float(-(p * np.log(p)).sum())


def ising(rows: int = 4, columns: int = 4, coupling: float = 0.4, field: float = 0.0) -> World:
    """The Ising model on a grid with free borders, by enumeration of its 2^(rows · columns) states.

    log p(s) = coupling · Σ s_i s_j over neighbours + field · Σ s_i - log Z with spins s = 2 x - 1 of the states x in
    {0, 1}.
    """
    sites = rows * columns
    if not (rows >= 1 and columns >= 1 and sites <= 20):
        raise ValueError(
            f"ising({rows}, {columns}): up to 20 spins can be listed (rows * columns); take a smaller grid"
        )
    states = (np.arange(2**sites)[:, None] >> np.arange(sites) & 1).astype(np.float32)
    s = 2.0 * states.reshape(-1, rows, columns).astype(np.float64) - 1
    bonds = (s[:, 1:] * s[:, :-1]).sum((1, 2)) + (s[:, :, 1:] * s[:, :, :-1]).sum((1, 2))
    weights = np.exp(log_p := coupling * bonds + field * s.sum((1, 2)))
    return World(states, weights / weights.sum(), float(np.logaddexp.reduce(log_p)))


def bars(side: int = 4) -> World:
    """Bars and stripes: every row is one colour, or every column is. The 2^(side + 1) - 2 different pictures are
    equally likely.

    (Drawing the direction first, as some papers do, makes the all-black and the all-white picture twice as likely as
    here.)
    """
    if not 1 <= side <= 15:
        raise ValueError(f"bars({side}): take a side from 1 to 15")
    lines = (np.arange(2**side)[:, None] >> np.arange(side) & 1).astype(np.float32)
    stripes = np.repeat(lines[:, :, None], side, 2)
    both = np.concatenate([stripes, stripes[1:-1].transpose(0, 2, 1)]) if side > 1 else stripes
    states = both.reshape(len(both), -1)
    return World(states, np.full(len(states), 1 / len(states)), float(np.log(len(states))))
