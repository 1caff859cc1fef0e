"""The command that makes pictures larger, with the shipped nets."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin
from sklearn.datasets import load_sample_image

import tfgen
from apps.super_resolution import data, evaluating, png, tiles, upscaling
from apps.super_resolution import picture as files
from tfgen import bicubic

ROOT = pathlib.Path(__file__).parents[1]


def photograph(name="china", height=424, width=640):
    return load_sample_image(f"{name}.jpg")[:height, :width]


def enlarged(*arguments):
    """The command, in this process: its exit code."""
    from apps.super_resolution.__main__ import command

    return command(["upscale", *map(str, arguments)])


def loaded(path):
    with Image.open(path) as image:
        image.load()
        return image


@pytest.fixture(scope="module")
def net():
    return tiles.open_net(upscaling.shipped(4), 1)


@pytest.fixture
def small(tmp_path):
    """A photograph of 40x56, as it is saved."""
    picture = bicubic.resize(photograph(), 40, 56)

    def save(name, image=None, **options):
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        (image or Image.fromarray(picture)).save(path, **options)
        return path

    save.picture = picture
    return save


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("quantised", [False, True])
def test_tiles_are_the_whole_picture_bit_for_bit(quantised, scale):
    """On one thread and two; a flat picture stays flat to its border; a shift of the picture shifts the result."""
    path = upscaling.shipped(scale, quantised)
    picture = bicubic.resize(photograph(), 61, 83).astype("float32") / 255
    whole, *others = (
        np.concatenate(list(tiles.bands(tiles.open_net(path, threads), picture, tile=tile)))
        for threads in (1, 2)
        for tile in (1000, 24, 37)
    )
    assert whole.shape == (61 * scale, 83 * scale, 3)
    for other in others:
        np.testing.assert_array_equal(other, whole)
    net = tiles.open_net(path, 1)
    shifted = np.concatenate(list(tiles.bands(net, picture[3:, 5:], tile=24)))
    seen = scale * net.reach
    np.testing.assert_array_equal(shifted[seen:, seen:], whole[3 * scale + seen :, 5 * scale + seen :])
    for level in (0, 77, 255):
        flat = np.full((30, 40, 3), level, np.uint8)
        assert np.unique(evaluating.bytes_of(net, flat, tile=16)).tolist() == [level]


def test_self_ensemble_turns_with_the_picture(net):
    picture = bicubic.resize(photograph(), 32, 32).astype("float32") / 255
    whole = np.concatenate(list(tiles.bands(net, picture, ensemble=True)))
    turned = np.concatenate(list(tiles.bands(net, picture.transpose(1, 0, 2)[::-1], ensemble=True)))
    np.testing.assert_allclose(turned, whole.transpose(1, 0, 2)[::-1], atol=1e-5)


def test_consistent_results_made_smaller_again_are_the_picture(small, tmp_path):
    path = small("a.png")
    assert enlarged(path, tmp_path / "plain.png") == 0 and enlarged(path, tmp_path / "b.png", "--consistent") == 0
    gaps = [
        np.abs(bicubic.resize(np.asarray(loaded(tmp_path / name)).astype(float), 40, 56) - small.picture)
        for name in ("plain.png", "b.png")
    ]
    assert gaps[0].max() > 3 and gaps[1].max() < 0.5


def test_where_consistency_cannot_be_it_is_said(small, tmp_path, capsys):
    """Between black and white there is no room for what bicubic overshoots; 16 bits are held to their own levels."""
    hard = small("hard.png", Image.fromarray(np.kron(np.eye(8), np.ones((5, 5))) > 0))
    assert enlarged(hard, tmp_path / "b.png", "--consistent") == 0
    apart = re.search(r"made smaller, it differs from the picture by up to (\d+) levels", capsys.readouterr().out)
    gap = np.abs(bicubic.resize(np.asarray(loaded(tmp_path / "b.png"))[..., None] * 1.0, 40, 40)[..., 0])
    gap = np.abs(gap - 255 * np.asarray(loaded(hard)))
    assert int(apart[1]) == round(gap.max()) > 1
    x = deep(small, "deep.png", 1)
    assert enlarged(tmp_path / "in" / "deep.png", tmp_path / "c.png", "--consistent", "--json") == 0
    made = files.read(tmp_path / "c.png").colour.astype(float)
    gap = np.abs(bicubic.resize(made, 40, 56) - x).max()
    assert json.loads(capsys.readouterr().out)[0]["apart"] == pytest.approx(gap, abs=0.05) and gap < 1


KINDS = {
    "grey.png": ("L", {}),
    "clear.png": ("RGBA", {}),
    "grey_clear.png": ("LA", {}),
    "bits.png": ("1", {}),
    "palette.png": ("P", {}),
    "colours.gif": ("P", {}),
    "colour.jpg": ("RGB", {"quality": 95}),
    "inks.jpg": ("CMYK", {"quality": 95}),
    "inks.tif": ("CMYK", {}),
    "colour.webp": ("RGB", {"lossless": True}),
    "clear.webp": ("RGBA", {"lossless": True}),
    "colour.tif": ("RGB", {}),
    "colour.avif": ("RGB", {}),
    "colour.bmp": ("RGB", {}),
    "deep_grey.png": ("I;16", {}),
    "deep_grey.tif": ("I;16", {}),
}


def test_a_folder_of_every_kind(small, tmp_path):
    """Modes stay (a palette's colours become colour), and each result is near what bicubic makes."""
    image = Image.fromarray(small.picture)
    for name, (mode, options) in KINDS.items():
        if mode == "I;16":
            each = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
        else:
            each = image.convert(mode)
        if mode in ("RGBA", "LA"):
            each.putalpha(Image.linear_gradient("L").resize(image.size))
        small(name, each, **options)
    deep = small.picture.astype(np.uint16) * 257
    with open(small("deep.png"), "wb") as file:
        png.write(file, 56, 40, [deep])
    assert enlarged(tmp_path / "in", tmp_path / "out") == 0
    for name, (mode, _) in KINDS.items():
        made = tmp_path / "out" / name.replace(".gif", ".png")
        with Image.open(tmp_path / "in" / name) as before, Image.open(made) as after:
            kept = {"P": "RGB", "1": "L"}.get(mode, mode)
            assert (after.mode, after.size) == (kept, (224, 160)), name
            a, b = ((np.asarray(each.convert("RGB")).astype(float)) for each in (before, after))
            if mode == "I;16":
                a, b = (np.asarray(each).astype(float) / 257 for each in (before, after))
            if mode != "1":
                smaller = bicubic.resize(b[..., None] if b.ndim == 2 else b, 40, 56).squeeze()
                assert np.abs(smaller - a).mean() < 6, name
            if mode in ("RGBA", "LA"):
                alpha = np.asarray(before.getchannel("A"))[..., None]
                np.testing.assert_array_equal(
                    np.asarray(after.getchannel("A")), bicubic.resize(alpha, 160, 224)[..., 0]
                )
    again = files.read(tmp_path / "out" / "deep.png").colour
    assert again.dtype == np.uint16 and (again % 257 != 0).any()
    eight = Image.fromarray(small.picture)
    small("eight.png", eight)
    assert enlarged(tmp_path / "in" / "eight.png", tmp_path / "eight.png") == 0
    assert np.abs(again / 257 - np.asarray(loaded(tmp_path / "eight.png"))).max() <= 0.51


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def test_metadata_stay(small, tmp_path):
    """Orientation is carried out and no longer said; profile, resolution, texts and the camera are kept."""
    image = Image.fromarray(small.picture)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    exif.get_ifd(0x8769)[0xA002] = 56
    kept = {"exif": exif.tobytes(), "icc_profile": profile, "dpi": (300, 300)}
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Palace")
    for name, more in {
        "a.jpg": {"xmp": XMP, "quality": 95},
        "a.png": {"pnginfo": text},
        "a.webp": {"xmp": XMP},
    }.items():
        path = small(name, image, **kept, **more)
        for target in (tmp_path / f"to_{name}", tmp_path / f"{name}.png"):
            assert enlarged(path, target) == 0
            with Image.open(target) as made:
                assert made.size == (160, 224), "turned"
                assert made.getexif().get(0x0112, 1) == 1 and made.getexif()[0x010F] == "Camera"
                assert made.getexif().get_ifd(0x8769)[0xA002] == 160
                assert made.info["icc_profile"] == profile
                if name != "a.webp":
                    assert made.info["dpi"] == pytest.approx((300, 300), abs=0.1)
                if name == "a.png":
                    assert made.text["Title"] == "Palace"
                else:
                    assert XMP in (made.info["xmp"], made.info["xmp"].rstrip(b"\0"))


def test_what_tiff_keeps(small, tmp_path):
    """Texts, and the camera's own directories, which its compressor refuses; no resolution where none was said."""
    small("soft.tif", tiffinfo={305: "GIMP", 274: 3}, dpi=(300, 300)), small("plain.tif")
    exif = Image.Exif()
    exif[0x010F], exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8825)[1] = "Camera", 56, "N"
    small("camera.jpg", exif=exif.tobytes(), dpi=(300, 300), comment="seen from the hill", xmp=XMP)
    small("noted.webp", xmp=XMP)
    light = PngImagePlugin.PngInfo()
    light.add(b"gAMA", (100000).to_bytes(4, "big"))
    small("light.png", pnginfo=light)
    assert enlarged(tmp_path / "in", tmp_path / "out", "--format", "tif") == 0
    soft, plain, camera = (loaded(tmp_path / "out" / f"{name}.tif") for name in ("soft", "plain", "camera"))
    assert soft.tag_v2[305] == "GIMP" and camera.tag_v2[271] == "Camera" and camera.info["dpi"] == (300, 300)
    assert camera.getexif().get_ifd(0x8769)[0xA002] == 224 and camera.getexif().get_ifd(0x8825)[1] == "N"
    assert camera.info["xmp"] == loaded(tmp_path / "out" / "noted.tif").info["xmp"] == XMP
    assert plain.tag_v2[259] == soft.tag_v2[259] == 8 and 282 not in plain.tag_v2
    for name, form in (("camera.jpg", "jpg"), ("light.png", "png"), ("camera.jpg", "png")):
        assert enlarged(tmp_path / "in" / name, tmp_path / f"{name}.{form}") == 0
    assert loaded(tmp_path / "camera.jpg.jpg").info["comment"] == b"seen from the hill"
    assert loaded(tmp_path / "camera.jpg.png").text["Comment"] == "seen from the hill"
    assert loaded(tmp_path / "light.png.png").info["gamma"] == 1


