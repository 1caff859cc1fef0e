"""Learning in stages: one layer after the other, or nets that grow. The stage is a weight, so a run that was cut off
goes on within it."""

import keras
import tensorflow as tf

from tfgen.checks import at_least
from tfgen.parts.weights import number

__all__ = ["Stages"]


@keras.saving.register_keras_serializable("tfgen")
class Stages(keras.layers.Layer):
    """Stage i lasts epochs[i] epochs; the last one, which has no number, as long as training goes on.

    A model gives its players `turns=self.stages.turns(i)`, and calls `self.stages.after_epoch(self)` in `after_epoch`;
    a `Staged` one does so by itself.
    """

    def __init__(self, epochs: tuple[int, ...]):
        super().__init__(autocast=False)
        at_least(1, epochs=epochs)
        self.epochs = tuple(epochs)
        self.done = number(self, "epochs_done", 0, dtype="int64")
        self.built = True

    def now(self) -> int:
        """The stage, a number of Python's: what is traced is of one stage."""
        with tf.init_scope():
            done = int(self.done.value.read_value())
        return sum(done >= end for end in self.ends)

    @property
    def ends(self) -> list[int]:
        """The epochs after which each stage is over."""
        return [sum(self.epochs[: i + 1]) for i in range(len(self.epochs))]

    def turns(self, stage: int, turns: int = 1) -> int:
        """Of a player that learns in this stage, and waits in any other."""
        return turns if self.now() == stage else 0

    def after_epoch(self, model) -> int | None:
        """The stage that begins with the next epoch, where another one does."""
        before = self.now()
        self.done.assign_add(1)
        if self.now() == before:
            return None
        model.trace_again()
        return self.now()
