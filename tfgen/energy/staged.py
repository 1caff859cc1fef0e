"""Greedy learning: one layer after the other, each from what the layers below make of the data, then all together.

Hinton, Osindero, Teh, "A fast learning algorithm for deep belief nets", 2006.
"""

import functools

import keras

from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player
from tfgen.parts import Stages

__all__ = ["Staged"]


class Staged(GenerativeModel):
    """The base of stacks of layers. They add `learn_layer(i, x, …)` with `layer_variables(i)`, and `learn_all(x, …)`
    with `all_variables()`.

    Arguments:
        layers: how many are learnt one by one.
        epochs: of each; 0 learns all together from the start. `together=False` stays with the last layer.
        rates: the learning rate of one layer, and that of all.
    """

    def __init__(self, shape, *, layers: int, epochs: int, rates: tuple[float, float], values: str, together=True):
        at_least(0, pretrain=epochs)
        if not (epochs or together):
            raise ValueError("pretrain=0 and no learning of all layers together: nothing would be learnt")
        super().__init__(shape, values=values)
        greedy = layers if epochs else 0
        self.greedy, self.together, self.rates_of = greedy, together, rates
        self.stages = Stages((epochs,) * (greedy if together else greedy - 1))

    def learn_layer(self, i: int, x, condition=None, training=True):
        """The rule of layer i, as `Player.update`."""
        raise NotImplementedError

    def learn_all(self, x, condition=None, training=True):
        raise NotImplementedError

    def begin(self, stage: int) -> None:
        """What a stage starts from, where that is not as the last one left it."""

    def players(self):
        one, all_ = (functools.partial(keras.optimizers.SGD, rate) for rate in self.rates_of)
        players = {
            f"layer{i}": Player(
                update=functools.partial(self.learn_layer, i),
                variables=self.layer_variables(i),
                turns=self.stages.turns(i),
                optimizer=one,
            )
            for i in range(self.greedy)
        }
        if self.together:
            turns = self.stages.turns(self.greedy)
            players["all"] = Player(update=self.learn_all, variables=self.all_variables(), turns=turns, optimizer=all_)
        return players

    def after_epoch(self):
        if (stage := self.stages.after_epoch(self)) is not None:
            self.begin(stage)
