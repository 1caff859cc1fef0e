"""Picture files, with all that is in them: grey, colour, alpha, inks, 16 bits, orientation, profile, metadata."""

import dataclasses
import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from apps.super_resolution import png
from tfgen.files import whole

__all__ = ["CLEAR", "SUFFIXES", "Picture", "check_written", "colours", "read", "seen", "write"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".gif")  # what is looked for in folders
_WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_WRITTEN |= {".avif": "AVIF", ".bmp": "BMP"}
_INKS = ("JPEG", "TIFF")  # formats that keep CMYK
CLEAR = ("PNG", "WEBP", "TIFF", "AVIF")  # formats that keep alpha
_LARGEST = {"WEBP": 16383, "JPEG": 65500, "AVIF": 32768}  # pixels a side
_EXIF_SIZE, _EXIF_IFD, _ORIENTATION, _XMP = (0xA002, 0xA003), 0x8769, 0x0112, 700
# TIFF's own tags, which say how the file is laid out and not what the picture is; XMP and the profile go by themselves.
_LAYOUT = {*range(254, 267), 273, 277, 278, 279, 284, *range(288, 294), 317, *range(320, 348), *range(512, 533)}
_LAYOUT |= {_XMP, 34675}
_PLAIN = (_ORIENTATION, TiffImagePlugin.X_RESOLUTION, TiffImagePlugin.Y_RESOLUTION, TiffImagePlugin.RESOLUTION_UNIT)


@dataclasses.dataclass
class Picture:
    """colour: uint8 or uint16 [h, w, 1 (grey), 3 or 4 (CMYK)]; alpha: the same type [h, w, 1], or None; the others as
    Pillow has them."""

    colour: np.ndarray
    alpha: np.ndarray | None = None
    exif: Image.Exif | None = None
    profile: bytes | None = None
    resolution: tuple[float, float] | None = None
    xmp: bytes | None = None
    text: dict[str, str] = dataclasses.field(default_factory=dict)
    gamma: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.colour.shape[:2]

    @property
    def white(self) -> int:
        return int(np.iinfo(self.colour.dtype).max)


class _Refused(ValueError):
    """What is no picture for us, in one line."""


def read(path: Path) -> Picture:
    """As its orientation says. One line where it is no picture, cut short, a bomb, animated or a single pixel."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)
            with Image.open(path) as image:
                return _read(path, image)
    except UnidentifiedImageError:
        raise _Refused(f"{path} is no picture that Pillow reads") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _Refused(
            f"{path} unpacks to more than {Image.MAX_IMAGE_PIXELS // 10**6} megapixels, as files made to fill the "
            "memory do: cut it into parts"
        ) from None
    except (_Refused, MemoryError):
        raise
    except Exception as error:  # of damaged files Pillow throws whatever comes
        if isinstance(error, OSError) and error.errno:
            raise _Refused(f"{path} cannot be read: {os.strerror(error.errno)}") from None
        line = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise _Refused(f"{path} cannot be read ({line}): it may be cut short or damaged") from None


def _read(path: Path, image: Image.Image) -> Picture:
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # a phone's JPEG, whose first is the picture
        raise _Refused(f"{path} has {image.n_frames} frames or pages: give single pictures")
    if image.size == (1, 1):
        raise _Refused(f"{path} is a single pixel: there is nothing to make larger")
    deep = _deep_colour(path, image)
    image.load()
    exif, info = image.getexif(), dict(image.info)
    said = image.format != "TIFF" or TiffImagePlugin.X_RESOLUTION in image.tag_v2  # else Pillow says 1 dpi
    kept = {
        "profile": info.get("icc_profile"),
        "resolution": info.get("dpi") if said else None,
        "xmp": info.get("xmp"),
        "text": {key: str(value) for key, value in getattr(image, "text", {}).items() if "xmp" not in key.lower()},
        "gamma": info.get("gamma"),
    }
    if isinstance(info.get("comment"), bytes):
        kept["text"]["Comment"] = info["comment"].decode(errors="replace")
    colour, alpha = deep if deep is not None else _channels(path, image)
    if colour.dtype == np.uint16 and "transparency" in info:
        alpha = np.where((colour == info["transparency"]).all(-1, keepdims=True), 0, 65535).astype(np.uint16)
    for tag in _LAYOUT & set(exif):
        del exif[tag]
    turn = exif.get(_ORIENTATION, 1)
    if turn in range(2, 9):
        colour, alpha = (None if part is None else _turned(part, turn) for part in (colour, alpha))
        exif[_ORIENTATION] = 1
    exif.tobytes()  # reads all of it, where damage is told
    return Picture(colour, alpha, exif if len(exif) else None, **kept)


def _channels(path: Path, image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """What Pillow has read, as colour and alpha."""
    mode = image.mode
    if mode.startswith("I;16") or mode == "I":
        grey = np.asarray(image)
        if grey.min() < 0 or grey.max() > 65535:
            raise _Refused(f"{path} holds 32-bit numbers: expected 8 or 16 bits")
        return grey.astype(np.uint16)[..., None], None
    if mode == "F":
        raise _Refused(f"{path} holds floating-point numbers: expected 8 or 16 bits")
    if mode in ("1", "L", "CMYK", "RGB") and "transparency" not in image.info:
        x = np.asarray(image.convert("L") if mode == "1" else image)
        return x.reshape(*x.shape[:2], -1), None
    if mode in ("LA", "La"):
        x = np.asarray(image.convert("LA"))
        return x[..., :1], x[..., 1:]
    if image.has_transparency_data:
        x = np.asarray(image.convert("RGBA"))
        return x[..., :3], x[..., 3:]
    return np.asarray(image.convert("RGB")), None


def _deep_colour(path: Path, image: Image.Image) -> tuple[np.ndarray, np.ndarray | None] | None:
    """16-bit pictures of several channels, which Pillow cuts to 8 bits; None of any other."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,))
        if len(bits) > 1 and max(bits) > 8:
            raise _Refused(f"{path} is a TIFF of several channels of {max(bits)} bits: save it as PNG")
    if image.format != "PNG":
        return None
    with open(path, "rb") as file:
        depth, colour_type = file.read(26)[24:26]
    if depth != 16 or colour_type == 0:
        return None
    from tfgen._quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    try:
        x = tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()
    except tf.errors.InvalidArgumentError:
        raise _Refused(f"{path} cannot be read: it may be cut short or damaged") from None
    colour = x.shape[-1] - (x.shape[-1] in (2, 4))
    return x[..., :colour], x[..., colour:] if x.shape[-1] > colour else None