def deep(small, name, channels, *chunks):
    """A PNG of 16 bits; alpha, where it has one, from clear to opaque."""
    x = small.picture.astype(np.uint16)[..., [0, 1, 2, 0][:channels]] * 257
    if channels in (2, 4):
        x[..., -1] = np.linspace(0, 65535, 40).astype(np.uint16)[:, None]
    with open(small(name), "wb") as file:
        png.write(file, 56, 40, [x], chunks)
    return x


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits(small, tmp_path, channels):
    """With alpha and without, beside bicubic too; other formats get 8 bits."""
    x = deep(small, "deep.png", channels)
    source, both = tmp_path / "in" / "deep.png", tmp_path / "both.png"
    assert enlarged(source, tmp_path / "out.png", "--compare", both) == 0
    made = files.read(tmp_path / "out.png")
    assert made.colour.dtype == np.uint16 and made.colour.shape == (160, 224, channels - (channels in (2, 4)))
    assert np.abs(bicubic.resize(made.colour, 40, 56) / 257 - x[..., : made.colour.shape[-1]] / 257).mean() < 6
    if channels in (2, 4):
        np.testing.assert_array_equal(made.alpha, bicubic.resize(x[..., -1:], 160, 224))
    before = files.read(both).colour
    np.testing.assert_array_equal(before[:, :224], bicubic.resize(x, 160, 224)[..., : before.shape[-1]])
    np.testing.assert_array_equal(before[:, 228:], made.colour)
    assert enlarged(source, tmp_path / "out.webp") == 0
    assert loaded(tmp_path / "out.webp").mode == ("RGBA" if channels in (2, 4) else "RGB")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_clear_colour_of_16_bits(small, tmp_path, channels):
    key = small.picture[7, 9, :channels].astype(">u2") * 257
    x = deep(small, "keyed.png", channels, (b"tRNS", key.tobytes()))
    alpha = files.read(tmp_path / "in" / "keyed.png").alpha
    np.testing.assert_array_equal(alpha[..., 0] == 0, (x == key).all(-1))
    assert alpha.dtype == np.uint16 and alpha[7, 9] == 0 and alpha.max() == 65535


