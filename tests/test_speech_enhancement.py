"""Speech out of noise: the network in both of its forms, its data, its commands."""

import csv
import io
import itertools
import json
import shutil
import sys
import types

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from apps.speech_enhancement import data, enhancing, evaluating, mixing, spectrogram, stream, synthetic, training
from apps.speech_enhancement.__main__ import command
from apps.speech_enhancement.log_mmse import log_mmse
from apps.speech_enhancement.stream import HOP, RATE, Stream, open_net
from tfgen.layers.gru import recur
from tfgen.metrics import sound as metrics
from tfgen.nets.edge_se import FLOOR, FORGET, running_level
from tfgen.restoration import EdgeSE
from tfgen.restoration.edge_se import spectra, waves

SIZES = {"channels": 4, "units": 4, "bands": 6, "blocks": 1, "convolutions": 1}


@pytest.fixture(scope="module")
def model():
    """As if trained: no weight and no statistic where it begins, averages apart from the weights."""
    model = EdgeSE((8 * HOP,), **SIZES)
    draw = np.random.default_rng(0)
    for v in model.net.variables:
        given = {"moving_mean": draw.normal(size=v.shape) / 10, "moving_variance": draw.uniform(0.5, 2, v.shape)}
        v.assign(given.get(v.name, v.numpy() + draw.normal(size=v.shape) / 10))
    for copy, v in zip(model.averages, model.net.trainable_variables, strict=True):
        copy.assign(v.numpy() + draw.normal(size=v.shape) / 20)
    return model


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("net")
    hop, module = model.hop(), tf.Module()
    module.enhance = tf.function(hop.__call__, input_signature=hop.signature())
    tf.saved_model.save(module, str(folder / "saved"), signatures={"enhance": module.enhance})
    path = folder / "net.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved")).convert())
    return path


@pytest.fixture(scope="module")
def noisy():
    return mixing.mix(synthetic.voice(2.0, 1), synthetic.noise(2.0, 1), 5)


def whole(model, x):
    return model.restore(x[None])[0].numpy()


# -- the network -------------------------------------------------------------------------------------------------------


def test_the_gradient_of_the_gru_is_that_of_its_equations():
    draw = np.random.default_rng(0)
    given, recurrent, bias, weight = (
        tf.constant(draw.normal(size=s).astype("float32")) for s in ((7, 3, 12), (4, 12), (4,), (7, 3, 4))
    )

    def plain(given, recurrent, bias):
        h, states = tf.zeros([3, 4]), []
        for x in tf.unstack(given):
            past = h @ recurrent
            z, r = tf.split(tf.sigmoid(x[:, :8] + past[:, :8]), 2, 1)
            n = tf.tanh(x[:, 8:] + r * (past[:, 8:] + bias))
            h = n + z * (h - n)
            states.append(h)
        return tf.stack(states)

    found = []
    for form in (recur, plain):
        with tf.GradientTape() as tape:
            tape.watch([given, recurrent, bias])
            states = form(given, recurrent, bias)
            loss = tf.reduce_sum(states * weight)
        found.append([states, *tape.gradient(loss, [given, recurrent, bias])])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_analysis_and_synthesis_give_back_the_sound():
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 1000)).astype("float32"))
    np.testing.assert_allclose(waves(*spectra(x), 1000), x, atol=2e-6)


def test_the_level_is_the_recursion():
    powers = np.abs(np.random.default_rng(0).normal(size=(1, 300))).astype("float32")
    level, weight, expected = 0.0, 0.0, []
    for power in powers[0]:
        level, weight = FORGET * level + (1 - FORGET) * power, FORGET * weight + 1 - FORGET
        expected.append(level / weight + FLOOR)
    np.testing.assert_allclose(running_level(tf.constant(powers))[0], expected, rtol=1e-5)


