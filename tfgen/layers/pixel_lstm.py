"""Recurrent layers over pixels in raster order, and the skew that lets diagonals be computed at once. Each knows
`start`, `step` and `seen`, as the layers of `raster.py`.

RowLSTM       the states of a row from those of the row above, c - 1 to c + 1: van den Oord, Kalchbrenner, Kavukcuoglu,
              "Pixel recurrent neural networks", 2016, https://arxiv.org/abs/1601.06759, section 3.1
DiagonalLSTM  the state of a pixel from those to its left and above it: section 3.2; with a forget gate for each of the
              two it is the spatial LSTM of Theis and Bethge 2015, https://arxiv.org/abs/1506.03478, Eq. 6 and 7
"""

import keras
import numpy as np
import tensorflow as tf

from tfgen.layers.lines import cell, recur
from tfgen.layers.raster import Place, Pointwise, RasterConv, told_at, told_of_row

__all__ = ["DiagonalBiLSTM", "DiagonalLSTM", "RowLSTM", "skew", "unskew"]


def skew(x: tf.Tensor) -> tf.Tensor:
    """[n, height, width, …] to [n, height, width + height - 1, …]: row r begins r columns later, zeros around, so that
    a diagonal becomes a column."""
    height, width, rest = x.shape[1], x.shape[2], x.shape[3:]
    x = tf.pad(x, [[0, 0], [0, 0], [0, height], *[[0, 0]] * len(rest)])
    x = tf.reshape(x, [-1, height * (width + height), *rest])[:, : height * (width + height - 1)]
    return tf.reshape(x, [-1, height, width + height - 1, *rest])


def unskew(x: tf.Tensor) -> tf.Tensor:
    """The way back."""
    height, width, rest = x.shape[1], x.shape[2] - x.shape[1] + 1, x.shape[3:]
    x = tf.reshape(x, [-1, height * (width + height - 1), *rest])
    x = tf.pad(x, [[0, 0], [0, height], *[[0, 0]] * len(rest)])
    return tf.reshape(x, [-1, height, width + height, *rest])[:, :, :width]


