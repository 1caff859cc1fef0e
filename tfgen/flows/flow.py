"""What a flow is: a map with an inverse, whose density is known by the determinant of its derivative.

    z of density p, y = f(z):   log p(y) = log p(z) - log |det ∂f/∂z|

`forward_and_log_det(z, told)` takes z [..., d] and what is told of each example, [n, told] for z [n, d] or [n, k, d].
Every flow but where its file says otherwise has `inverse_and_log_det(y, told)`, with log |det ∂f⁻¹/∂y|.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfgen.checks import at_least

__all__ = ["Chain", "Flow", "Given", "inverted", "spread"]


class Flow(keras.layers.Layer):
    """The base of every flow.

    Arguments:
        dims: of z.
        told: numbers that it is told of each example; its parameters are then a function of them.
    """

    def __init__(self, dims: int, told: int = 0):
        at_least(1, dims=dims)
        super().__init__(autocast=False)
        self.dims, self.told, self.built = dims, told, True

    def forward_and_log_det(self, z: tf.Tensor, told: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """f(z), and log |det ∂f/∂z| [...]."""
        raise NotImplementedError

    def inverse_and_log_det(self, y: tf.Tensor, told: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """f⁻¹(y), and log |det ∂f⁻¹/∂y| [...]."""
        raise NotImplementedError(f"{type(self).__name__} has no inverse")


class Chain(Flow):
    """Flows one after another; none is the identity."""

    def __init__(self, flows: Sequence[Flow]):
        super().__init__(flows[0].dims if flows else 1, max((flow.told for flow in flows), default=0))
        self.flows = list(flows)

    def forward_and_log_det(self, z, told=None):
        return self._through(z, told, self.flows, "forward_and_log_det")

    def inverse_and_log_det(self, y, told=None):
        return self._through(y, told, self.flows[::-1], "inverse_and_log_det")

    def _through(self, z, told, flows, way: str):
        total = tf.zeros(tf.shape(z)[:-1])
        for flow in flows:
            z, log_det = getattr(flow, way)(z, told)
            total += log_det
        return z, total


class Given(keras.layers.Layer):
    """The parameters of a flow, [size]: weights, or an affine map of what is told, [n, size]."""

    def __init__(self, size: int, told: int = 0, deviation: float = 0.1):
        super().__init__(autocast=False)
        small = keras.initializers.RandomNormal(stddev=deviation)
        self.kernel = self.add_weight(shape=(told, size), initializer=small, name="kernel") if told else None
        self.bias = self.add_weight(shape=(size,), initializer=small, name="bias")
        self.built = True

    def of(self, z: tf.Tensor, told: tf.Tensor | None = None) -> tf.Tensor:
        """As they stand beside z: [size], [n, size], or [n, 1, size] for z [n, k, d]."""
        if self.kernel is None:
            return self.bias.value
        return spread(tf.matmul(told, self.kernel.value) + self.bias.value, z)


def spread(told: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """[n, size] as [n, 1, size] where z is [n, k, d]."""
    return told[:, None] if z.shape.rank == 3 else told


def inverted(f: Callable, slope: Callable, y: tf.Tensor, reach: tf.Tensor, steps: int = 40) -> tf.Tensor:
    """s of f(s) = y for a rising f with |f(s) - s| ≤ reach, by bisection; its gradient is that of the inverse."""
    low, high = y - reach, y + reach
    for _ in range(steps):
        middle = (low + high) / 2
        below = f(middle) < y
        low, high = tf.where(below, middle, low), tf.where(below, high, middle)
    s = tf.stop_gradient((low + high) / 2)
    return s - (f(s) - y) / tf.stop_gradient(slope(s))
