"""Flows: maps with an inverse, whose density is known by the determinant of their derivative."""

from tfgen.flows.planar import Planar

__all__ = ["Planar"]