def test_nothing_looks_ahead(model):
    """An output hangs on what came until the end of the hop after its own, and on nothing later."""
    x = tf.constant(np.random.default_rng(0).normal(size=(1, 8 * HOP)).astype("float32"))
    for place in (3 * HOP + 1, 4 * HOP - 1):
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = model.generate({}, x)[0, place]
        moved = np.flatnonzero(tape.gradient(out, x)[0])
        assert moved.max() == 5 * HOP - 1 and moved.min() < HOP


def test_loudness_does_not_matter_and_silence_stays(model, noisy):
    at_once = whole(model, noisy)
    for decibels in (-50, -20, 10):
        gain = np.float32(10 ** (decibels / 20))
        assert metrics.si_sdr(at_once, whole(model, gain * noisy) / gain) > 40
    assert not whole(model, np.zeros(4 * HOP, "float32")).any()


@pytest.mark.parametrize("sizes", [(HOP,), (1, 77, 1000), (5000,)], ids=str)
def test_hop_by_hop_is_the_whole(model, file, noisy, sizes):
    """In TF-Lite with batch normalisation folded, for any chunks; two channels keep apart."""
    both = np.stack([noisy, noisy[::-1]], 1)
    each, out, at = Stream(open_net(file), RATE, 2), [], 0
    for size in itertools.cycle(sizes):
        out.append(each(both[at : at + size]))
        at += size
        if at >= len(both):
            break
    out = np.concatenate([*out, each.finish()])
    assert out.shape == both.shape
    for c in range(2):
        np.testing.assert_allclose(out[:, c], whole(model, both[:, c].copy()), atol=1e-5)
    assert len(each.voice) >= len(noisy) // HOP and all(0 <= p <= 1 for row in each.voice for p in row)


def test_the_hop_as_keras_runs_it_is_the_whole(model, noisy):
    hop, state, out = model.hop(), None, []
    for at in range(0, 20 * HOP, HOP):
        state = tf.zeros([1, hop.state_size]) if state is None else state
        given = hop(tf.constant(noisy[None, at : at + HOP]), tf.ones([1]), state)
        state, sound = given["next_state"], given["sound"][0]
        out.append(sound)
    np.testing.assert_allclose(np.concatenate(out)[HOP:], whole(model, noisy)[: 19 * HOP], atol=1e-5)


def test_strength(file, noisy):
    """0 is the sound itself, one half the mean of both, in time with each other."""
    found = {}
    for strength in (0.0, 0.5, 1.0):
        each = Stream(open_net(file), RATE, 1, strength)
        found[strength] = np.concatenate([each(noisy[:, None]), each.finish()])[:, 0]
    np.testing.assert_allclose(found[0.0], noisy, atol=1e-6)
    np.testing.assert_allclose(found[0.5], (noisy + found[1.0]) / 2, atol=1e-6)
    with pytest.raises(ValueError, match="from 0"):
        Stream(open_net(file), RATE, 1, 1.5)


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_other_rates_keep_length_time_and_loudness(file, rate):
    """At strength 0 what is below 3.5 kHz comes back as it was."""
    t = np.arange(rate) / rate
    tone = (0.3 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 3100 * t)).astype("float32")
    each = Stream(open_net(file), rate, 1, 0.0)
    out = np.concatenate([*(each(part[:, None]) for part in np.array_split(tone, 7)), each.finish()])[:, 0]
    assert len(out) == len(tone)
    inside = slice(rate // 10, -rate // 10)
    np.testing.assert_allclose(out[inside], tone[inside], atol=2e-3)


def test_log_mmse_lowers_noise():
    clean = synthetic.voice(3.0, 5)
    noise = 0.05 * np.random.default_rng(0).normal(size=len(clean) + 8000).astype("float32")
    noisy = np.concatenate([np.zeros(8000, "float32"), clean]) + noise
    assert metrics.si_sdr(clean, log_mmse(noisy)[8000:]) > metrics.si_sdr(clean, noisy[8000:]) + 3
    assert log_mmse(noisy[:12345]).shape == (12345,) and not log_mmse(np.zeros(4000)).any()


def test_what_is_shipped():
    """Whole as Keras runs it and hop by hop agree, in both files; loudness changes nothing; all of it is below 3 MB."""
    model = EdgeSE.load(stream.SHIPPED / "edge_se.keras")
    noisy = mixing.mix(synthetic.voice(2.0, 7), synthetic.noise(2.0, 7), 5)
    expected = whole(model, noisy)
    for int8, least in ((False, 100), (True, 20)):
        enhance = evaluating.by_hops(open_net(stream.shipped(int8)))
        assert metrics.si_sdr(expected, enhance(noisy)) > least
        assert metrics.si_sdr(enhance(noisy), 100 * enhance(noisy / 100)) > 20
    assert sum(p.stat().st_size for p in stream.SHIPPED.rglob("*") if p.is_file()) < 3e6
    assert stream.shipped().stat().st_size < 400_000 and stream.shipped(True).stat().st_size < 150_000
    clean = synthetic.voice(2.0, 7)
    assert metrics.si_sdr(clean, expected) > metrics.si_sdr(clean, noisy)


# -- data --------------------------------------------------------------------------------------------------------------


def test_mixtures_have_the_snr_that_was_asked_for():
    clean, noise = synthetic.voice(1.0, 0), synthetic.noise(1.0, 0)
    for snr in (-5, 0, 12.5):
        noisy = mixing.mix(clean, noise, snr).astype("float64")
        assert 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2)) == pytest.approx(snr, abs=0.01)


