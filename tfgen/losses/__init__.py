"""Losses as pure functions of tensors."""

from tfgen.losses.games import GAMES, Game, game

__all__ = ["GAMES", "Game", "game"]
