"""How much of a label stands in a code: what a logistic regression reads off it."""

import numpy as np
from scipy.optimize import minimize

__all__ = ["told_by"]

RIDGE = 1e-3


def told_by(codes: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Which of the second half of the examples get their label from a regression that learnt on the first: bools.

    Each number of the codes is measured in its deviation; the squares of the weights count with a thousandth.
    """
    half, codes = len(codes) // 2, np.asarray(codes, float)
    if half < 2:
        raise ValueError(f"{len(codes)} examples: expected four or more, half of them to learn by")
    codes = (codes - codes[:half].mean(0)) / (codes[:half].std(0) + 1e-9)
    codes = np.concatenate([codes, np.ones((len(codes), 1))], 1)
    learnt, wanted = codes[:half], np.eye(classes)[labels[:half]]

    def loss(flat):
        weights = flat.reshape(-1, classes)
        logits = learnt @ weights
        log_p = logits - np.logaddexp.reduce(logits, 1, keepdims=True)
        gradient = learnt.T @ (np.exp(log_p) - wanted) / half + RIDGE * weights
        return -(wanted * log_p).sum() / half + RIDGE * (weights**2).sum() / 2, gradient.ravel()

    found = minimize(loss, np.zeros(codes.shape[1] * classes), jac=True, method="L-BFGS-B").x
    return (codes[half:] @ found.reshape(-1, classes)).argmax(1) == labels[half:]
