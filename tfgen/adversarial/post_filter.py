"""A post-filter: the texture of natural spectra given back to spectra that a model has smoothed.

    G(z, y) = y + r(z, y);  the critic plays on pairs: natural spectra x beside the smooth ones y, G(z, y) beside y

Kaneko, Kameoka, Hojo, Ijima, Hiramatsu, Kashino, "Generative adversarial network-based postfilter for statistical
parametric speech synthesis", 2017; of spectrograms: Kaneko, Takaki, Kameoka, Yamagishi, "Generative adversarial
network-based postfilter for STFT spectrograms", 2017
"""

import keras

from tfgen.adversarial.engine import Adversarial
from tfgen.checks import at_least
from tfgen.parts import Critic

__all__ = ["PostFilter"]


class PostFilter(Adversarial):
    """x is a natural spectrum [bands, frames, 1] (logarithms, say), the condition its smooth form; noise of its size.

    Arguments:
        shape: of one example. The generator's convolutions take any size; the paper takes the bands of a large spectrum
            apart, one model each.
        width: channels of the generator's outer layers, twice as many between them.
        kernel: of the generator's convolutions.
        game: as in `Adversarial`.
        learning_rate: of Adam, for both.
    """

    def __init__(
        self,
        shape,
        *,
        width: int = 128,
        kernel: int = 5,
        game: str = "non_saturating",
        learning_rate: float = 2e-4,
    ):
        at_least(1, width=width, kernel=kernel)
        shape = tuple(shape)
        if len(shape) != 3 or shape[-1] != 1:
            raise ValueError(f"a post-filter takes spectra (bands, frames, 1), and {shape} came")
        self.rate = learning_rate
        places = shape[:2]
        inputs = keras.Input((*places, 2))  # noise, smooth
        smooth, y = inputs[..., 1:], inputs
        for size in (width, 2 * width, width):
            y = keras.layers.Conv2D(size, kernel, padding="same", activation="relu")(y)
            y = keras.layers.Concatenate()([y, smooth])
        y = keras.layers.Conv2D(1, kernel, padding="same", dtype="float32")(y)
        generator = keras.Model(inputs, keras.layers.Add(dtype="float32")([y, smooth]), name="generator")
        y = seen = keras.Input(Critic.seen_shape(shape, shape, maps=True))
        for size in (width // 2 or 1, width, 2 * width):
            y = keras.layers.LeakyReLU(0.2)(keras.layers.Conv2D(size, kernel, 2, "same")(y))
        y = keras.layers.Dense(1, dtype="float32")(keras.layers.Flatten()(y))
        critic = keras.Model(seen, y, name="critic")
        super().__init__(shape, generator, critic, condition=shape, game=game, together=True)

    def optimizer_of(self, player):
        return lambda: keras.optimizers.Adam(self.rate, beta_1=0.5)
