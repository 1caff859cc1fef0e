"""Priors p(z), by name.

normal        N(0, 1)
mixture:10    Σ_c π_c N(μ_c, σ_c²), learnt                                        Dilokthanakul et al. 2017
flow:4        f(e), e of N(0, 1), through affine couplings, learnt                Chen et al. 2017; Dinh et al. 2017
"""

import math

import keras
import tensorflow as tf

from tfgen import flows, laws, rng
from tfgen.checks import nearest, numbered

__all__ = ["PRIORS", "FlowPrior", "MixturePrior", "NormalPrior", "prior"]


class NormalPrior(keras.layers.Layer):
    """N(0, 1): what is drawn is z itself."""

    closed = True  # a Gaussian's divergence from it has a closed form

    def __init__(self, dims: int):
        super().__init__(autocast=False)
        self.dims, self.built = dims, True

    @property
    def laws(self) -> dict[str, laws.Law]:
        return {"z": laws.normal(self.dims)}

    def pick(self, noise: dict) -> tf.Tensor:
        """z [n, dims] of numbers drawn by the laws."""
        return noise["z"]

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """log p(z) [...] of z [..., dims]."""
        return _log_normal(z)


class MixturePrior(keras.layers.Layer):
    """A mixture of diagonal Gaussians, which begins spread out over N(0, 1)."""

    closed = False

    def __init__(self, dims: int, components: int):
        super().__init__(autocast=False)
        self.dims, self.components = dims, components
        self.means = self.add_weight(shape=(components, dims), initializer=_unit_normal(), name="means")
        self.log_sds = self.add_weight(shape=(components, dims), initializer="zeros", name="log_sds")
        self.logits = self.add_weight(shape=(components,), initializer="zeros", name="logits")
        self.built = True

    @property
    def laws(self) -> dict[str, laws.Law]:
        return {"component": laws.uniform(1), "prior": laws.normal(self.dims)}

    def pick(self, noise: dict) -> tf.Tensor:
        chosen = tf.one_hot(rng.categorical(noise["component"][:, 0], logits=self.logits.value), self.components)
        return chosen @ self.means.value + chosen @ tf.exp(self.log_sds.value) * noise["prior"]

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        e = (z[..., None, :] - self.means.value) * tf.exp(-self.log_sds.value)
        log_p = _log_normal(e) - tf.reduce_sum(self.log_sds.value, -1)
        return tf.reduce_logsumexp(tf.nn.log_softmax(self.logits.value) + log_p, -1)


class FlowPrior(keras.layers.Layer):
    """Normal numbers that went through a flow."""

    closed = False

    def __init__(self, dims: int, length: int, hidden: tuple[int, ...] = (64,)):
        super().__init__(autocast=False)
        self.dims, self.flow, self.built = dims, flows.flow(f"affine:{length}", dims, hidden=hidden), True

    @property
    def laws(self) -> dict[str, laws.Law]:
        return {"prior": laws.normal(self.dims)}

    def pick(self, noise: dict) -> tf.Tensor:
        return self.flow.forward_and_log_det(noise["prior"])[0]

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        e, log_det = self.flow.inverse_and_log_det(z)
        return _log_normal(e) + log_det


PRIORS = {"normal": None, "mixture": 10, "flow": 4}  # and the number that each has where none is said


def prior(which: str, dims: int) -> keras.layers.Layer:
    """By name, with its number of components or flows."""
    name, number = numbered(which)
    if name not in PRIORS:
        raise ValueError(f"there is no prior {name!r}: take one of {nearest(name, PRIORS)}")
    if name == "normal":
        if number is not None:
            raise ValueError(f"{which!r}: normal takes no number, write normal")
        return NormalPrior(dims)
    number = PRIORS[name] if number is None else number
    if number != int(number) or number < 1:
        raise ValueError(f"{which!r}: expected a whole number, 1 or more")
    return {"mixture": MixturePrior, "flow": FlowPrior}[name](dims, int(number))


def _log_normal(z: tf.Tensor) -> tf.Tensor:
    return -0.5 * tf.reduce_sum(z**2 + math.log(2 * math.pi), -1)


def _unit_normal():
    return keras.initializers.RandomNormal(stddev=1.0)
