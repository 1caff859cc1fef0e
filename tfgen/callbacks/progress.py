"""What a terminal shows of a training: the epoch that goes on, a line for each that is done, and how long the rest
takes."""

import shutil
import sys
import time
from collections.abc import Callable

import keras

__all__ = ["Progress", "span_of"]

LONG, SURE = 600, 4  # seconds: of a training that says so; of steps before it is known


def span_of(seconds: float) -> str:
    """For people: 50 s, 12 min, 3.5 h, 2.1 days."""
    for size, unit in ((86_400, "days"), (3600, "h")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"


class Progress(keras.callbacks.Callback):
    """Last of all callbacks, so that its times have everything in them.

    Arguments:
        say: takes a line for each epoch; where standard output is a terminal, a bar is drawn there meanwhile.
    """

    def __init__(self, say: Callable[[str], None] = print):
        super().__init__()
        self.say, self.bar = say, sys.stdout.isatty()
        self.first = self.traced = self.second = (
            None  # epoch; (time, steps) after the first; time after the first epoch
        )
        self.warned = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.begin = epoch, time.monotonic()
        self.shown = self.begin
        self.first = epoch if self.first is None else self.first

    def on_train_batch_end(self, batch, logs=None):
        now, steps = time.monotonic(), self.params["steps"]
        done = min(batch + 1, steps)  # several steps at a time may go beyond the end
        if self.traced is None:
            self.traced = now, done
        elif self.epoch == self.first and now - self.traced[0] > SURE and done < steps:
            each = (now - self.traced[0]) / (done - self.traced[1])
            self._tell(each * steps * (self.params["epochs"] - self.first))
        if self.bar and now - self.shown > 0.2:
            self.shown = now
            filled = round(20 * done / steps)
            bar = "█" * filled + "·" * (20 - filled)
            self._draw(f"epoch {self.epoch + 1}/{self.params['epochs']} {bar} {done}/{steps}  {_terms(logs)}")

    def on_epoch_end(self, epoch, logs=None):
        now, left = time.monotonic(), ""
        if epoch == self.first:
            self.second = now
        elif rest := self.params["epochs"] - epoch - 1:
            seconds = (now - self.second) / (epoch - self.first) * rest
            left = f", {span_of(seconds)} left"
            self._tell(seconds)
        if self.bar:
            self._draw("")
        self.say(f"epoch {epoch + 1}/{self.params['epochs']}: {span_of(now - self.begin)}{left}; {_terms(logs)}")

    def _tell(self, seconds: float) -> None:
        """Once, of a long training."""
        if seconds > LONG and not self.warned:
            if self.bar:
                self._draw("")
            self.say(
                f"this takes about {span_of(seconds)} here; it may be interrupted, and goes on by the same command"
            )
        self.warned = True

    def _draw(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}" + ("" if line else "\r"), end="", flush=True)


def _terms(logs) -> str:
    return ", ".join(f"{name} {float(value):.4g}" for name, value in (logs or {}).items())
