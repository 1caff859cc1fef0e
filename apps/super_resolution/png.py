"""A PNG file row by row, of 8 or 16 bits, so that a large picture is never in memory as a whole; Pillow writes neither
rows nor 16-bit colour."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np

__all__ = ["write"]

LEVEL, ROWS = 4, 16  # of zlib; rows that are filtered together
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # grey, grey and alpha, colour, colour and alpha


def write(
    file, width: int, height: int, bands: Iterable[np.ndarray], chunks: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Arguments:
    file: open for writing bytes.
    bands: rows from top to bottom, uint8 or uint16 [some, width, channels].
    chunks: (type, data) of what stands before the pixels: profile, resolution, text.
    """
    file.write(b"\x89PNG\r\n\x1a\n")
    packer, above, begun = zlib.compressobj(LEVEL), None, False
    for band in bands:
        rows, size = band.shape[0], band.shape[2] * band.itemsize
        if not begun:
            begun = True
            header = struct.pack(">IIBBBBB", width, height, 8 * band.itemsize, _COLOUR_TYPES[band.shape[2]], 0, 0, 0)
            _chunk(file, b"IHDR", header)
            for kind, data in chunks:
                _chunk(file, kind, data)
            above = np.zeros(width * size, np.uint8)
        lines = band.astype(band.dtype.newbyteorder(">"), copy=False).reshape(rows, -1).view(np.uint8)
        for at in range(0, rows, ROWS):
            raw = lines[at : at + ROWS]
            _chunk(file, b"IDAT", packer.compress(_filtered(raw, above, size)))
            above = raw[-1]
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def _filtered(raw: np.ndarray, above: np.ndarray, size: int) -> bytes:
    """Each row as its differences from the left, from above, or from Paeth's choice of these: which is smallest."""
    up = np.concatenate([above[None], raw[:-1]])
    left, corner = (np.pad(rows, ((0, 0), (size, 0)))[:, :-size] for rows in (raw, up))
    a, b, c = (rows.astype(np.int16) for rows in (left, up, corner))
    near_a, near_b, near_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    paeth = np.where((near_a <= near_b) & (near_a <= near_c), left, np.where(near_b <= near_c, up, corner))
    tries = np.stack([raw - left, raw - up, raw - paeth])  # PNG's filters 1, 2 and 4
    costs = np.abs(tries.view(np.int8).astype(np.int16)).sum(2, dtype=np.int64)
    best = costs.argmin(0)
    rows = tries[best, np.arange(len(raw))]
    return np.concatenate([np.array([1, 2, 4], np.uint8)[best][:, None], rows], 1).tobytes()
