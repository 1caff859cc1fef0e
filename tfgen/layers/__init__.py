"""Bricks of which nets and models are made."""

from tfgen.layers.batch_norm import BatchNormalization
from tfgen.layers.causal import CausalConv, CausalStack, GatedConv
from tfgen.layers.crelu import CReLU
from tfgen.layers.dropout import Dropout, GaussianNoise
from tfgen.layers.kernels import Spectral, WeightNormalized
from tfgen.layers.masked import MaskedDense
from tfgen.layers.maxout import Maxout
from tfgen.layers.minibatch import MinibatchDiscrimination
from tfgen.layers.norms import norms
from tfgen.layers.residual import Residual
from tfgen.layers.virtual import Reference, Strip, VirtualBatchNormalization

__all__ = [
    "BatchNormalization",
    "CReLU",
    "CausalConv",
    "CausalStack",
    "Dropout",
    "GatedConv",
    "GaussianNoise",
    "MaskedDense",
    "Maxout",
    "MinibatchDiscrimination",
    "Reference",
    "Residual",
    "Spectral",
    "Strip",
    "VirtualBatchNormalization",
    "WeightNormalized",
    "norms",
]
