"""An LSTM that goes from line to line of cells, with its gradient written out: the way back, too, is a loop of one
product, and all else is a product over all lines at once (as in `gru.py`).

    a_t = given_t + N(h_{t-1}) U,   N: the cells of the line before at some offsets, side by side;   o, f, i, f' = σ(·)
    c_t = f ⊙ c_{t-1} + i ⊙ tanh(g);                                h_t = o ⊙ tanh(c_t)
    c_t = f ⊙ c_{t-1} + f' ⊙ c_{t-1}, one cell before + i ⊙ tanh(g);   h_t = tanh(o ⊙ c_t)                    (spatial)
"""

import tensorflow as tf

__all__ = ["cell", "near", "recur", "shifted"]


def cell(gates, c, above=None):
    """h and c of gates and of the c before; `above`: the other c of a spatial one, which has a gate more."""
    o, f, i, g, *other = tf.split(gates, 4 if above is None else 5, -1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    if above is None:
        return tf.sigmoid(o) * tf.tanh(c), c
    c += tf.sigmoid(other[0]) * above
    return tf.tanh(tf.sigmoid(o) * c), c


def shifted(x, offset: int):
    """[…, cells, units]: at each cell what stands so many further on, zeros beyond the ends."""
    if not offset:
        return x
    kept = x[..., offset:, :] if offset > 0 else x[..., :offset, :]
    beyond = [max(-offset, 0), max(offset, 0)]
    return tf.pad(kept, [*[[0, 0]] * (len(x.shape) - 2), beyond, [0, 0]])


def near(h, offsets: tuple[int, ...]):
    """[…, cells, units] to […, cells, units for each offset]."""
    return tf.concat([shifted(h, offset) for offset in offsets], -1)


def recur(given, kernel, offsets: tuple[int, ...], spatial: bool = False):
    """given [lines, n, cells, gates] and U [units for each offset, gates] to the h [lines, n, cells, units], from zero.
    The other c of a spatial one is that of the cell before."""

    @tf.custom_gradient
    def run(given, kernel):
        lines, units = given.shape[0], kernel.shape[0] // len(offsets)
        inputs = tf.TensorArray(given.dtype, lines).unstack(given)
        start = tf.zeros_like(given[0, ..., :units])
        loop = {"maximum_iterations": lines, "parallel_iterations": 1}
        empty = lambda: tf.TensorArray(given.dtype, lines)

        def forth(t, h, c, hs, cs):
            gates = inputs.read(t) + tf.tensordot(near(h, offsets), kernel, 1)
            h, c = cell(gates, c, shifted(c, -1) if spatial else None)
            return t + 1, h, c, hs.write(t, h), cs.write(t, c)

        *_, hs, cs = tf.while_loop(lambda t, *_: t < lines, forth, (0, start, start, empty(), empty()), **loop)
        hs, cs = hs.stack(), cs.stack()

        def gradient(upstream):
            seen = near(tf.concat([start[None], hs[:-1]], 0), offsets)
            before = tf.concat([start[None], cs[:-1]], 0)
            o, f, i, g, *other = tf.split(given + tf.tensordot(seen, kernel, 1), 5 if spatial else 4, -1)
            o, f, i, g, other = tf.sigmoid(o), tf.sigmoid(f), tf.sigmoid(i), tf.tanh(g), [tf.sigmoid(x) for x in other]
            through = hs if spatial else tf.tanh(cs)
            slope = 1 - through**2  # of the tanh by which h comes from c
            to_o = o * (1 - o) * (slope * cs if spatial else through)
            to_c = slope * o
            factors = [before * f * (1 - f), g * i * (1 - i), i * (1 - g**2)]
            factors += [shifted(before, -1) * f * (1 - f) for f in other]
            parts = [upstream, to_o, to_c, tf.concat(factors, -1), f, *other]
            reads = [tf.TensorArray(given.dtype, lines).unstack(part) for part in parts]
            back_through = tf.transpose(kernel)

            def back(t, late_h, late_c, steps):
                up, to_o, to_c, factor, keep, *keep_other = (array.read(t) for array in reads)
                dh = up + late_h
                dc = late_c + dh * to_c
                step = tf.concat([dh * to_o, tf.concat([dc] * (3 + spatial), -1) * factor], -1)
                to_near = tf.split(tf.tensordot(step, back_through, 1), len(offsets), -1)
                late_h = tf.add_n([shifted(part, -offset) for part, offset in zip(to_near, offsets, strict=True)])
                late_c = dc * keep
                if spatial:
                    late_c += shifted(dc * keep_other[0], 1)
                return t - 1, late_h, late_c, steps.write(t, step)

            *_, steps = tf.while_loop(lambda t, *_: t >= 0, back, (lines - 1, start, start, empty()), **loop)
            steps = steps.stack()
            flat = lambda a: tf.reshape(a, [-1, a.shape[-1]])
            return steps, tf.matmul(flat(seen), flat(steps), transpose_a=True)

        return hs, gradient

    return run(given, tf.convert_to_tensor(kernel))
