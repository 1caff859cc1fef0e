"""`edge_se` for a phone: one hop of sound in, one hop out, the state in a tensor; batch normalisation is folded away.

    hop [1, 256], strength [1], state [1, size]  →  sound [1, 256], voice [1, 1], next_state [1, size]

The state begins as zeros. The sound is 256 samples late: hop t comes out when hop t + 1 has come in. Only operators
that
TF-Lite has are used: the inverse transform is a Hartley transform by RFFT2D, real and imaginary planes stay apart.
"""

import keras
import numpy as np
import tensorflow as tf

from tfgen.nets.edge_se import BINS, FLOOR, FORGET, GROUP, PLACES, EdgeNet

__all__ = ["Hop"]

HOP = 256


class Hop(tf.Module):
    """The network at given weights, hop by hop.

    Arguments:
        net: whose form and moving statistics are taken.
        weights: in place of its trainable ones, such as their moving averages.
        window: of two hops, applied before the transform and after its inverse.
    """

    def __init__(self, net: EdgeNet, weights, window: np.ndarray):
        super().__init__()
        value = {id(v): keras.ops.convert_to_numpy(w) for v, w in zip(net.trainable_variables, weights, strict=True)}
        of = lambda v: value[id(v)] if id(v) in value else keras.ops.convert_to_numpy(v)

        def folded(kernel, norm):
            """What multiplies and what is added, of a kernel and the normalisation behind it."""
            scale = of(norm.gamma) / np.sqrt(of(norm.moving_variance) + norm.epsilon)
            return of(kernel) * scale, of(norm.beta) - of(norm.moving_mean) * scale

        self.window = window[None].astype("float32")
        self.into = folded(net.into, net.into_norm)
        self.convolutions = [folded(*pair) for pair in net.convolutions]
        self.down, self.up = of(net.down), of(net.up)
        kernel, bias = folded(net.narrow, net.narrow_norm)
        self.narrow = kernel, bias + of(net.place)
        self.blocks = [_Block(block, of, folded) for block in net.blocks]
        self.voice, self.voice_bias = of(net.voice), of(net.voice_bias)
        self.widen = folded(net.widen, net.widen_norm)
        self.back = [(folded(a, b), folded(c, d)) for a, b, c, d in net.back]
        self.join = folded(net.join, net.join_norm)
        self.mask = of(net.mask), of(net.mask_bias)
        self.bands, self.units = net.bands, net.units
        self.parts = [HOP, HOP, 1, 1, *[net.bands * net.units] * len(self.blocks)]

    @property
    def state_size(self) -> int:
        return sum(self.parts)

    def signature(self) -> list[tf.TensorSpec]:
        return [
            tf.TensorSpec([1, HOP], tf.float32, "hop"),
            tf.TensorSpec([1], tf.float32, "strength"),
            tf.TensorSpec([1, self.state_size], tf.float32, "state"),
        ]

    def __call__(self, hop, strength, state) -> dict[str, tf.Tensor]:
        before, tail, level, weight, *memories = tf.split(state, self.parts, 1)
        spectrum = tf.signal.rfft(tf.concat([before, hop], 1) * self.window)
        real, imaginary = tf.math.real(spectrum), tf.math.imag(spectrum)
        low, low_imaginary = real[:, :BINS], imaginary[:, :BINS]
        power = low * low + low_imaginary * low_imaginary
        level = FORGET * level + (1 - FORGET) * tf.reduce_mean(power, 1, keepdims=True)
        weight = FORGET * weight + (1 - FORGET)
        mask, mask_imaginary, voice, memories = self.judged(low, low_imaginary, power, level / weight + FLOOR, memories)
        mask = strength * tf.concat([mask, tf.zeros([1, 1])], 1) + (1 - strength)
        mask_imaginary = strength * tf.concat([mask_imaginary, tf.zeros([1, 1])], 1)
        kept = mask * real - mask_imaginary * imaginary
        ends = np.ones((1, BINS + 1), "float32")
        ends[0, [0, -1]] = 0  # a real signal has no imaginary part there
        kept_imaginary = (mask * imaginary + mask_imaginary * real) * ends
        frame = (
            self.window
            / (2 * HOP)
            * hartley(tf.concat([kept - kept_imaginary, tf.reverse((kept + kept_imaginary)[:, 1:BINS], [1])], 1))
        )
        sound, tail = frame[:, :HOP] + tail, frame[:, HOP:]
        state = tf.concat([hop, tail, level, weight, *[tf.reshape(m, [1, -1]) for m in memories]], 1)
        return {"sound": sound, "voice": voice, "next_state": state}

    def judged(self, real, imaginary, power, level, memories):
        """One spectrum without its highest bin to the planes of its mask, the probability of speech and new states."""
        relu = tf.nn.relu
        quarter = tf.sqrt(tf.sqrt(tf.sqrt(power / level + FLOOR)))
        scale = tf.math.rsqrt(level) / (quarter * quarter * quarter)
        planes = [tf.reshape(x, [PLACES, GROUP]) for x in (real * scale, imaginary * scale, quarter)]
        y = relu(_dense(tf.concat(planes, 1), self.into))
        skips = [y]
        for kernel in self.convolutions:
            y = _beside(y, kernel, relu)
            skips.append(y)
        y = _dense(_across(y, self.down), self.narrow)
        after = []
        for block, memory in zip(self.blocks, memories, strict=True):
            y, memory = block(y, tf.reshape(memory, [self.bands, self.units]))
            after.append(memory)
        voice = tf.sigmoid(tf.reshape(tf.reduce_sum(y * self.voice), [1, 1]) + self.voice_bias)
        y = _dense(_across(y, self.up), self.widen)
        for skip, kernel in self.back:
            y = relu(_dense(tf.concat([y, skips.pop()], 1), skip))
            y = _beside(y, kernel, relu)
        y = relu(_dense(tf.concat([y, skips.pop()], 1), self.join))
        m = _beside(y, self.mask)
        a, b = (tf.reshape(part, [1, BINS]) for part in tf.split(m, 2, 1))
        root = tf.sqrt(a * a + b * b + 1e-12)
        return a * root, b * root, voice, after