def test_alpha_and_before_are_never_whole(small, tmp_path, monkeypatch):
    monkeypatch.setattr(bicubic, "resize", lambda *a: pytest.fail("the whole picture"))
    path = small("clear.png", Image.fromarray(small.picture).convert("RGBA"))
    assert enlarged(path, tmp_path / "out.png", "--compare", tmp_path / "both.png") == 0


def test_a_phone_s_picture_of_two_frames(small, tmp_path):
    path = small("phone.jpg", format="MPO", save_all=True, append_images=[Image.new("RGB", (28, 20))])
    assert loaded(path).format == "MPO"
    assert enlarged(path, tmp_path / "out.jpg") == 0 and loaded(tmp_path / "out.jpg").size == (224, 160)


@pytest.mark.parametrize("error", [RuntimeError, TypeError, SyntaxError, KeyError, ValueError("buffer is too small")])
def test_whatever_pillow_throws_is_one_line_and_the_rest_goes_on(small, tmp_path, capsys, monkeypatch, error):
    small("bad.png"), small("good.png")
    load = Image.Image.getexif

    def throw(image):
        if pathlib.Path(image.filename).name == "bad.png":
            raise error
        return load(image)

    monkeypatch.setattr(Image.Image, "getexif", throw)
    assert enlarged(tmp_path / "in", tmp_path / "out") == 2
    *_, first, second = capsys.readouterr().err.splitlines()
    assert "bad.png cannot be read" in first and "1 of 2 files" in second
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


