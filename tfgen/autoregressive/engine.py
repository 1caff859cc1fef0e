"""The engine of every model of this family: x in an order, each number given those before it.

    p(x) = Π_t p(x_t | x_<t)

`Autoregressive` samples, chooses and completes; `Cached` does so a place at a time from a state that is carried on, so
that a sample costs about one pass of the net in place of one for each place. What comes out is a function of the noise:
both ways give the same samples.
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import door, parts, rng
from tfgen.model import GenerativeModel
from tfgen.sampling import SAMPLE, Choice

__all__ = ["Autoregressive", "Cached", "ordering"]


def ordering(order: str | Sequence[int], dims: int, generator: np.random.Generator) -> np.ndarray:
    """The place of each dimension: at random, as they are written, or as given."""
    if isinstance(order, str) and order in ("random", "raster"):
        return generator.permutation(dims) if order == "random" else np.arange(dims)
    places = np.asarray(order)
    if places.dtype.kind not in "iu" or places.shape != (dims,) or set(places.tolist()) != set(range(dims)):
        came = repr(order) if len(repr(order)) < 60 else f"something else ({repr(order)[:40]} …)"
        raise ValueError(f"order is 'random', 'raster' or the places 0 … {dims - 1} in any order; {came} came")
    return places


class Autoregressive(GenerativeModel):
    """x is `places` one after the other, each of `channels` numbers. A system writes `log_prob`, `generate_by` and
    `ranks`.

    Arguments:
        shape: of one example.
        condition: of any kind, seen by every conditional.
        likelihood: of each number, by its name in `tfgen.parts.LIKELIHOODS`.
        channels: of a place.
    """

    def __init__(self, shape, condition=None, likelihood="bernoulli", channels: int = 1):
        self.likelihood = parts.likelihood(likelihood)
        if self.likelihood.shared:
            raise ValueError(f"{likelihood}: here every number has parameters of its own, given those before it")
        super().__init__(shape, condition, values=self.likelihood.values)
        self.channels, self.places = channels, math.prod(self.shape) // channels

    def loss_terms(self, x, condition=None, training=True):
        return {"loss": -self.log_prob(x, condition)}

    def generate_by(self, noise, condition=None, choice: Choice = SAMPLE, given=None) -> tf.Tensor:
        """Samples [n, *shape]; of `given` = (values, known), both [n, *shape], what is known is kept."""
        raise NotImplementedError

    def generate(self, noise, condition=None):
        return self.generate_by(noise, condition)

    def sample(self, n, condition=None, *, seed=None, temperature: float = 1.0, top_k: int | None = None, xla=False):
        """n samples; the same seed gives the same samples, with XLA and without.

        Arguments:
            temperature: below 1 nearer to the most likely values, 0 always the most likely.
            top_k: only so many of the most likely values of each number.
            xla: compile the loop.
        """
        choice = Choice(temperature, top_k)
        choice.check(self.likelihood)
        if choice == SAMPLE and not xla:
            return super().sample(n, condition, seed=seed)
        noise = self.noise(n, rng.as_seed(seed))
        return self._decoder(choice, xla)(noise, conditions.broadcast(self.condition, condition, n), None)

    def complete(
        self, x, known, condition=None, *, seed=None, temperature: float = 1.0, top_k: int | None = None, xla=False
    ):
        """x with what is not known drawn, each number given those before it, known or drawn.

        Where the known numbers are the first in the order, these are samples of p(unknown | known); what is known
        further on is kept, and not foreseen.

        Arguments:
            x: [n, *shape]; what is not known may hold anything.
            known: of bools, [n, *shape], or of a shape that is broadcast to it.
        """
        choice, x, known = Choice(temperature, top_k), np.asarray(x, "float32"), np.asarray(known, bool)
        choice.check(self.likelihood)
        try:
            known = np.broadcast_to(known, x.shape)
        except ValueError:
            raise ValueError(
                f"known has shape {known.shape}, and x {x.shape}: give a bool for each number of x"
            ) from None
        x = np.where(known, x, np.float32(0))
        condition = conditions.broadcast(self.condition, condition, len(x), "x")
        door.check_data(self, x, condition, None)
        given = tf.constant(x), tf.constant(known)
        return self._decoder(choice, xla)(self.noise(len(x), rng.as_seed(seed)), condition, given)

    def ranks(self) -> list[np.ndarray]:
        """When each number of an example is drawn, whole numbers [*shape]: of every order that there is."""
        raise NotImplementedError

    def foresees(self, known) -> bool:
        """Whether known numbers, bools [*shape], come first in every order: then completions are samples of
        p(unknown | known)."""
        known = np.broadcast_to(known, self.shape)
        return all(rank[known].max(initial=-1) < rank[~known].min(initial=rank.size) for rank in self.ranks())

    def _decoder(self, choice: Choice, xla: bool):
        """`generate_by`, traced once for each choice."""
        key = ("decode", choice, xla)
        if key not in self._samplers:
            decode = lambda noise, condition, given: self.generate_by(noise, condition, choice, given)
            self._samplers[key] = tf.function(decode, jit_compile=xla, reduce_retracing=not xla, autograph=False)
        return self._samplers[key]

    def inward(self, x):
        """[n, *shape] to [n, places, channels]."""
        return tf.reshape(x, [-1, self.places, self.channels])

    def outward(self, x):
        """The way back."""
        return tf.reshape(x, [-1, *self.shape])

    def ordered_parameters(self, x, condition=None):
        """Those of every number in one pass, [n, places, channels, size], the places in their order."""
        raise NotImplementedError


class Cached(Autoregressive):
    """A system writes `begin(n, condition)`, the state of its net, and `step(state, before, t, condition)`, which takes
    the place before t in and gives what the net says of place t; `of_channel` makes parameters of it."""

    def __init__(self, shape, condition=None, likelihood="bernoulli", channels: int = 1):
        super().__init__(shape, condition, likelihood, channels)
        self.pieces, self.laws = self.places, self.likelihood.drawn_from(channels)

    def ranks(self):
        drawn = tf.range(self.places * self.channels, dtype=tf.float32)
        return [self.outward(tf.reshape(drawn, [1, self.places, self.channels]))[0].numpy()]

    def noise(self, n, seed, *, length=None):
        """Drawn place by place, as `sample` does, in one graph: hundreds of small draws take seconds outside."""
        self._length(length)  # which is refused
        return self._sampler("_noise")(tf.convert_to_tensor(n), rng.as_seed(seed))

    def _noise(self, n, seed):
        one = lambda i: self.laws.draw(n, rng.fold_in(seed, i))
        drawn = tf.map_fn(one, tf.range(self.places), fn_output_signature=tf.float32)
        return tf.ensure_shape(
            tf.transpose(drawn, [1, 0, *range(2, drawn.shape.rank)]), [None, *drawn.shape[:1], *self.laws.shape]
        )

    def of_channel(self, c: int, features, before):
        """Parameters [n, size] of channel c, given those before it [n, c]."""
        return features

    def start(self, n, condition=None) -> dict:
        x = tf.zeros([n, self.places, self.channels])
        return {"net": self.begin(n, condition), "t": tf.zeros([n, 1], tf.int32), "x": x}

    def advance(self, noise, state, condition=None, choice: Choice = SAMPLE, given=None):
        """The next place, channel by channel; the sample so far, zeros where nothing is drawn yet."""
        t, x, drawn = state["t"][0, 0], state["x"], []
        before = tf.gather(x, tf.maximum(t - 1, 0), axis=1)  # zeros where t = 0
        features, net = self.step(state["net"], before, t, condition)
        for c in range(self.channels):
            parameters = self.of_channel(c, features, tf.stack(drawn, -1) if drawn else before[:, :0])
            one = choice.pick(self.likelihood, noise[:, c : c + 1], parameters[:, None])[:, 0]
            if given is not None:
                values, known = (tf.gather(self.inward(part), t, axis=1)[:, c] for part in given)
                one = tf.where(known, values, one)
            drawn.append(one)
        x = tf.where(tf.range(self.places)[:, None] == t, tf.stack(drawn, -1)[:, None], x)
        return self.outward(x), {"net": net, "t": state["t"] + 1, "x": x}

    def generate_by(self, noise, condition=None, choice=SAMPLE, given=None):
        """One loop over the places; noise [n, places, channels, …]."""
        n = tf.shape(noise)[0]
        body = lambda t, x, state: (t + 1, *self.advance(tf.gather(noise, t, axis=1), state, condition, choice, given))
        start = (0, tf.zeros([n, *self.shape]), self.start(n, condition))
        return tf.while_loop(lambda t, *_: t < self.places, body, start, maximum_iterations=self.places)[1]
