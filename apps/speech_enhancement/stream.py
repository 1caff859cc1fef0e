"""The shipped network, hop by hop, for sound of any rate and any number of channels. Imports no TensorFlow."""

from pathlib import Path

import numpy as np
import soxr

__all__ = ["HOP", "LATENCY", "RATE", "SHIPPED", "Stream", "open_net", "shipped"]

RATE, HOP = 16000, 256
LATENCY = 2 * HOP / RATE  # seconds, from a sample in to the same sample out
SHIPPED = Path(__file__).parents[2] / "saved_models" / "speech_enhancement"


def shipped(int8: bool = False) -> Path:
    path = SHIPPED / ("edge_se_dynamic.tflite" if int8 else "edge_se.tflite")
    if not path.is_file():
        raise ValueError(f"{path} is not there: `python -m apps.speech_enhancement export RUN` makes it of a run")
    return path


class Net:
    """A streaming .tflite file: (hop [256], state) → (sound [256], probability of speech, state)."""

    def __init__(self, path: Path):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_path=str(path), num_threads=1)
        if "enhance" not in self.interpreter.get_signature_list():
            raise ValueError(f"{path} has no signature `enhance`: give a file that `export` made")
        self.run = self.interpreter.get_signature_runner("enhance")
        self.size = int(self.run.get_input_details()["state"]["shape"][1])

    def start(self) -> np.ndarray:
        return np.zeros((1, self.size), np.float32)

    def __call__(self, hop: np.ndarray, state: np.ndarray, strength: float) -> tuple[np.ndarray, float, np.ndarray]:
        out = self.run(hop=hop[None], strength=np.array([strength], np.float32), state=state)
        return out["sound"][0], float(out["voice"][0, 0]), out["next_state"]


def open_net(path: Path) -> Net:
    if not path.is_file():
        raise ValueError(f"{path} is not there: give a .tflite file that `export` made")
    try:
        return Net(path)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is no streaming .tflite file: {str(error).splitlines()[0]}") from None


class Stream:
    """Sound in, blocks of any length; sound out, aligned with it and as long once it is finished.

    Arguments:
        net: an open one.
        rate, channels: of what comes in and goes out. Each channel has a state of its own.
        strength: 1 for all that the network does, 0 for nothing; between, noise is lowered by at most
            -20 log10(1 - strength) dB.

    `voice` is what the network said of speech since it was last emptied: a row [channels] each 16 ms.
    """

    def __init__(self, net: Net, rate: int, channels: int, strength: float = 1.0):
        if not 0 <= strength <= 1:
            raise ValueError(f"--strength {strength:g}: expected a number from 0 (as it was) to 1 (all)")
        self.net, self.channels, self.strength = net, channels, strength
        same = rate == RATE
        self.into = None if same else soxr.ResampleStream(rate, RATE, channels, dtype="float32", quality="VHQ")
        self.back = None if same else soxr.ResampleStream(RATE, rate, channels, dtype="float32", quality="VHQ")
        self.states = [net.start() for _ in range(channels)]
        self.held = np.zeros((0, channels), np.float32)  # less than a hop
        self.skip = HOP  # the first hop out is of what was before the sound
        self.came = self.went = 0
        self.voice: list[list[float]] = []

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """float32 [samples, channels] to what is finished by now."""
        self.came += len(block)
        return self._out(self._enhanced(block if self.into is None else self.into.resample_chunk(block)), False)

    def finish(self) -> np.ndarray:
        """The rest; as many samples have then gone out as came in."""
        rest = np.zeros((0, self.channels), np.float32)
        if self.into is not None:
            rest = self.into.resample_chunk(rest, last=True)
        silence = np.zeros((2 * HOP + -(len(self.held) + len(rest)) % HOP, self.channels), np.float32)
        return self._out(self._enhanced(np.concatenate([rest, silence])), True)

    def _enhanced(self, block: np.ndarray) -> np.ndarray:
        sound = np.concatenate([self.held, block])
        hops = len(sound) // HOP
        self.held = sound[hops * HOP :]
        out = np.empty((hops * HOP, self.channels), np.float32)
        for at in range(0, hops * HOP, HOP):
            said = []
            for c in range(self.channels):
                hop = np.ascontiguousarray(sound[at : at + HOP, c])
                out[at : at + HOP, c], voice, self.states[c] = self.net(hop, self.states[c], self.strength)
                said.append(voice)
            self.voice.append(said)
        skip = min(self.skip, len(out))
        self.skip -= skip
        return out[skip:]

    def _out(self, sound: np.ndarray, last: bool) -> np.ndarray:
        if self.back is not None:
            sound = self.back.resample_chunk(sound, last=last)
        if last:
            missing = self.came - self.went - len(sound)
            sound = np.pad(sound, ((0, max(0, missing)), (0, 0)))
        sound = sound[: self.came - self.went]
        self.went += len(sound)
        return sound