def _turned(x: np.ndarray, orientation: int) -> np.ndarray:
    """As EXIF's orientation says the picture is to be seen."""
    x = x.transpose(1, 0, 2) if orientation >= 5 else x
    x = x[:, ::-1] if orientation in (2, 3, 6, 7) else x
    return np.ascontiguousarray(x[::-1] if orientation in (3, 4, 7, 8) else x)


def seen(path: Path) -> np.ndarray:
    """A picture of whatever kind as colour, uint8 [h, w, 3], without its alpha."""
    picture = read(path)
    x = picture.colour if picture.white == 255 else (picture.colour >> 8).astype(np.uint8)
    if x.shape[-1] == 4:
        return np.asarray(_without_inks(Image.fromarray(x, "CMYK"), picture.profile))
    return np.ascontiguousarray(np.broadcast_to(x, (*picture.size, 3)))


def colours(picture: Picture) -> list[np.ndarray]:
    """What a net for colour sees of it: float32 [h, w, 3] in 0..1; CMYK as its colours and its black."""
    x = picture.colour
    parts = [x] if x.shape[-1] < 4 else [picture.white - x[..., :3], x[..., 3:]]
    return [np.broadcast_to(p, (*p.shape[:2], 3)).astype(np.float32) / picture.white for p in parts]


def from_colours(picture: Picture, parts: list[np.ndarray]) -> np.ndarray:
    """The other way round, for rows of the result: in the picture's own channels and type."""
    if picture.colour.shape[-1] == 4:
        x = np.concatenate([1 - parts[0], parts[1].mean(-1, keepdims=True)], -1)
    else:
        x = parts[0] if picture.colour.shape[-1] == 3 else parts[0].mean(-1, keepdims=True)
    return levels(x, picture.colour.dtype)


def levels(x: np.ndarray, dtype) -> np.ndarray:
    """0..1 to the levels of bytes or 16 bits, rounded; a few rows at a time, which stay in the cache."""
    white, made = np.iinfo(dtype).max, np.empty(x.shape, dtype)
    for at in range(0, len(x), 16):
        rows = x[at : at + 16] * np.float32(white)
        rows += np.float32(0.5)
        made[at : at + 16] = np.clip(rows, 0, white, out=rows)
    return made


