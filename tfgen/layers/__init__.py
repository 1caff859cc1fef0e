"""Bricks of which nets and models are made."""

from tfgen.layers.batch_norm import BatchNormalization
from tfgen.layers.causal import CausalConv, CausalStack, GatedConv
from tfgen.layers.crelu import CReLU
from tfgen.layers.dropout import Dropout, GaussianNoise
from tfgen.layers.gated_pixel import GatedPixel
from tfgen.layers.kernels import Spectral, WeightNormalized
from tfgen.layers.masked import MaskedDense
from tfgen.layers.maxout import Maxout
from tfgen.layers.minibatch import MinibatchDiscrimination
from tfgen.layers.norms import norms
from tfgen.layers.pixel_lstm import DiagonalBiLSTM, DiagonalLSTM, RowLSTM, skew, unskew
from tfgen.layers.raster import Place, Pointwise, RasterBlock, RasterConv, told_at, told_of_row
from tfgen.layers.residual import Residual
from tfgen.layers.units import UNITS, Units, units, with_label
from tfgen.layers.virtual import Reference, Strip, VirtualBatchNormalization

__all__ = [
    "UNITS",
    "BatchNormalization",
    "CReLU",
    "CausalConv",
    "CausalStack",
    "DiagonalBiLSTM",
    "DiagonalLSTM",
    "Dropout",
    "GatedConv",
    "GatedPixel",
    "GaussianNoise",
    "MaskedDense",
    "Maxout",
    "MinibatchDiscrimination",
    "Place",
    "Pointwise",
    "RasterBlock",
    "RasterConv",
    "Reference",
    "Residual",
    "RowLSTM",
    "Spectral",
    "Strip",
    "Units",
    "VirtualBatchNormalization",
    "WeightNormalized",
    "norms",
    "skew",
    "told_at",
    "told_of_row",
    "units",
    "unskew",
    "with_label",
]
