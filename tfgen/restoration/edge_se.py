"""Speech enhancement hop by hop: a noisy recording of 16 kHz to what was said, 32 ms later, by a mask on its spectrum.

    X = STFT(noisy), window 512 (root-Hann), hop 256;    estimate = ISTFT(M(X) · X)

    loss = 30 E|X̂_c - X_c|² + 70 E(|X̂|^c - |X|^c)² - .4 SI-SDR / dB + ½ (is there speech?) + 2.5 (what is missed),
    X_c = X |X|^(c-1),  c = 0.3;  what a listener misses, by PESQ's model of hearing: `tfgen.losses.hearing`

The loss is that of Rong et al., "GTCRN: a speech enhancement model requiring ultralow computational resources", 2024,
https://doi.org/10.1109/ICASSP48485.2024.10448310, with other weights and what is missed beside it;
the network is ours (2026).
"""

import math

import keras
import numpy as np
import tensorflow as tf

from tfgen import rng
from tfgen.checks import at_least
from tfgen.losses.hearing import score_lost
from tfgen.model import GenerativeModel, Player
from tfgen.nets.edge_se import EdgeNet
from tfgen.nets.edge_se_hop import Hop

__all__ = ["EdgeSE"]

HOP = 256
WINDOW = np.sqrt(0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)).astype("float32")


class EdgeSE(GenerativeModel):
    """Clean from noisy, both [samples] at 16 kHz; x is the clean one, the condition is the noisy one.

    Arguments:
        shape: of one example, such as (32000,) for two seconds; what else it is counts as one line of samples.
        channels, units, bands, blocks, convolutions: of the network (`tfgen.nets.edge_se.EdgeNet`).
        complex_weight, magnitude_weight, distortion_weight, voice_weight, hearing_weight: of the terms of the loss;
            distortion is the SI-SDR in dB, and hearing is in points of PESQ's scale.
        average: decay of the moving average of the weights, which then restores.
    """

    def __init__(
        self,
        shape,
        *,
        channels: int = 32,
        units: int = 32,
        bands: int = 24,
        blocks: int = 3,
        convolutions: int = 2,
        complex_weight: float = 60.0,
        magnitude_weight: float = 70.0,
        distortion_weight: float = 0.4,
        voice_weight: float = 0.5,
        hearing_weight: float = 2.5,
        average: float = 0.999,
    ):
        at_least(1, channels=channels, units=units, bands=bands, blocks=blocks)
        super().__init__(shape, tuple(shape) if isinstance(shape, (tuple, list)) else (shape,), "real")
        self.net = EdgeNet(channels, units, bands, blocks, convolutions, name="net")
        vars(self).update(
            weights_of=(complex_weight, magnitude_weight, distortion_weight, voice_weight, hearing_weight),
            average=average,
        )
        self.averages = [
            self.add_weight(
                shape=v.shape,
                initializer=lambda shape, dtype, v=v: tf.cast(v.value, dtype),
                trainable=False,
                dtype="float32",
                aggregation="only_first_replica",
                name=f"average_{i}",
            )
            for i, v in enumerate(self.net.trainable_variables)
        ]

    def players(self):
        adam = lambda: keras.optimizers.Adam(2e-3, beta_2=0.99, global_clipnorm=5.0)
        return {"model": Player(self.loss_terms, self.trainable_variables, optimizer=adam)}

    def loss_terms(self, x, condition=None, training=True):
        clean, noisy = self.flat(x), self.flat(condition)
        if training:
            estimate, voice = self.judged(noisy, self._net(training=True))
        else:
            estimate, voice = self.judged(noisy, self._averaged)
        gain = 0.1 * tf.math.rsqrt(tf.reduce_mean(noisy * noisy, 1, keepdims=True) + 1e-8)
        truth, guess = clean * gain, estimate * gain
        (a, b), (c, d) = spectra(truth), spectra(guess)
        true_power, guessed_power = a * a + b * b + 1e-7, c * c + d * d + 1e-7
        t, g = tf.pow(true_power, -0.35), tf.pow(guessed_power, -0.35)
        complex_ = tf.reduce_mean((a * t - c * g) ** 2 + (b * t - d * g) ** 2, [1, 2]) / 2
        magnitude = tf.reduce_mean((tf.sqrt(true_power) * t - tf.sqrt(guessed_power) * g) ** 2, [1, 2])
        loud = tf.reduce_sum(true_power, -1)
        spoken = tf.cast(loud > tf.maximum(10**-3.5 * tf.reduce_max(loud, 1, keepdims=True), 1e-2), tf.float32)
        voice = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(spoken, voice), 1)
        speaks = tf.reduce_mean(truth**2, 1) > 1e-8
        distortion = tf.where(speaks, si_sdr(truth, guess), 0.0)
        weights = self.weights_of
        loss = weights[0] * complex_ + weights[1] * magnitude - weights[2] * distortion + weights[3] * voice
        terms = {"loss": loss, "complex": complex_, "magnitude": magnitude, "si_sdr": distortion, "voice": voice}
        if weights[4]:
            powers = (real**2 + imag**2 for real, imag in (spectra(x, WINDOW**2) for x in (truth, guess)))
            terms["hearing"] = tf.where(speaks, score_lost(*powers), 0.0)
            terms["loss"] += weights[4] * terms["hearing"]
        return terms

    def after_turn(self, player):
        steps = tf.cast(rng.step(), tf.float32)
        keep = tf.minimum(self.average, steps / (steps + 9))  # the first weights are soon forgotten
        for copy, v in zip(self.averages, self.net.trainable_variables, strict=True):
            copy.assign(keep * copy.value + (1 - keep) * v.value)

    def _net(self, training):
        return lambda *planes: self.net(*planes, training=training)

    def _averaged(self, *planes):
        state = [v.value for v in self.net.non_trainable_variables]
        return self.net.stateless_call([v.value for v in self.averages], state, *planes, training=False)[0]

    def restore(self, noisy) -> tf.Tensor:
        """Sounds [n, any length] to as many samples."""
        return self.judged(tf.convert_to_tensor(noisy, tf.float32), self._averaged)[0]

    def judged(self, noisy, net):
        """Sound [n, samples] to what a net makes of it, and its logits of speech [n, hops]."""
        real, imaginary = spectra(noisy)
        a, b, voice = net(real, imaginary)
        return waves(a * real - b * imaginary, a * imaginary + b * real, tf.shape(noisy)[1]), voice

    def begin_at(self, other: "EdgeSE") -> None:
        """Takes over what another one restores with: the moving average of its weights."""
        if [v.shape for v in self.net.variables] != [v.shape for v in other.net.variables]:
            raise ValueError("the weights to begin with are of other sizes: give channels, units, bands … as there")
        for v, copy, given in zip(self.net.trainable_variables, self.averages, other.averages, strict=True):
            v.assign(given.value), copy.assign(given.value)
        for v, given in zip(self.net.non_trainable_variables, other.net.non_trainable_variables, strict=True):
            v.assign(given.value)

    def hop(self) -> Hop:
        """What restores a hop after the other, for a phone."""
        return Hop(self.net, self.averages, WINDOW)

    @property
    def laws(self):
        return {}

    def generate(self, noise, condition=None):
        noisy = self.flat(condition)
        return tf.reshape(self.restore(noisy), tf.shape(condition))

    def flat(self, x):
        samples = None if None in self.shape else math.prod(self.shape)
        return tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], samples or -1])


