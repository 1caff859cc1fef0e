"""Coupling: one half stays, and moves the other half.

    y_I = z_I,   y_J = z_J + m(z_I)                      additive, log |det| = 0
    y_J = z_J exp s(z_I) + m(z_I)                        affine, log |det| = Σ s                     (Dinh et al. 2017)

I are the dimensions of even places, or of odd ones. s lies within ±1.

Dinh, Krueger, Bengio, "NICE: non-linear independent components estimation", 2015, https://arxiv.org/abs/1410.8516
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfgen.flows.flow import Flow, spread
from tfgen.nets import mlp

__all__ = ["Coupling", "Scale"]


class Coupling(Flow):
    """[..., d] to [..., d].

    Arguments:
        hidden: units of the layers of the net that moves.
        affine: it scales, too.
        odd: the dimensions of odd places stay.
    """

    def __init__(
        self,
        dims: int,
        told: int = 0,
        *,
        hidden: Sequence[int] = (64,),
        activation: str = "relu",
        affine: bool = False,
        odd: bool = False,
    ):
        super().__init__(dims, told)
        if dims < 2:
            raise ValueError(f"a coupling moves some dimensions by others, and {dims} came: it needs two or more")
        places = np.arange(dims)
        self.order = np.concatenate([places[int(odd) :: 2], places[1 - int(odd) :: 2]])
        self.stays = len(places[int(odd) :: 2])
        moved, self.affine = dims - self.stays, affine
        self.net = mlp(self.stays + told, tuple(hidden), (1 + affine) * moved, activation, name="coupling")

    def forward_and_log_det(self, z, told=None):
        return self._move(z, told, lambda part, m, s: part * tf.exp(s) + m, 1)

    def inverse_and_log_det(self, y, told=None):
        return self._move(y, told, lambda part, m, s: (part - m) * tf.exp(-s), -1)

    def _move(self, z, told, f, sign: int):
        stays, moves = tf.split(tf.gather(z, self.order, axis=-1), [self.stays, self.dims - self.stays], -1)
        m, s = self._parameters(stays, told)
        y = tf.gather(tf.concat([stays, f(moves, m, s)], -1), np.argsort(self.order), axis=-1)
        return y, sign * tf.reduce_sum(s, -1)

    def _parameters(self, stays, told):
        if self.told:
            beside = tf.broadcast_to(spread(told, stays), [*tf.unstack(tf.shape(stays)[:-1]), self.told])
            stays = tf.concat([stays, beside], -1)
        flat = self.net(tf.reshape(stays, [-1, stays.shape[-1]]))
        out = tf.reshape(flat, [*tf.unstack(tf.shape(stays)[:-1]), flat.shape[-1]])
        if not self.affine:
            return out, tf.zeros_like(out)
        m, s = tf.split(out, 2, -1)
        return m, tf.tanh(s)


class Scale(Flow):
    """y = z exp s, a weight for each dimension."""

    def __init__(self, dims: int, told: int = 0):
        super().__init__(dims, told)
        self.s = self.add_weight(shape=(dims,), initializer=keras.initializers.Zeros(), name="s")

    def forward_and_log_det(self, z, told=None):
        return z * tf.exp(self.s.value), tf.fill(tf.shape(z)[:-1], tf.reduce_sum(self.s.value))

    def inverse_and_log_det(self, y, told=None):
        return y * tf.exp(-self.s.value), tf.fill(tf.shape(y)[:-1], -tf.reduce_sum(self.s.value))