def check_written(path: Path, picture: Picture, size: tuple[int, int]) -> str:
    """The format of a file's name; one line where it cannot hold the picture, made (height, width) large."""
    suffix = path.suffix.lower()
    if suffix not in _WRITTEN:
        raise ValueError(f"{path.name}: expected a name that ends in {', '.join(_WRITTEN)}")
    form = _WRITTEN[suffix]
    if max(size) > _LARGEST.get(form, np.inf):
        raise ValueError(
            f"{path.name}: the result is {size[1]}x{size[0]}, and {form} holds {_LARGEST[form]} pixels a side: "
            "write .png, or take a smaller --scale"
        )
    if form not in CLEAR and picture.alpha is not None and picture.alpha.min() < picture.white:
        raise ValueError(f"{path.name}: the picture has alpha, which {form} cannot keep: write .png, .webp or .tif")
    if form == "TIFF" and picture.white > 255 and (picture.colour.shape[-1] > 1 or picture.alpha is not None):
        raise ValueError(f"{path.name}: 16 bits of several channels are written as PNG alone: give a name in .png")
    return form


def write(path: Path, picture: Picture, size: tuple[int, int], bands: Iterable[np.ndarray], quality: int = 95) -> None:
    """Arguments:
    picture: whose metadata the result has.
    size: (height, width) of the result.
    bands: its rows from top to bottom, in the picture's channels, alpha last; [some, width, channels].
    """
    form = check_written(path, picture, size)
    inks = picture.colour.shape[-1] == 4
    height, width = size
    exif = _exif(picture, size, form)
    profile = None if inks and form not in _INKS else picture.profile
    with whole(path) as partial:
        if form == "PNG" and not inks:
            with open(partial, "wb") as file:
                png.write(file, width, height, bands, _chunks(picture, exif, profile))
            return
        x = _gathered(bands, size)
        if picture.white > 255 and form != "TIFF":
            x = (x >> 8).astype(np.uint8)
        x = x[..., 0] if x.shape[-1] == 1 else x
        image = Image.fromarray(x, "CMYK" if inks else None)
        if inks and form not in _INKS:
            image = _without_inks(image, picture.profile)
        options = {"quality": quality} if form in ("JPEG", "WEBP", "AVIF") else {}
        if form == "TIFF" and all(tag in _PLAIN or isinstance(x, str) for tag, x in (picture.exif or {}).items()):
            options["compression"] = "tiff_deflate"  # whose writer takes no other tags
        options |= {"method": 4} if form == "WEBP" else {}
        if form == "JPEG":
            options |= {"subsampling": 0, "comment": picture.text.get("Comment", "").encode()[:65533]}
        kept = {"exif": exif, "icc_profile": profile, "dpi": picture.resolution, "xmp": picture.xmp}
        if form == "BMP":
            kept = {"dpi": picture.resolution}
        image.save(partial, form, **options, **{name: value for name, value in kept.items() if value})


def _gathered(bands: Iterable[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    x, done = None, 0
    for band in bands:
        if x is None:
            x = np.empty((*size, band.shape[-1]), band.dtype)
        x[done : done + len(band)] = band
        done += len(band)
    return x


def _without_inks(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK to sRGB, by its profile where it has one."""
    if profile:
        from PIL import ImageCms

        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except ImageCms.PyCMSError:
            pass
    return image.convert("RGB")


def _exif(picture: Picture, size: tuple[int, int], form: str) -> bytes | None:
    """With the size of the result where it tells one; in TIFF, XMP is one of its tags."""
    exif = Image.Exif()
    if picture.exif is not None:
        exif.load(picture.exif.tobytes())
    inner = exif.get_ifd(_EXIF_IFD) if _EXIF_IFD in exif else {}
    inner.update({tag: side for tag, side in zip(_EXIF_SIZE, reversed(size), strict=True) if tag in inner})
    if form == "TIFF" and picture.xmp:
        exif[_XMP] = picture.xmp if isinstance(picture.xmp, bytes) else picture.xmp.encode()
    return exif.tobytes() if len(exif) else None


def _chunks(picture: Picture, exif: bytes | None, profile: bytes | None) -> list[tuple[bytes, bytes]]:
    """PNG's, of the metadata."""
    chunks = []
    if profile:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    if picture.gamma:
        chunks.append((b"gAMA", struct.pack(">I", round(picture.gamma * 100000))))
    if picture.resolution:
        per_metre = [round(float(dots) / 0.0254) for dots in picture.resolution]
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if picture.xmp:
        xmp = picture.xmp if isinstance(picture.xmp, bytes) else picture.xmp.encode()
        chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    for key, value in picture.text.items():
        chunks.append((b"iTXt", key.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + value.encode()))
    return chunks