class RowLSTM(keras.layers.Layer):
    """[n, height, width, inputs] to [n, height, width, units].

    o, f, i = σ(·), g = tanh(·) of K_ss * h_{r-1} + K_is * x_r;   c_r = f ⊙ c_{r-1} + i ⊙ g;   h_r = o ⊙ tanh(c_r)
                                                                                                                 (Eq. 3)
    """

    def __init__(self, inputs: int, units: int, told: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inside = RasterConv(inputs, 4 * units, 0, 1, dtype=self.dtype_policy)
        self.above = self.add_weight(shape=(3 * units, 4 * units), name="above")
        self.told = Pointwise(told, 4 * units, use_bias=False, dtype=self.dtype_policy) if told else None
        self.built = True

    def call(self, x, told=None):
        gates = self.inside(x)
        gates = gates if told is None else gates + self.told(told)
        gates = tf.transpose(gates, [1, 0, 2, 3])

        return tf.transpose(recur(gates, tf.cast(self.above, gates.dtype), (-1, 0, 1)), [1, 0, 2, 3])

    def start(self, n, width: int) -> dict:
        """h and c of the last pixels, [n, width + 1, 2 units]."""
        return {"inside": self.inside.start(n, width), "line": tf.zeros([n, width + 1, 2 * self.units])}

    def step(self, state: dict, x, place: Place, told=None) -> tuple[tf.Tensor, dict]:
        gates, inside = self.inside.step(state["inside"], x, place)
        gates = gates if told is None else gates + self.told.call(told_at(told, place))
        line, columns = state["line"], place.column + np.arange(-1, 2)
        near = tf.gather(line, [0, 1, min(2, place.width)], axis=1)[..., : self.units]
        near *= tf.cast((columns >= 0) & (columns < place.width), line.dtype)[:, None]
        gates += tf.reshape(near, [-1, 3 * self.units]) @ tf.cast(self.above, line.dtype)
        h, c = cell(gates, line[:, 1, self.units :])
        return h, {"inside": inside, "line": tf.concat([line[:, 1:], tf.concat([h, c], -1)[:, None]], 1)}

    def seen(self, at: np.ndarray) -> np.ndarray:
        states = at.copy()
        for r in range(len(at) - 1, 0, -1):
            wide = np.pad(states[r], 1)
            states[r - 1] |= wide[:-2] | wide[1:-1] | wide[2:]
        return self.inside.seen(states)


class DiagonalLSTM(keras.layers.Layer):
    """[n, height, width, inputs] to [n, height, width, units], all pixels of a diagonal at once.

    o, f, i = σ(·), g = tanh(·) of x, h to the left and h above;   c = f ⊙ c_left + i ⊙ g;   h = o ⊙ tanh(c)
    with `spatial`                                   c = f ⊙ c_left + f' ⊙ c_above + i ⊙ g;   h = tanh(o ⊙ c)
    """

    def __init__(self, inputs: int, units: int, told: int = 0, spatial: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.spatial, gates = units, spatial, (5 if spatial else 4) * units
        self.inside = Pointwise(inputs, gates, dtype=self.dtype_policy)
        self.around = self.add_weight(shape=(2 * units, gates), name="around")  # to the left, above
        self.told = Pointwise(told, gates, use_bias=False, dtype=self.dtype_policy) if told else None
        self.built = True

    def call(self, x, told=None):
        gates = self.inside(x)
        gates = gates if told is None else gates + self.told(told)
        columns = tf.transpose(skew(gates), [2, 0, 1, 3])  # where gates are zero, before a row begins, states stay so
        states = recur(columns, tf.cast(self.around, gates.dtype), (0, -1), self.spatial)
        return unskew(tf.transpose(states, [1, 2, 0, 3]))

    def _cell(self, gates, left, above):
        """States are h and c side by side."""
        (h_left, c_left), (h_above, c_above) = (tf.split(state, 2, -1) for state in (left, above))
        gates += tf.tensordot(tf.concat([h_left, h_above], -1), tf.cast(self.around, gates.dtype), 1)
        return tf.concat(cell(gates, c_left, c_above if self.spatial else None), -1)

    def start(self, n, width: int) -> tf.Tensor:
        """h and c of the last `width` pixels."""
        return tf.zeros([n, width, 2 * self.units])

    def step(self, line, x, place: Place, told=None) -> tuple[tf.Tensor, tf.Tensor]:
        gates = self.inside.call(x)
        gates = gates if told is None else gates + self.told.call(told_at(told, place))
        left = line[:, -1] * tf.cast(place.column > 0, line.dtype)
        state = self._cell(gates, left, line[:, 0])
        return state[:, : self.units], tf.concat([line[:, 1:], state[:, None]], 1)

    def row(self, x, above, told=None) -> tf.Tensor:
        """A whole row [n, width, inputs] whose states above [n, width, 2 units] are known: its states."""
        gates = self.inside.call(x)
        gates = gates if told is None else gates + self.told.call(told)
        states = [tf.zeros_like(above[:, 0])]
        for gate, state in zip(tf.unstack(gates, axis=1), tf.unstack(above, axis=1), strict=True):
            states.append(self._cell(gate, states[-1], state))  # no loop: TF-Lite has none of this kind inside another
        return tf.stack(states[1:], 1)

    def seen(self, at: np.ndarray) -> np.ndarray:
        rows = np.logical_or.accumulate(at[::-1], 0)[::-1]
        return np.logical_or.accumulate(rows[:, ::-1], 1)[:, ::-1]


class DiagonalBiLSTM(keras.layers.Layer):
    """left(x) + right(x) shifted down by one row, for what comes from the right has seen the pixels still to come in
    its own."""

    def __init__(self, inputs: int, units: int, told: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.left, self.right = (DiagonalLSTM(inputs, units, told, dtype=self.dtype_policy) for _ in range(2))
        self.units, self.built = units, True

    def call(self, x, told=None):
        turned = None if told is None else tf.reverse(told, [2])
        right = tf.reverse(self.right(tf.reverse(x, [2]), turned), [2])
        return self.left(x, told) + tf.pad(right, [[0, 0], [1, 0], [0, 0], [0, 0]])[:, :-1]

    def start(self, n, width: int) -> dict:
        """The state from the left; the inputs of the last row, and the states from the right above it."""
        inputs = tf.zeros([n, width, self.left.inside.kernel.shape[0]])
        return {"inputs": inputs, "left": self.left.start(n, width), "right": self.right.start(n, width)}

    def step(self, state: dict, x, place: Place, told=None) -> tuple[tf.Tensor, dict]:
        new_row = (place.column == 0) & (place.t > 0)
        right = tf.cond(new_row, lambda: self._row_above(state, place, told), lambda: state["right"])
        h, left = self.left.step(state["left"], x, place, told)
        h += tf.gather(right, place.column, axis=1)[:, : self.units]
        return h, {"inputs": tf.concat([state["inputs"][:, 1:], x[:, None]], 1), "left": left, "right": right}

    def _row_above(self, state, place, told):
        """What comes from the right in the row that is whole."""
        told = told_of_row(told, Place(place.t - place.width, place.width))
        turned = (None if part is None else tf.reverse(part, [1]) for part in (state["inputs"], state["right"], told))
        return tf.reverse(self.right.row(*turned), [1])

    def seen(self, at: np.ndarray) -> np.ndarray:
        above = np.concatenate([at[1:], np.zeros_like(at[:1])])
        return self.left.seen(at) | self.right.seen(above[:, ::-1])[:, ::-1]