def test_mixtures_are_a_function_of_seed_epoch_and_place():
    pools = data.embedded(1.0, 4)
    mixer = lambda seed: data.Mixer(pools["clean"], pools["noise"], None, 4000, seed)
    mixed = data.dataset(mixer(3), batch=2, steps=3)
    mixed.epochs.next = 5
    for epoch in (5, 6):
        batches = list(mixed.as_numpy_iterator())
        assert len(batches) == 3
        for step, (clean, noisy) in enumerate(batches):
            for i in range(2):
                for ours, theirs in zip((clean[i], noisy[i]), mixer(3)(epoch, 2 * step + i), strict=True):
                    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-30)  # threads treat denormals differently
    assert not np.array_equal(mixer(3)(5, 0)[1], mixer(3)(6, 0)[1])
    assert not np.array_equal(mixer(3)(5, 0)[1], mixer(4)(5, 0)[1])
    peaks = [20 * np.log10(np.abs(mixer(3)(0, i)[1]).max()) for i in range(60)]
    assert -60.1 < min(peaks) < -45 and -12 < max(peaks) < 0.1


def write(path, sound, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, **options)
    return path


def test_folders_are_found_by_name_and_tests_left_out(tmp_path):
    voice, hum = synthetic.voice(0.5, 0), synthetic.noise(0.5, 1)
    for name in (
        "clean/a/1.wav",
        "clean/test/2.wav",
        "my_test/clean/3.wav",
        "noise_more/4.flac",
        "rir/5.wav",
        "x/6.wav",
    ):
        write(tmp_path / name, voice)
    write(tmp_path / "noisy" / "1.wav", voice + 0.1 * hum, subtype="FLOAT")
    found = data.found(tmp_path)
    assert [p.name for p in found["clean"]] == ["1.wav"] and [p.name for p in found["rooms"]] == ["5.wav"]
    assert found["noise"][0].name == "4.flac"
    pool = data.pool(found["noise"], tmp_path / "cache")
    np.testing.assert_allclose(pool.part([1]).samples / 32767, 0.1 * hum, atol=2e-4)
    again = data.pool(found["noise"], tmp_path / "cache")
    np.testing.assert_array_equal(again.samples, pool.samples)
    with pytest.raises(ValueError, match="no folder"):
        data.found(tmp_path / "nowhere")


