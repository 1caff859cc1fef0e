"""Bricks of which nets and models are made."""

from tfgen.layers.masked import MaskedDense

__all__ = ["MaskedDense"]
