"""A gated recurrent unit over time whose weights are shared by all bands, with its gradient written out.

    z, r = σ(x W + h U + b);   n = tanh(x W_n + b_n + r (h U_n + c_n));   h' = n + z (h - n)

The gradient of a loop adds up the gradients of its weights at each step. Here the way back is a loop of one product;
all else is a product over all hops at once.
"""

import keras
import tensorflow as tf

__all__ = ["BandGRU"]


class BandGRU(keras.layers.Layer):
    """[n, hops, bands, units] to the states [n, hops, bands, units], from zero.

    Arguments:
        units: of input and state.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        normal = keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")
        self.units = units
        self.kernel = self.add_weight(shape=(units, 3 * units), initializer=normal, name="kernel")
        self.bias = self.add_weight(shape=(3 * units,), initializer="zeros", name="bias")
        self.bias.assign(tf.repeat([1.0, 0.0, 0.0], units))
        self.recurrent = self.add_weight(shape=(units, 3 * units), initializer=normal, name="recurrent")
        self.recurrent_bias = self.add_weight(shape=(units,), initializer="zeros", name="recurrent_bias")
        self.built = True

    def call(self, x):
        size, units = tf.shape(x), self.units
        given = tf.transpose(tf.convert_to_tensor(x) @ self.kernel + self.bias, [1, 0, 2, 3])
        given = tf.reshape(given, [size[1], size[0] * size[2], 3 * units])
        if x.shape[1] is not None:
            given = tf.ensure_shape(given, [x.shape[1], None, 3 * units])
        states = recur(given, tf.convert_to_tensor(self.recurrent), tf.convert_to_tensor(self.recurrent_bias))
        return tf.transpose(tf.reshape(states, [size[1], size[0], size[2], units]), [1, 0, 2, 3])


@tf.custom_gradient
def recur(given, recurrent, bias):
    """What the inputs give [hops, n, 3 units], U [units, 3 units] and c [units] to the states [hops, n, units]."""
    hops = given.shape[0] or tf.shape(given)[0]
    units = recurrent.shape[0]
    inputs = tf.TensorArray(tf.float32, hops).unstack(given)
    start = tf.zeros_like(given[0, :, :units])

    def forth(t, h, states):
        x, past = inputs.read(t), h @ recurrent
        gates = tf.sigmoid(x[:, : 2 * units] + past[:, : 2 * units])
        n = tf.tanh(x[:, 2 * units :] + gates[:, units:] * (past[:, 2 * units :] + bias))
        h = n + gates[:, :units] * (h - n)
        return t + 1, h, states.write(t, h)

    loop = {"maximum_iterations": hops, "parallel_iterations": 1}
    _, _, states = tf.while_loop(lambda t, *_: t < hops, forth, (0, start, tf.TensorArray(tf.float32, hops)), **loop)
    states = states.stack()

    def gradient(upstream):
        before = tf.concat([start[None], states[:-1]], 0)
        past = before @ recurrent
        gates = tf.sigmoid(given[..., : 2 * units] + past[..., : 2 * units])
        z, r = gates[..., :units], gates[..., units:]
        inner = past[..., 2 * units :] + bias
        n = tf.tanh(given[..., 2 * units :] + r * inner)
        slope = (1 - z) * (1 - n * n)  # d h' / d (what is in tanh)
        factors = tf.concat([(before - n) * z * (1 - z), slope * inner * r * (1 - r), slope * r], -1)
        reads = [tf.TensorArray(tf.float32, hops).unstack(part) for part in (upstream, z, factors)]
        back_through = tf.transpose(recurrent)

        def back(t, late, steps):
            up, keep, factor = (array.read(t) for array in reads)
            d = up + late
            step = tf.concat([d, d, d], -1) * factor
            return t - 1, d * keep + step @ back_through, (steps[0].write(t, step), steps[1].write(t, d))

        _, _, (steps, deltas) = tf.while_loop(
            lambda t, *_: t >= 0,
            back,
            (hops - 1, tf.zeros_like(start), (tf.TensorArray(tf.float32, hops), tf.TensorArray(tf.float32, hops))),
            **loop,
        )
        steps, deltas = steps.stack(), deltas.stack()
        to_inputs = tf.concat([steps[..., : 2 * units], deltas * slope], -1)
        flat = lambda a: tf.reshape(a, [-1, a.shape[-1]])
        to_recurrent = tf.matmul(flat(before), flat(steps), transpose_a=True)
        return to_inputs, to_recurrent, tf.reduce_sum(flat(steps)[:, 2 * units :], 0)

    return states, gradient