class _Block:
    """`tfgen.nets.edge_se.Block` for one hop: [bands, units] and a state to the same."""

    def __init__(self, block, of, folded):
        units = block.gru.units
        kernel, recurrent = of(block.gru.kernel), of(block.gru.recurrent)
        bias, self.inner = of(block.gru.bias), (recurrent[:, 2 * units :], of(block.gru.recurrent_bias))
        self.gates = np.concatenate([kernel[:, : 2 * units], recurrent[:, : 2 * units]]), bias[: 2 * units]
        self.new = kernel[:, 2 * units :], bias[2 * units :]
        self.leave, self.enter = folded(block.leave, block.leave_norm), folded(block.enter, block.enter_norm)
        self.mix, self.end = of(block.mix), folded(block.end, block.end_norm)

    def __call__(self, y, h):
        z, r = tf.split(tf.sigmoid(_dense(tf.concat([y, h], 1), self.gates)), 2, 1)
        n = tf.tanh(_dense(y, self.new) + r * _dense(h, self.inner))
        h = n + z * (h - n)
        y = y + _dense(h, self.leave)
        o = _across(tf.nn.relu(_dense(y, self.enter)), self.mix)
        return y + _dense(o, self.end), h


def hartley(x):
    """Σ_k x_k (cos + sin)(2π k n / N) of [1, N], by the transform of real numbers."""
    spectrum = tf.signal.rfft(x)
    real, imaginary = tf.math.real(spectrum), tf.math.imag(spectrum)
    return tf.concat([real - imaginary, tf.reverse((real + imaginary)[:, 1 : x.shape[1] // 2], [1])], 1)


def _dense(x, kernel):
    return tf.matmul(x, kernel[0]) + kernel[1]


def _across(x, kernel):
    """[places, channels] to [other places, channels]."""
    return tf.transpose(tf.matmul(tf.transpose(x), kernel))


def _beside(x, kernel, activation=tf.identity):
    """A convolution over neighbouring places [places, channels]; what follows it at once is made one with it."""
    y = tf.nn.conv2d(tf.reshape(x, [1, 1, *x.shape]), kernel[0], 1, "SAME")
    return tf.reshape(activation(y + kernel[1]), [x.shape[0], kernel[0].shape[-1]])
