"""Classification RBM: a restricted Boltzmann machine of examples and labels, p(x, y), that also says p(y | x).

    E(x, y, h) = -a·x - c·y - b·h - x·W h - y·U h,   y one of K softmax units
    p(y | x) ∝ exp(c_y + Σ_j softplus(b_j + (xW)_j + U_yj))

Larochelle and Bengio, "Classification using discriminative restricted Boltzmann machines", 2008; Hinton, Osindero, Teh,
"A fast learning algorithm for deep belief nets", 2006, whose top machine is one.
"""

import tensorflow as tf

from tfgen.energy.rbm import RBM

__all__ = ["ClassRBM"]


class ClassRBM(RBM):
    """An RBM whose visible layer ends in a label; samples are of the class that is asked for.

    Arguments:
        condition: the number of classes.
        others: those of `RBM`.
    """

    def __init__(self, shape, *, condition: int, **others):
        super().__init__(shape, condition=condition, **others)

    def classify(self, x, condition=None) -> tf.Tensor:
        """Logits [n, classes] of p(y | x), exact."""
        return self.class_logits(x)
