"""A GAN with the improved techniques: minibatch discrimination, historical averaging, one-sided label smoothing,
virtual batch normalisation.

    critic        sees beside each example how near the others of the batch are                            (section 3.2)
    both          pay |θ - mean of past θ|²                                                                (section 3.3)
    real label    0.9                                                                                      (section 3.4)
    generator     normalises by a reference batch                                                          (section 3.5)

Salimans et al., "Improved techniques for training GANs", 2016, https://arxiv.org/abs/1606.03498
"""

from tfgen.adversarial.composed import Composed

__all__ = ["ImprovedGAN"]


class ImprovedGAN(Composed):
    """The four at once; feature_matching=True is the fifth, which the paper plays in place of the generator's loss.

    Arguments: those of `Composed`.
    """

    def __init__(
        self,
        shape,
        *,
        minibatch: int = 32,
        history: float = 1e-4,
        smoothing: float = 0.1,
        generator_norm: str = "virtual:64",
        **others,
    ):
        super().__init__(
            shape, minibatch=minibatch, history=history, smoothing=smoothing, generator_norm=generator_norm, **others
        )
