"""Bricks of which nets and models are made."""

from tfgen.layers.dropout import Dropout
from tfgen.layers.masked import MaskedDense
from tfgen.layers.maxout import Maxout

__all__ = ["Dropout", "MaskedDense", "Maxout"]
