"""Bicubic resizing as Matlab's imresize does it, which the literature of super-resolution degrades its pictures with.

    k(t) = 3/2 |t|³ - 5/2 |t|² + 1                    for |t| ≤ 1
           -1/2 |t|³ + 5/2 |t|² - 4 |t| + 2           for 1 < |t| ≤ 2                   (Keys 1981, a = -1/2)
    output i is the mean of the inputs around u = (i + 1/2) / s - 1/2, weighted by k(min(s, 1) (u - j));
    beyond the border the picture is mirrored

Rows first, then columns; whole numbers are rounded after each.
"""

import functools

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

__all__ = ["back", "consistent", "matrix", "resize", "window"]


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """[h, w, channels] to [height, width, channels]; whole numbers stay what they are, others become float64."""
    return window(picture, height, width, slice(None), slice(None))


def window(picture: np.ndarray, height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    """These rows and columns of what `resize` makes, and no others on the way."""
    kind = picture.dtype
    for axis, (size, wanted) in enumerate(((height, rows), (width, columns))):
        weights = matrix(picture.shape[axis], size)[wanted]
        low, high = weights.indices.min(), weights.indices.max() + 1
        lines = np.moveaxis(picture, axis, 0)[low:high]
        resized = weights[:, low:high] @ lines.reshape(len(lines), -1).astype(np.float64)
        picture = np.moveaxis(resized.reshape(-1, *lines.shape[1:]), 0, axis)
        if kind.kind == "u":
            picture = np.floor(picture.clip(0, np.iinfo(kind).max) + 0.5).astype(kind)
    return np.ascontiguousarray(picture)


def consistent(large: np.ndarray, small: np.ndarray, within: float = 0.25 / 255, rounds: int = 20) -> np.ndarray:
    """The nearest picture to `large` that, made smaller, is `small`: y + A⁺ (x - A y), A what makes smaller.

    Of pictures [h, w, channels] in 0..1. What leaves 0..1 is cut off, and made up for by its neighbours in so many
    rounds, or until no pixel is farther off than `within`.
    """
    (height, width), (low, narrow) = large.shape[:2], small.shape[:2]
    down, across = matrix(height, low), matrix(width, narrow)
    result = np.empty(large.shape, np.float32)
    for channel in range(large.shape[-1]):
        y, x = large[..., channel].astype(np.float64), small[..., channel]
        for done in range(rounds):
            gap = x - (across @ (down @ y).T).T
            if done and np.abs(gap).max() < within:
                break
            y += _spread(width, narrow, _spread(height, low, gap).T).T
            np.clip(y, 0, 1, out=y)
        result[..., channel] = y
    return result


def back(size: int, to: int) -> np.ndarray:
    """A⁺ = Aᵀ (A Aᵀ)⁻¹ of A = matrix(size, to), [size, to]: A A⁺ = 1."""
    return _spread(size, to, np.eye(to))


def _spread(size: int, to: int, lines: np.ndarray) -> np.ndarray:
    """A⁺ times lines [to, any]."""
    return matrix(size, to).T @ _squared(size, to).solve(np.ascontiguousarray(lines))


@functools.lru_cache(64)
def _squared(size: int, to: int):
    """A Aᵀ, factored: a band."""
    forth = matrix(size, to)
    return scipy.sparse.linalg.splu((forth @ forth.T).tocsc())


@functools.lru_cache(64)
def matrix(size: int, to: int) -> scipy.sparse.csr_array:
    """[to, size]: a line of so many pixels, resized."""
    scale = to / size
    shrink = min(scale, 1.0)
    centres = (np.arange(to) + 0.5) / scale - 0.5
    reach = 2 / shrink
    near = np.floor(centres - reach).astype(int)[:, None] + np.arange(int(np.ceil(2 * reach)) + 2)
    weights = _keys(shrink * (centres[:, None] - near))
    weights /= weights.sum(1, keepdims=True)
    mirrored = np.concatenate([np.arange(size), np.arange(size)[::-1]])[near % (2 * size)]
    rows = np.broadcast_to(np.arange(to)[:, None], near.shape)
    return scipy.sparse.coo_array((weights.ravel(), (rows.ravel(), mirrored.ravel())), (to, size)).tocsr()


def _keys(t: np.ndarray) -> np.ndarray:
    t = np.abs(t)
    inner, outer = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, inner, np.where(t <= 2, outer, 0.0))
