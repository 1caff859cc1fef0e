"""Files, folders, pipes and the microphone, enhanced at constant memory. Imports no TensorFlow."""

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from apps.speech_enhancement.stream import HOP, RATE, Net, Stream
from tfgen.files import whole
from tfgen.progress import progress

__all__ = ["SUFFIXES", "Options", "enhance_all", "live", "pipe", "read_blocks", "sounds_below"]

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf")
CLIPPED = 0.999  # of full scale


@dataclass(frozen=True)
class Options:
    """Arguments:
    net: what enhances.
    strength: from 0 to 1.
    voice, picture: where to write when there was speech, and both spectrograms; folders where a folder is enhanced.
    force: write over what is there.
    """

    net: Net
    strength: float = 1.0
    voice: Path | None = None
    picture: Path | None = None
    force: bool = False


def enhance_all(
    source: Path, target: Path, options: Options, say: Callable[[str], None], complain: Callable[[str], None]
) -> int:
    """A file, or a folder with all below it; how many could not be done. Each of these has its line."""
    if not source.exists():
        raise ValueError(f"{source} is not there: give a sound file or a folder")
    if not source.is_dir():
        jobs = [(source, target, options.voice, options.picture)]
    else:
        if target.is_file():
            raise ValueError(f"{target} is a file, and {source} a folder: give a folder to write into")
        inside = sounds_below(source, but=target)
        if not inside:
            raise ValueError(f"{source} holds no sounds ({', '.join(SUFFIXES)})")
        place = lambda folder, path, suffix: folder and folder / path.relative_to(source).with_suffix(suffix)
        jobs = [
            (p, target / p.relative_to(source), place(options.voice, p, ".csv"), place(options.picture, p, ".png"))
            for p in inside
        ]
    failed = 0
    for number, job in enumerate(jobs, 1):
        try:
            say(_enhance(*job, options, f"{number} of {len(jobs)}, {job[0].name}" if len(jobs) > 1 else job[0].name))
        except (ValueError, OSError) as error:
            complain(str(error).splitlines()[0])
            failed += 1
    return failed