@pytest.mark.parametrize("name, side", [("a.webp", 16383), ("a.jpg", 65500), ("a.avif", 32768)])
def test_what_a_format_cannot_hold_is_said_before_the_work(tmp_path, name, side):
    picture = files.Picture(np.zeros((1, 2, 3), np.uint8))
    files.check_written(tmp_path / name, picture, (1, side))
    with pytest.raises(ValueError, match=f"{name}: .*{side + 1}.* {side} pixels"):
        files.check_written(tmp_path / name, picture, (side + 1, 1))


def test_opaque_alpha_is_no_hindrance(small, tmp_path):
    path = small("opaque.png", Image.fromarray(small.picture).convert("RGBA"))
    assert enlarged(path, tmp_path / "out.jpg") == 0 and loaded(tmp_path / "out.jpg").mode == "RGB"
    assert enlarged(path, tmp_path / "out.png") == 0 and loaded(tmp_path / "out.png").mode == "RGBA"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_pillow_s(small, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = small("turned.png", exif=exif.tobytes())
    with Image.open(path) as image:
        np.testing.assert_array_equal(files.read(path).colour, np.asarray(ImageOps.exif_transpose(image)))


def test_png_rows_are_read_back(tmp_path):
    generator = np.random.default_rng(0)
    for channels in (1, 2, 3, 4):
        x = generator.integers(0, 256, (9, 5, channels)).astype(np.uint8)
        with open(tmp_path / "x.png", "wb") as file:
            png.write(file, 5, 9, [x[:4], x[4:5], x[5:]])
        np.testing.assert_array_equal(np.asarray(loaded(tmp_path / "x.png")).reshape(x.shape), x)


def test_any_scale_and_what_is_asked_for(small, tmp_path, capsys):
    path = small("a.png")
    assert enlarged(path, tmp_path / "b.png", "--scale", "2.5", "--compare", tmp_path / "both.png", "--json") == 0
    (done,) = json.loads(capsys.readouterr().out)
    assert done["result"] == [140, 100] and loaded(tmp_path / "b.png").size == (140, 100)
    assert loaded(tmp_path / "both.png").size == (284, 100)
    assert enlarged(path, tmp_path / "new" / "c", "--format", "jpg", "--int8") == 0
    assert loaded(tmp_path / "new" / "c.jpg").size == (224, 160)
    before = (tmp_path / "b.png").read_bytes()
    assert enlarged(path, tmp_path / "b.png") == 2 and (tmp_path / "b.png").read_bytes() == before
    assert "--force" in capsys.readouterr().err
    assert enlarged(path, tmp_path / "b.png", "--force") == 0
    assert loaded(tmp_path / "b.png").size == (224, 160)


def test_bad_pictures_are_one_line_each_and_the_rest_goes_on(small, tmp_path, capsys):
    good = small("good.png").read_bytes()
    folder = tmp_path / "in"
    (folder / "cut.png").write_bytes(good[: len(good) // 2])
    (folder / "text.jpg").write_text("no picture")
    (folder / "none.png").write_bytes(b"")
    small("one.png", Image.new("RGB", (1, 1)))
    frames = [Image.new("L", (20, 20), 80 * i) for i in range(3)]
    small("moves.gif", frames[0], save_all=True, append_images=frames[1:])
    small("float.tif", Image.new("F", (20, 20)))
    with open(folder / "bomb.png", "wb") as file:
        png.write(file, 50000, 50000, [np.zeros((1, 50000, 1), np.uint8)])
    assert enlarged(folder, tmp_path / "out") == 2
    said = capsys.readouterr()
    lines = {line.split(": ")[1]: line for line in said.err.splitlines() if ": " in line}
    for name, word in {
        "cut.png": "cut short",
        "text.jpg": "no picture",
        "none.png": "no picture",
        "one.png": "single pixel",
        "moves.gif": "3 frames",
        "float.tif": "floating-point",
        "bomb.png": "megapixels",
    }.items():
        assert word in lines[name], name
    assert "7 of 8 files" in said.err and "Traceback" not in said.err
    assert sorted(p.name for p in (tmp_path / "out").rglob("*")) == ["good.png"]


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["nothing.png", "out.png"], "not there"),
        (["in/a.png", "out.xyz"], "expected a name"),
        (["in/a.png", "out.png", "--scale", "0.5"], "above 1"),
        (["in/a.png", "out.png", "--scale", "99"], "up to 16"),
        (["in/clear.png", "out.jpg"], "alpha"),
        (["in/a.png", "out.png", "--model", "in/a.png"], "no TF-Lite file"),
        (["in/a.png", "out.png", "--model", "nothing.tflite"], "not there"),
        (["in/a.png", "out.png", "--format", "xyz"], "expected a name"),
        (["empty", "out"], "no pictures"),
    ],
)
def test_bad_wishes_are_one_line(small, tmp_path, monkeypatch, capsys, arguments, word):
    small("a.png"), small("clear.png", Image.new("RGBA", (8, 8)))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert enlarged(*arguments) == 2
    said = capsys.readouterr().err
    assert word in said and len(said.strip().splitlines()) == 1
    assert not any(path.name.startswith("out") for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "compare, word",
    [
        ("there.png", "--force"),
        ("both.xyz", "expected a name"),
        ("in/a.png", "is the picture itself"),
        ("./out.png", "is the result's own name"),
        ("in/a.png/both.png", "in/a.png: File exists"),
        ("in", "is a folder"),
    ],
)
def test_compare_is_looked_at_before_the_work(small, tmp_path, monkeypatch, capsys, compare, word):
    small("a.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.png").write_bytes(b"mine")
    monkeypatch.setattr(tiles, "bands", lambda *a, **k: pytest.fail("the work has begun"))
    force = [] if compare == "there.png" else ["--force"]
    assert enlarged("in/a.png", "out.png", "--compare", compare, *force) == 2
    said = capsys.readouterr().err
    assert word in said and len(said.splitlines()) == 1
    assert (tmp_path / "there.png").read_bytes() == b"mine" and loaded("in/a.png").size == (56, 40)


