"""Autoregressive models: one dimension after another, each given those before it."""

import functools

import numpy as np

from tfgen.autoregressive.diagonal_bilstm import DiagonalBiLSTM
from tfgen.autoregressive.engine import Autoregressive, Cached
from tfgen.autoregressive.eonade import EoNADE
from tfgen.autoregressive.fvsbn import FVSBN
from tfgen.autoregressive.gated_pixelcnn import GatedPixelCNN
from tfgen.autoregressive.made import MADE
from tfgen.autoregressive.multiscale import Multiscale
from tfgen.autoregressive.nade import NADE
from tfgen.autoregressive.neural_ar import NeuralAR
from tfgen.autoregressive.pixelcnn import PixelCNN
from tfgen.autoregressive.raster import Raster, Stacked
from tfgen.autoregressive.recurrent import Recurrent
from tfgen.autoregressive.ride import RIDE
from tfgen.autoregressive.row_lstm import RowLSTM
from tfgen.autoregressive.vector import Vector
from tfgen.entry import Entry

__all__ = [
    "ENTRIES",
    "FVSBN",
    "MADE",
    "NADE",
    "RIDE",
    "Autoregressive",
    "Cached",
    "DiagonalBiLSTM",
    "EoNADE",
    "GatedPixelCNN",
    "Multiscale",
    "NeuralAR",
    "PixelCNN",
    "Raster",
    "Recurrent",
    "RowLSTM",
    "Stacked",
    "Vector",
]


def _labelled_bits(*shape):
    generator = np.random.default_rng(0)
    return generator.integers(0, 2, (64, *(shape or (5,)))).astype("float32"), generator.integers(0, 3, 64)


def _colours():
    """Pictures of three channels and two levels, and a picture that each is told."""
    generator = np.random.default_rng(1)
    return generator.integers(0, 2, (64, 2, 4, 3)).astype("float32"), generator.random((64, 2, 4, 1)).astype("float32")


def _real():
    generator = np.random.default_rng(2)
    return generator.normal(size=(64, 3, 3, 1)).astype("float32"), generator.integers(0, 3, 64)


def _tiny(model, **arguments):
    return functools.partial(model, (3, 3, 1), condition=3, **arguments)


_BYTE = functools.partial(_labelled_bits, 8)
_PICTURES = functools.partial(_labelled_bits, 3, 3, 1)

ENTRIES = [
    Entry(
        "fvsbn",
        FVSBN,
        "Frey et al. 1996",
        "a logistic regression for each dimension on those before it",
        tiny=functools.partial(FVSBN, (8,), condition=3, order="random"),
        tiny_data=_BYTE,
        full=FVSBN,
    ),
    Entry(
        "neural_ar",
        NeuralAR,
        "Bengio and Bengio 2000",
        "hidden units of its own for each conditional",
        tiny=functools.partial(NeuralAR, (8,), condition=3, hidden=2),
        tiny_data=_BYTE,
        full=NeuralAR,
    ),
    Entry(
        "nade",
        NADE,
        "Larochelle and Murray 2011; Uria et al. 2013",
        "one hidden layer for all conditionals; of real numbers with mixtures (RNADE)",
        tiny=functools.partial(NADE, (8,), condition=3, hidden=6),
        tiny_data=_BYTE,
        full=NADE,
    ),
    Entry(
        "eonade",
        EoNADE,
        "Uria et al. 2014",
        "one net for every order, an ensemble of orders",
        tiny=functools.partial(EoNADE, (5,), condition=3, hidden=(6, 4), orders=2),
        tiny_data=_labelled_bits,
        full=EoNADE,
    ),
    Entry(
        "made",
        MADE,
        "Germain et al. 2015",
        "masked auto-encoder, any depth, order and number of masks, with or without classes",
        tiny=functools.partial(MADE, (5,), hidden=(16, 16), masks=2, direct=True, condition=3),
        tiny_data=_labelled_bits,
        full=MADE,
    ),
    Entry(
        "pixelcnn",
        PixelCNN,
        "van den Oord et al. 2016",
        "masked convolutions over pixels; with any condition",
        tiny=functools.partial(
            PixelCNN, (2, 4, 3), condition=(2, 4, 1), likelihood="categorical:2", filters=4, layers=1, first=3
        ),
        tiny_data=_colours,
        full=PixelCNN,
        batch=32,
    ),
    Entry(
        "gated_pixelcnn",
        GatedPixelCNN,
        "van den Oord et al. 2016",
        "PixelCNN with gates and without its blind spot; with any condition",
        tiny=_tiny(GatedPixelCNN, filters=3, layers=2, first=3, kernel=3),
        tiny_data=_PICTURES,
        full=GatedPixelCNN,
        batch=32,
    ),
    Entry(
        "multiscale",
        Multiscale,
        "Reed et al. 2017",
        "a small picture, then groups of pixels in parallel; with any condition",
        tiny=functools.partial(Multiscale, (4, 4, 1), condition=3, scales=1, filters=4, layers=1),
        tiny_data=functools.partial(_labelled_bits, 4, 4, 1),
        full=Multiscale,
        batch=32,
    ),
    Entry(
        "ride",
        RIDE,
        "Theis and Bethge 2015",
        "spatial LSTMs with a mixture of Gaussian scales, or another head",
        tiny=functools.partial(
            RIDE, (3, 3, 1), condition=3, likelihood="gaussian_mixture:4", units=4, layers=1, rows=1, scales=2
        ),
        tiny_data=_real,
        full=RIDE,
        batch=32,
    ),
    Entry(
        "diagonal_bilstm",
        DiagonalBiLSTM,
        "van den Oord et al. 2016",
        "PixelRNN along diagonals, from either side",
        tiny=_tiny(DiagonalBiLSTM, units=3, layers=1, first=3),
        tiny_data=_PICTURES,
        full=DiagonalBiLSTM,
        batch=32,
    ),
    Entry(
        "row_lstm",
        RowLSTM,
        "van den Oord et al. 2016",
        "PixelRNN, row by row",
        tiny=_tiny(RowLSTM, units=3, layers=1, first=3),
        tiny_data=_PICTURES,
        full=RowLSTM,
        batch=32,
    ),
]
