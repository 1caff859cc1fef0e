"""Maximum mean discrepancy: how far apart two samples lie in the space of a kernel's functions.

"A Kernel Two-Sample Test", Gretton, Borgwardt, Rasch, Schölkopf and Smola, 2012,
https://jmlr.org/papers/v13/gretton12a.html

    MMD²(p, q) = E k(x, x') - 2 E k(x, y) + E k(y, y')          x, x' ~ p;  y, y' ~ q

A kernel is a function of x [n, d] and y [m, d] that gives [n, m], float32.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfgen.checks import at_least, positive

__all__ = ["Kernel", "gaussian", "median_bandwidth", "polynomial", "rational_quadratic", "squared_mmd"]

Kernel = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def gaussian(bandwidths: Sequence[float]) -> Kernel:
    """Σ_σ exp(-|x - y|² / 2σ²)."""
    positive(bandwidths=bandwidths)

    def kernel(x, y):
        distance = _squared_distances(x, y)
        return tf.add_n([tf.exp(-distance / (2.0 * tf.square(tf.cast(sigma, tf.float32)))) for sigma in bandwidths])

    return kernel


def rational_quadratic(alphas: Sequence[float]) -> Kernel:
    """Σ_α (1 + |x - y|² / 2α)^-α (Binkowski et al. 2018, section 2.1)."""
    positive(alphas=alphas)

    def kernel(x, y):
        distance = _squared_distances(x, y)
        return tf.add_n([tf.exp(-alpha * tf.math.log1p(distance / (2.0 * alpha))) for alpha in alphas])

    return kernel


def polynomial(degree: int = 3) -> Kernel:
    """(x·y / d + 1)^degree; of degree 3 it is the kernel of KID (Binkowski et al. 2018)."""
    at_least(1, degree=degree)

    def kernel(x, y):
        x, y = _rows(x), _rows(y)
        return (tf.matmul(x, y, transpose_b=True) / tf.cast(tf.shape(x)[-1], tf.float32) + 1.0) ** degree

    return kernel


def squared_mmd(x: tf.Tensor, y: tf.Tensor, kernel: Kernel, unbiased: bool = True) -> tf.Tensor:
    """An estimate of MMD² from x [n, d] and y [m, d]: a scalar, float32.

    Unbiased (Eq. 3), it leaves out k(x_i, x_i) and may fall below zero; else the V-statistic (Eq. 5), which never does.
    """
    x, y = _rows(x), _rows(y)
    if unbiased and min(n for n in (x.shape[0], y.shape[0], 2) if n is not None) < 2:
        raise ValueError(
            f"{x.shape[0]} and {y.shape[0]} examples: an unbiased MMD needs at least 2 on either side; take more, or "
            "unbiased=False"
        )
    within = _mean_off_diagonal if unbiased else tf.reduce_mean
    return within(kernel(x, x)) + within(kernel(y, y)) - 2.0 * tf.reduce_mean(kernel(x, y))


def median_bandwidth(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The median distance between two different rows of x [n, d] and y [m, d] together:
    a scalar, without a gradient."""
    rows = tf.stop_gradient(tf.concat([_rows(x), _rows(y)], 0))
    n = tf.shape(rows)[0]
    distances = tf.linalg.set_diag(_squared_distances(rows, rows), -tf.ones([n]))
    pairs = tf.sort(tf.reshape(distances, [-1]))[n:]  # the diagonal came first; every pair is there twice
    middle = n * (n - 1) // 2
    return tf.maximum((tf.sqrt(pairs[middle - 1]) + tf.sqrt(pairs[middle])) / 2.0, 1e-12)


def _mean_off_diagonal(matrix: tf.Tensor) -> tf.Tensor:
    n = tf.cast(tf.shape(matrix)[0], tf.float32)
    return tf.reduce_sum(tf.linalg.set_diag(matrix, tf.zeros_like(matrix[:, 0]))) / (n * (n - 1.0))


def _squared_distances(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """|x_i - y_j|², [n, m]. Centred first: |x|² - 2 x·y + |y|² loses the digits that a common offset takes."""
    x, y = _rows(x), _rows(y)
    centre = tf.stop_gradient(tf.reduce_mean(y, 0))
    x, y = x - centre, y - centre
    squares = tf.reduce_sum(x**2, -1)[:, None] + tf.reduce_sum(y**2, -1) - 2.0 * tf.matmul(x, y, transpose_b=True)
    return tf.maximum(squares, 0.0)


def _rows(x: tf.Tensor) -> tf.Tensor:
    x = tf.cast(x, tf.float32)
    if x.shape.rank != 2:
        raise ValueError(f"MMD of a tensor of shape {tuple(x.shape)}: expected [n, d]; flatten the examples")
    return x