def test_compare_makes_its_folder(small, tmp_path):
    assert enlarged(small("a.png"), tmp_path / "out.png", "--compare", tmp_path / "new" / "both.png") == 0
    assert loaded(tmp_path / "new" / "both.png").size == (452, 160)


@pytest.mark.parametrize("target", ["in", "."])
def test_a_folder_is_not_written_into_itself(small, tmp_path, monkeypatch, capsys, target):
    small("a.png")
    monkeypatch.chdir(tmp_path)
    assert enlarged("in", target) == 2
    assert "another folder" in capsys.readouterr().err and [p.name for p in tmp_path.rglob("*.png")] == ["a.png"]


def test_one_name_is_written_once(small, tmp_path, capsys):
    small("a.gif"), small("a.png", Image.new("L", (20, 20))), small("b.png")
    assert enlarged(tmp_path / "in", tmp_path / "out", "--force") == 2
    assert "a.png: " in (said := capsys.readouterr().err) and "a.gif" in said and "1 of 3 files" in said
    assert [loaded(tmp_path / "out" / name).size for name in ("a.png", "b.png")] == [(224, 160)] * 2


def test_an_ended_process_leaves_nothing(small, tmp_path, monkeypatch):
    monkeypatch.setattr(tiles, "bands", lambda *a, **k: iter(lambda: os.kill(os.getpid(), signal.SIGTERM), 0))
    assert enlarged(small("a.png"), tmp_path / "out.png") == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_name_that_ends_in_a_slash_is_a_folder(small, tmp_path):
    assert enlarged(small("a.png"), f"{tmp_path}/new/") == 0
    assert loaded(tmp_path / "new" / "a.png").size == (224, 160)


