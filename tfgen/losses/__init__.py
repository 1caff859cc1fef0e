"""Losses as pure functions of tensors."""

from tfgen.losses.bounds import OBJECTIVES, elbo, iwae, jackknife, objective
from tfgen.losses.divergences import DIVERGENCES, FDivergence, divergence
from tfgen.losses.games import GAMES, Game, each, game, smoothed
from tfgen.losses.hearing import score_lost
from tfgen.losses.mmd import Kernel, gaussian, median_bandwidth, polynomial, rational_quadratic, squared_mmd
from tfgen.losses.penalties import PENALTIES, Penalty, Play, penalty

__all__ = [
    "DIVERGENCES",
    "GAMES",
    "OBJECTIVES",
    "PENALTIES",
    "FDivergence",
    "Game",
    "Kernel",
    "Penalty",
    "Play",
    "divergence",
    "each",
    "elbo",
    "game",
    "gaussian",
    "iwae",
    "jackknife",
    "median_bandwidth",
    "objective",
    "penalty",
    "polynomial",
    "rational_quadratic",
    "score_lost",
    "smoothed",
    "squared_mmd",
]
