"""Reusable architectures. A net never knows its loss, and ends in float32."""

from tfgen.nets.mlp import mlp

__all__ = ["mlp"]