def test_evaluate(small, tmp_path, capsys):
    from apps.super_resolution.__main__ import command

    small("china.png", Image.fromarray(photograph(height=203, width=322)))
    assert command(["evaluate", str(tmp_path / "in"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["crop"] == 4 and result["pictures"][0]["size"] == [320, 200]
    assert result["mean"]["model"]["psnr"] > result["mean"]["bicubic"]["psnr"] + 0.5
    (tmp_path / "in" / "LR_x4").mkdir()
    Image.fromarray(np.zeros((50, 80, 3), np.uint8)).save(tmp_path / "in" / "LR_x4" / "china.png")
    assert command(["evaluate", str(tmp_path / "in")]) == 0
    assert "mean" in capsys.readouterr().out
    assert command(["evaluate", str(tmp_path / "in"), "--scale", "3"]) == 2
    assert "4 times larger" in capsys.readouterr().err


def test_evaluate_goes_on_after_a_bad_picture(small, tmp_path, capsys):
    """With what `upscale` sees: 16 bits are not cut off at white. Where none is left, that is one line."""
    from apps.super_resolution.__main__ import command

    small("tiny.png", Image.new("L", (9, 9))), small("good.png"), deep(small, "deep.png", 1)
    (tmp_path / "in" / "cut.jpg").write_bytes(small("whole.jpg").read_bytes()[:700])
    small("whole.jpg").unlink()
    assert command(["evaluate", str(tmp_path / "in"), "--json"]) == 2
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert [each["picture"] for each in result["pictures"]] == ["deep.png", "good.png"] and result["left_out"] == 2
    assert result["pictures"][0]["bicubic"]["psnr"] < 40
    *_, first, second = said.err.splitlines()
    assert "cut.jpg" in first and "tiny.png" in second
    for name in ("deep.png", "good.png"):
        (tmp_path / "in" / name).unlink()
    assert command(["evaluate", str(tmp_path / "in")]) == 2 and "none of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, words",
    [
        ("evaluate nope", "nope is not there"),
        ("evaluate in --model in", "in holds no model.keras"),
        ("upscale in/a.png out.png --model in", "in holds no model.keras"),
        ("train --data in --crops 2 --batch 4", "--crops 2: .* --batch 4"),
        ("train --data in --patch 8", "to train on: 1; give two or more"),
        ("train --data two --patch 8", "none of the 1 pictures held out .* --patch"),
        ("train --data bad", "bad/cut.png cannot be read"),
        ("export other", "holds a RBM, which enlarges no pictures"),
    ],
)
def test_each_command_s_bad_wishes_are_one_line(small, tmp_path, monkeypatch, capsys, line, words):
    from apps.super_resolution.__main__ import command

    monkeypatch.chdir(tmp_path)
    good = small("a.png").read_bytes()
    for folder in ("two", "bad", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "two" / "a.png").write_bytes(good)
    Image.new("L", (12, 12)).save(tmp_path / "two" / "b.png")
    (tmp_path / "bad" / "cut.png").write_bytes(good[: len(good) // 2])
    if line == "export other":
        (tmp_path / "other" / "card.json").write_text('{"settings": {"arguments": {}}}')
        tfgen.catalog.find("rbm").tiny().save(tmp_path / "other" / "model.keras")
    assert command(line.split()) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(words, said) and "Error:" not in said, said


@pytest.mark.parametrize("number, held_out", [(2, [1]), (24, [23]), (25, [24]), (60, [24, 49])])
def test_at_least_one_picture_is_held_out(number, held_out):
    pictures = [np.full((2, 2, 3), i, np.uint8) for i in range(number)]
    learnt, chosen = data.Pairs(pictures, pictures, 2).split()
    assert [x[0, 0, 0] for x in chosen.large] == held_out and len(learnt.large) == number - len(held_out)


def test_training_sees_what_upscale_sees(small, tmp_path):
    x = deep(small, "deep.png", 1)
    (seen,) = data.pairs([tmp_path / "in"], 2).large
    np.testing.assert_array_equal(seen, np.repeat(x >> 8, 3, -1))


def test_upscale_does_not_wait_for_tensorflow(small, tmp_path):
    code = (
        "import sys; sys.orig_argv = ['python', '-m', 'apps.super_resolution']; "
        "from apps.super_resolution.__main__ import command; "
        f"code = command(['upscale', {str(small('a.png'))!r}, {str(tmp_path / 'b.png')!r}]); "
        "print(code, 'tensorflow' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert result.stdout.endswith("0 False\n") and result.stderr == ""


def test_crops_are_a_function_of_seed_and_epoch(small, tmp_path):
    """Whatever was read before; the batch's size changes none; each small crop is its large one made smaller."""
    small("a.png", Image.fromarray(photograph(height=96, width=80)))
    small("b.png", Image.fromarray(photograph("flower", 64, 96)))
    both = data.pairs([tmp_path / "in"], 2)
    read = lambda epoch, **k: data.crops(both, patch=12, **{"batch": 4, "steps": 3, "seed": 5, **k})
    whole = read(0)
    epochs = [np.concatenate([x.numpy() for x, _ in whole]) for _ in range(2)]
    again = read(0)
    again.epochs.next = 1
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in again]), epochs[1])
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in read(0, batch=6, steps=2)]), epochs[0])
    assert not np.array_equal(*epochs) and not np.array_equal(next(iter(read(0, seed=6)))[0], epochs[0][:4])
    for large, given in read(0):
        for x, y in zip(large.numpy(), given.numpy(), strict=True):
            made = bicubic.resize(np.round(255 * x).astype(np.uint8), 12, 12)
            inside = (slice(2, -2), slice(2, -2))
            assert np.abs(made[inside] / 255.0 - y[inside]).max() < 0.01


