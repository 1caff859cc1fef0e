"""RIDE, the recurrent image density estimator: spatial LSTMs over the neighbourhood of each pixel, and a mixture of
Gaussians whose scales and experts hang on the state.

    (g, o, i, f_r, f_c) from the pixels around before it, h to the left, h above;  g = tanh, the others σ        (Eq. 6)
    c = g ⊙ i + c_left ⊙ f_c + c_above ⊙ f_r;   h = tanh(c ⊙ o)                                                  (Eq. 7)
    p(x | h): a mixture of `scales` for each expert (`parts.MixtureOfScales`, Eq. 4 and 5), or any other likelihood

Theis and Bethge, "Generative image modeling using spatial LSTMs", 2015, https://arxiv.org/abs/1506.03478
"""

from tfgen.autoregressive.raster import Stacked
from tfgen.checks import at_least
from tfgen.layers import DiagonalLSTM, RasterConv

__all__ = ["RIDE"]


class RIDE(Stacked):
    """A recurrent model of pictures with a mixture head.

    Arguments:
        shape: of a picture.
        condition: seen by every layer.
        likelihood: "gaussian_mixture:32" of real numbers has experts and scales; "bernoulli", "categorical:256" and
            "logistic_mixture:5" are as in the other models.
        units: of each layer.
        layers: of spatial LSTMs.
        rows: of the neighbourhood, above; as many columns to each side.
        scales: of each expert of a mixture of Gaussians.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        likelihood: str = "bernoulli",
        units: int = 64,
        layers: int = 2,
        rows: int = 3,
        scales: int = 4,
    ):
        at_least(1, units=units, layers=layers, rows=rows, scales=scales)
        super().__init__(shape, condition, likelihood)
        count = self.likelihood.size // 3
        mixture = str(likelihood).startswith("gaussian_mixture")
        if mixture and count % scales:
            raise ValueError(f"scales={scales}: the {count} components of {likelihood} are no multiple of it")
        self.first = RasterConv(self.channels, units, rows, rows, itself=False)
        self.stack = [DiagonalLSTM(units, units, self.told_size, spatial=True) for _ in range(layers)]
        self.make_head(units, units, scales if mixture else 0)