def sounds_below(folder: Path, but: Path | None = None) -> list[Path]:
    """By name; without what stands below another folder."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    inner = but is not None and but.resolve() != folder.resolve() and but.resolve().is_relative_to(folder.resolve())
    return [p for p in paths if not (inner and p.resolve().is_relative_to(but.resolve()))]


def _enhance(source: Path, target: Path, voice: Path | None, picture: Path | None, options: Options, name: str) -> str:
    """One file; the line that says what was done."""
    if target.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{target}: the file to write ends in one of {', '.join(SUFFIXES)}")
    if target.resolve() == source.resolve():
        raise ValueError(f"{target} is what is to be enhanced: give another file to write")
    for path in (target, voice, picture):
        if path is not None and path.exists() and not options.force:
            raise ValueError(f"{path} is there already: --force writes over it, or give another name")
    with open_sound(source) as sound:
        rate, channels, frames = sound.samplerate, sound.channels, sound.frames
        stream = Stream(options.net, rate, channels, options.strength)
        format_, subtype = _format(target, sound)
        target.parent.mkdir(parents=True, exist_ok=True)
        seen, peak, clipped, said = 0, 0.0, 0, []
        with whole(target) as partial:
            with soundfile.SoundFile(partial, "w", rate, channels, subtype, format=format_) as out:
                for block in _shown(read_blocks(sound, source), frames, rate, name):
                    seen, peak = seen + len(block), max(peak, float(np.abs(block).max()))
                    clipped += int(np.count_nonzero(np.abs(block) > CLIPPED))
                    out.write(_fits(stream(block), subtype))
                    said += _taken(stream) if voice else []
                out.write(_fits(stream.finish(), subtype))
                said += _taken(stream) if voice else []
            if not seen:
                raise ValueError(f"{source} holds no samples")
    if voice is not None:
        voice.parent.mkdir(parents=True, exist_ok=True)
        _write_voice(voice, said, seen / rate)
    if picture is not None:
        from apps.speech_enhancement import spectrogram

        picture.parent.mkdir(parents=True, exist_ok=True)
        spectrogram.compare(source, target, picture)
    about = [f"{seen / rate:.1f} s", f"{rate} Hz", f"{channels} channel{'s' * (channels > 1)}"]
    if seen < frames or _cut_short(source):
        about.append("cut short: the file announces more than it holds")
    if peak == 0:
        about.append("all of it silence")
    if clipped > 1e-3 * seen * channels:
        about.append(f"{clipped / seen / channels:.1%} of the samples clipped, which no enhancer mends")
    return f"{target}: {', '.join(about)}"


def open_sound(path: Path) -> soundfile.SoundFile:
    if not path.is_file():
        raise ValueError(f"{path} is not there: give a sound file")
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty")
    try:
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} is no sound that can be read: {error.error_string.rstrip('.')}") from None


def _cut_short(path: Path) -> bool:
    """A WAV file that ends before its header says; libsndfile reads it without a word."""
    with open(path, "rb") as file:
        head = file.read(8)
    announced = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and announced != 2**32 - 1 and announced + 8 > path.stat().st_size


def read_blocks(sound: soundfile.SoundFile, path: Path) -> Iterator[np.ndarray]:
    """A second at a time, float32 [samples, channels]."""
    at = 0
    while True:
        try:
            block = sound.read(sound.samplerate, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{path} breaks off after {at / sound.samplerate:.1f} s: {error.error_string}") from None
        if not len(block):
            return
        if not np.isfinite(block).all():
            raise ValueError(f"{path} holds samples that are no numbers, from {at / sound.samplerate:.0f} s on")
        at += len(block)
        yield block


def _shown(blocks: Iterator, frames: int, rate: int, name: str) -> Iterator:
    return progress(blocks, -(-frames // rate), f"{name} (seconds)") if frames > 20 * rate else blocks


def _format(target: Path, sound: soundfile.SoundFile) -> tuple[str, str]:
    """The container that the name says, and the samples that came, where it can hold them."""
    known = {".oga": "OGG", ".opus": "OGG", ".aif": "AIFF"}
    suffix = target.suffix.lower()
    format_ = known.get(suffix, suffix[1:].upper())
    if suffix == ".opus":
        return format_, "OPUS"
    if format_ == "WAV" and sound.frames * sound.channels * 4 > 2**32:
        format_ = "RF64"
    fits = soundfile.check_format(format_, sound.subtype)
    return format_, sound.subtype if fits else soundfile.default_subtype(format_)


def _fits(sound: np.ndarray, subtype: str) -> np.ndarray:
    return sound if subtype in ("FLOAT", "DOUBLE") else np.clip(sound, -1, 1)


def _taken(stream: Stream) -> list[list[float]]:
    taken, stream.voice = stream.voice, []
    return taken


def _write_voice(path: Path, said: list[list[float]], seconds: float) -> None:
    """How probable speech is: a row each 16 ms, a column for each channel; a row's frame is 32 ms around its time."""
    channels = len(said[0])
    with whole(path) as partial, open(partial, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["seconds", *(["speech"] if channels == 1 else [f"speech_{c + 1}" for c in range(channels)])])
        for i, row in enumerate(said):
            if i * HOP / RATE <= seconds:
                rows.writerow([f"{i * HOP / RATE:.3f}", *(f"{value:.3f}" for value in row)])


def pipe(options: Options, rate: int, channels: int) -> None:
    """Raw signed 16-bit samples, little-endian, from standard input to standard output, as soon as they are ready."""
    stream, held = Stream(options.net, rate, channels, options.strength), b""
    size, out = 2 * channels, sys.stdout.buffer
    encode = lambda sound: (np.clip(np.rint(sound * 32768), -32768, 32767)).astype("<i2").tobytes()
    try:
        while piece := sys.stdin.buffer.read1(size * max(1, rate * HOP // RATE)):
            held += piece
            whole_ = len(held) // size * size
            block = np.frombuffer(held[:whole_], "<i2").reshape(-1, channels).astype("float32") / 32768
            held = held[whole_:]
            out.write(encode(stream(block)))
            out.flush()
        out.write(encode(stream.finish()))
        out.flush()
    except BrokenPipeError:  # who listened has gone
        sys.stdout = None
        raise ValueError("the pipe was closed before the sound had ended") from None
    if held:
        raise ValueError(f"the pipe closed within a sample: {len(held)} bytes of {size} were left")


def live(options: Options) -> None:
    """From the microphone to the loudspeaker until it is interrupted."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise ValueError(
            f"--live takes the package sounddevice and PortAudio ({error}): pip install sounddevice"
        ) from None
    net, state = options.net, [options.net.start()]

    def callback(heard, played, frames, time, status):
        sound, _, state[0] = net(np.ascontiguousarray(heard[:, 0]), state[0], options.strength)
        played[:] = sound[:, None]

    try:
        with sounddevice.Stream(samplerate=RATE, blocksize=HOP, channels=1, dtype="float32", callback=callback):
            print("enhancing the microphone; Ctrl-C ends it", file=sys.stderr)
            while True:
                sounddevice.sleep(1000)
    except sounddevice.PortAudioError as error:
        raise ValueError(f"--live: {error}") from None
    except KeyboardInterrupt:
        print(file=sys.stderr)