def test_degradations(small, tmp_path):
    small("a.png", Image.fromarray(photograph(height=96, width=80)))
    both = data.pairs([tmp_path / "in"], 2)
    clean = lambda **k: next(iter(data.crops(both, patch=24, batch=4, steps=1, seed=0, **k)))
    plain = clean()
    for worse in (data.Degradation(blur=3), data.Degradation(noise=20), data.Degradation(jpeg=5)):
        large, given = clean(degradation=worse)
        np.testing.assert_array_equal(large, plain[0])
        assert 0.001 < np.abs(given - plain[1]).mean() < 0.2
        np.testing.assert_array_equal(given, clean(degradation=worse)[1])
    with pytest.raises(ValueError, match="quality"):
        data.Degradation(jpeg=200)


def test_train_resumes_and_is_exported(small, tmp_path, capsys):
    """A few steps, stopped after the first epoch, end bit for bit where an uninterrupted run does; `upscale` takes the
    run, and what `export` makes of it, which is the same."""
    from apps.super_resolution.__main__ import command

    for i in range(26):
        corner = photograph()[12 * i : 12 * i + 48, 8 * i : 8 * i + 64]
        small(f"{i:02}.png", Image.fromarray(corner))
    start = ["train", "--data", str(tmp_path / "in"), "--scale", "2", "--patch", "16", "--batch", "4", "--crops", "12"]
    start += ["--set", "width=8", "--set", "depth=1", "--precision", "float32", "--epochs", "2"]
    assert command([*start, "--out", str(tmp_path / "whole")]) == 0

    saved = keras.Model.save

    def save(self, *args, **kwargs):
        saved(self, *args, **kwargs)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "save", save)
        assert command([*start, "--out", str(tmp_path / "parts")]) != 0
    assert command([*start, "--out", str(tmp_path / "parts")]) == 0
    first, second = (tfgen.load(tmp_path / name) for name in ("whole", "parts"))
    for ours, theirs in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert command(["export", str(tmp_path / "whole"), "--data", str(tmp_path / "in")]) == 0
    folder = tmp_path / "whole" / "super_resolution_x2"
    card = json.loads((folder / "card.json").read_text())
    assert card["files"]["super_resolution_x2.keras"]["format"] == "Keras"
    assert card["scale"] == 2 and card["files"]["super_resolution_x2_int8.tflite"]["quality_lost"]["psnr"] < 1
    path = tmp_path / "in" / "00.png"
    results = []
    for model in (tmp_path / "whole", folder / "super_resolution_x2.keras", folder / "super_resolution_x2.tflite"):
        assert enlarged(path, tmp_path / "out.png", "--model", model, "--force") == 0
        results.append(np.asarray(loaded(tmp_path / "out.png")).astype(int))
    assert results[0].shape == (96, 128, 3) and all(np.abs(r - results[0]).max() <= 1 for r in results)
    assert command([*start, "--out", str(tmp_path / "whole"), "--seed", "3"]) == 2
    assert "seed" in capsys.readouterr().err
