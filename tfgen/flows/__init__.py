"""Flows: maps with an inverse, whose density is known by the determinant of their derivative. Bricks of posteriors,
priors and densities."""

from tfgen.flows.autoregressive import InverseAutoregressive
from tfgen.flows.coupling import Coupling, Scale
from tfgen.flows.flow import Chain, Flow
from tfgen.flows.householder import Householder
from tfgen.flows.leapfrog import leapfrog
from tfgen.flows.named import FLOWS, flow
from tfgen.flows.planar import Planar
from tfgen.flows.radial import Radial

__all__ = [
    "FLOWS",
    "Chain",
    "Coupling",
    "Flow",
    "Householder",
    "InverseAutoregressive",
    "Planar",
    "Radial",
    "Scale",
    "flow",
    "leapfrog",
]