def test_training_goes_on_bit_for_bit(tmp_path):
    """Killed in the second epoch, against uninterrupted; other epochs would have had other learning rates."""
    pools = data.embedded(1.0, 30)
    settings = training.Settings("edge_se", SIZES, 0.1, batch=2, steps=3, epochs=2, warm_up=2, xla=False)
    quiet = {"say": lambda line: None, "name": "synthetic", "pictures_every": 2}
    mixer = data.Mixer.__call__

    def copies(self, epoch, place):
        if (epoch, place) == (1, 0) and not (tmp_path / "b").exists():
            shutil.copytree(tmp_path / "a", tmp_path / "b")  # what a kill in the second epoch leaves
        return mixer(self, epoch, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data.Mixer, "__call__", copies)
        at_once = training.train(pools, tmp_path / "a", settings, **quiet)
    assert json.loads((tmp_path / "b" / "card.json").read_text())["epochs"] == 1
    resumed = training.train(pools, tmp_path / "b", settings, **quiet)
    for ours, theirs in zip(*(EdgeSE.load(run.model_path).variables for run in (at_once, resumed)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    figures = json.loads(resumed.card_path.read_text())["figures"]["training"]
    assert figures["epoch"] == 2 and np.isfinite(figures["val_si_sdr"])
    with pytest.raises(ValueError, match="--epochs 2 goes on"):
        training.train(pools, tmp_path / "b", training.Settings("edge_se", SIZES, epochs=5), **quiet)
    with pytest.raises(ValueError, match="no noise sounds"):
        training.train({"clean": pools["clean"]}, tmp_path / "c", settings, **quiet)


# -- commands ----------------------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    code = command([str(a) for a in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_enhance_a_file_with_all_that_goes_with_it(tmp_path, capsys, file, noisy, model):
    source = write(tmp_path / "in.wav", noisy, subtype="FLOAT")
    extra = ("--vad", tmp_path / "out.csv", "--picture", tmp_path / "out.png", "--model", file)
    code, out, _ = run(capsys, "enhance", source, tmp_path / "out.wav", *extra)
    assert code == 0 and "2.0 s, 16000 Hz, 1 channel" in out
    enhanced, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate == RATE and soundfile.info(tmp_path / "out.wav").subtype == "FLOAT"
    np.testing.assert_allclose(enhanced, whole(model, noisy), atol=1e-5)
    rows = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert rows[0] == ["seconds", "speech"] and len(rows) == 2 + int(2 * RATE / HOP)
    assert (tmp_path / "out.png").stat().st_size > 10_000
    code, _, err = run(capsys, "enhance", source, tmp_path / "out.wav", "--model", file)
    assert code == 2 and "--force" in err and err.count("\n") == 1
    assert run(capsys, "enhance", source, tmp_path / "out.wav", "--model", file, "--force")[0] == 0
    code, _, err = run(capsys, "enhance", source, source, "--model", file, "--force")
    assert code == 2 and "another file" in err


def test_enhance_a_folder_with_what_people_have(tmp_path, capsys, file, noisy):
    """What can be read is done; each other file has its line; nothing half-written stays."""
    folder = tmp_path / "in"
    write(folder / "mono.wav", noisy)
    write(folder / "deep" / "eight.flac", np.repeat(noisy[:4000, None], 8, 1), 16000)
    write(folder / "deep" / "fast.wav", np.repeat(noisy[:8000], 3), 192000)
    write(folder / "slow.ogg", noisy[:4000], 8000)
    write(folder / "low.wav", noisy[:2000], 4000)
    write(folder / "zeros.wav", np.zeros(8000))
    write(folder / "loud.wav", np.clip(9 * noisy, -1, 1))
    bad = {"empty.wav": b"", "text.wav": b"no sound at all " * 30, "none.wav": None, "nan.wav": None}
    for name, content in bad.items():
        if content is not None:
            (folder / name).write_bytes(content)
    write(folder / "none.wav", np.zeros(0))
    write(folder / "nan.wav", np.where(np.arange(8000) == 5000, np.nan, 0.1), subtype="FLOAT")
    short = write(folder / "short.wav", noisy)
    short.write_bytes(short.read_bytes()[:20000])
    code, out, err = run(capsys, "enhance", folder, tmp_path / "out", "--model", file, "--vad", tmp_path / "vad")
    assert code == 2
    lines = err.strip().splitlines()
    assert len(lines) == len(bad) and all(any(name in line for line in lines) for name in bad), err
    done = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert done == sorted(
        ["deep/eight.flac", "deep/fast.wav", "loud.wav", "low.wav", "mono.wav", "short.wav", "slow.ogg", "zeros.wav"]
    )
    assert soundfile.info(tmp_path / "out" / "deep" / "eight.flac").channels == 8
    assert soundfile.info(tmp_path / "out" / "deep" / "fast.wav").samplerate == 192000
    assert soundfile.info(tmp_path / "out" / "low.wav").frames == 2000
    assert not soundfile.read(tmp_path / "out" / "zeros.wav")[0].any()
    assert "clipped" in out and "silence" in out and "cut short" in out
    assert len(list((tmp_path / "vad").rglob("*.csv"))) == len(done)


def test_what_cannot_be_asked_for(tmp_path, capsys, file, noisy):
    write(tmp_path / "in.wav", noisy)
    (tmp_path / "nothing").mkdir()
    for arguments, line in [
        (("enhance", tmp_path / "no.wav", "x.wav"), "is not there"),
        (("enhance", tmp_path / "in.wav", tmp_path / "x.txt"), "ends in one of"),
        (("enhance", tmp_path / "nothing", tmp_path / "y"), "holds no sounds"),
        (("enhance", tmp_path / "in.wav"), "IN and OUT"),
        (("enhance", "-", tmp_path / "x.wav"), "both ends"),
        (("enhance", tmp_path / "in.wav", tmp_path / "x.wav", "--strength", 2), "from 0"),
        (("evaluate", tmp_path / "in.wav", tmp_path / "nothing"), "no folder"),
        (("mix", tmp_path / "nothing", tmp_path, tmp_path / "out"), "holds no sounds"),
    ]:
        extra = ("--model", file) if arguments[0] != "mix" else ()
        code, _, err = run(capsys, *arguments, *extra)
        assert code == 2 and line in err and err.count("\n") == 1, (arguments, err)
    code, _, err = run(capsys, "enhance", tmp_path / "in.wav", tmp_path / "x.wav", "--model", tmp_path / "in.wav")
    assert code == 2 and "no streaming .tflite file" in err
    assert not (tmp_path / "x.wav").exists()


def test_live(file, noisy, monkeypatch, capsys, model):
    """Through what looks like sounddevice, hop by hop, until Ctrl-C: what is played is what a recording becomes, a hop
    later."""
    heard, played = noisy[: len(noisy) // HOP * HOP].reshape(-1, HOP), []

    class Stream:
        def __init__(self, *, samplerate, blocksize, channels, dtype, callback):
            assert (samplerate, blocksize, channels, dtype) == (RATE, HOP, 1, "float32")
            self.callback = callback

        def __enter__(self):
            for hop in heard:
                out = np.zeros((HOP, 1), "float32")
                self.callback(hop[:, None].astype("float32"), out, HOP, None, None)
                played.append(out[:, 0])

        def __exit__(self, *_):
            pass

    def sleep(_):
        raise KeyboardInterrupt

    device = types.SimpleNamespace(Stream=Stream, sleep=sleep, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    code, _, err = run(capsys, "enhance", "--live", "--model", file)
    assert code == 0 and "Ctrl-C" in err
    expected = whole(model, heard.reshape(-1).astype("float32"))
    np.testing.assert_allclose(np.concatenate(played)[HOP:], expected[:-HOP], atol=2e-5)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code, _, err = run(capsys, "enhance", "--live", "--model", file)
    assert code == 2 and "pip install sounddevice" in err


class Pipe(io.BytesIO):
    def read1(self, size=-1):
        return self.read(min(size, 311))


@pytest.mark.parametrize("channels", [1, 2])
def test_a_pipe(file, noisy, monkeypatch, model, channels):
    samples = (np.repeat(noisy[:, None], channels, 1) * 32767).astype("<i2")
    written = io.BytesIO()
    monkeypatch.setattr(enhancing.sys, "stdin", types.SimpleNamespace(buffer=Pipe(samples.tobytes())))
    monkeypatch.setattr(enhancing.sys, "stdout", types.SimpleNamespace(buffer=written))
    enhancing.pipe(enhancing.Options(open_net(file)), RATE, channels)
    out = np.frombuffer(written.getvalue(), "<i2").reshape(-1, channels)
    assert out.shape == samples.shape
    expected = whole(model, (samples[:, 0] / 32768).astype("float32"))
    np.testing.assert_allclose(out[:, -1] / 32768, expected, atol=2 / 32768)
    monkeypatch.setattr(enhancing.sys, "stdin", types.SimpleNamespace(buffer=Pipe(samples.tobytes()[:-1])))
    monkeypatch.setattr(enhancing.sys, "stdout", types.SimpleNamespace(buffer=io.BytesIO()))
    with pytest.raises(ValueError, match="within a sample"):
        enhancing.pipe(enhancing.Options(open_net(file)), RATE, channels)


def test_mix_and_evaluate(tmp_path, capsys, file, model):
    pytest.importorskip("pesq")
    for i in range(2):
        write(tmp_path / "speech" / f"{i}.flac", synthetic.voice(2.0, i))
    write(tmp_path / "noises" / "hiss.flac", 0.1 * np.random.default_rng(0).normal(size=RATE))
    code, out, _ = run(capsys, "mix", tmp_path / "speech", tmp_path / "noises", tmp_path / "m", "--snr", 0, "--snr", 15)
    assert code == 0 and "4 pairs" in out
    clean, noisy = (tmp_path / "m" / kind for kind in ("clean", "noisy"))
    (x, _), (y, _) = (soundfile.read(next((folder / "0dB").iterdir())) for folder in (clean, noisy))
    assert 10 * np.log10(np.sum(x**2) / np.sum((y - x) ** 2)) == pytest.approx(0, abs=0.01)
    code, out, _ = run(capsys, "evaluate", clean, noisy, "--model", file, "--json")
    result = json.loads(out)
    assert code == 0 and len(result["files"]) == 4 and result["failed"] == 0
    assert set(result["mean"]) == {"noisy", "log-MMSE", "net"}
    assert result["mean"]["noisy"]["si_sdr"] == pytest.approx(7.5, abs=0.3)
    model.save(tmp_path / "model.keras")
    code, out, _ = run(capsys, "evaluate", clean, noisy, "--model", tmp_path / "model.keras", "--json", "--no-pesq")
    assert json.loads(out)["mean"]["edge_se"]["si_sdr"] == pytest.approx(result["mean"]["net"]["si_sdr"], abs=1e-3)
    code, _, err = run(capsys, "evaluate", noisy, clean, "--enhanced", clean, "--no-pesq")
    assert code == 0 and "is CLEAN what is noisy?" in err
    write(noisy / "0dB" / next((clean / "0dB").iterdir()).name, x[:-5])
    write(noisy / "15dB" / next((clean / "15dB").iterdir()).name, x, 8000)
    code, out, err = run(capsys, "evaluate", clean, noisy, "--enhanced", clean, "--no-pesq")
    assert code == 2 and "one length" in err and "one rate" in err and "mean of 2" in out


def test_pictures_of_sounds(noisy):
    picture = spectrogram.sheet(np.stack([noisy] * 3), np.stack([noisy] * 3))
    assert picture.dtype == np.uint8 and picture.shape[0] == 2 * 2 * 260
    tone = np.sin(2 * np.pi * 2000 * np.arange(RATE) / RATE)
    assert abs(spectrogram.spectrogram(tone)[:, 50].sum(-1).argmax() - (256 - 64)) <= 1