def spectra(sound, window=WINDOW):
    """[n, samples] to the real and imaginary planes [n, hops + 1, 257]: each hop with the one before it, windowed."""
    samples = sound.shape[1] or tf.shape(sound)[1]
    after = -samples % HOP + HOP
    hops = tf.reshape(tf.pad(sound, [[0, 0], [HOP, after]]), [tf.shape(sound)[0], (samples + after) // HOP + 1, HOP])
    transformed = tf.signal.rfft(tf.concat([hops[:, :-1], hops[:, 1:]], -1) * window)
    return tf.math.real(transformed), tf.math.imag(transformed)


def waves(real, imaginary, samples):
    """The sound [n, samples] of such planes."""
    frames = tf.signal.irfft(tf.complex(real, imaginary)) * WINDOW
    hops = frames[:, :-1, HOP:] + frames[:, 1:, :HOP]
    return tf.reshape(hops, [tf.shape(hops)[0], -1])[:, :samples]


def si_sdr(truth, guess):
    """[n, samples] to dB [n], within -20 to 40."""
    power = tf.reduce_sum(truth * truth, 1, keepdims=True) + 1e-6
    part = tf.reduce_sum(truth * guess, 1, keepdims=True) / power * truth
    ratio = (tf.reduce_sum(part**2, 1) + 1e-6) / (tf.reduce_sum((guess - part) ** 2, 1) + 1e-6)
    return tf.clip_by_value(10 / math.log(10) * tf.math.log(ratio), -20.0, 40.0)
