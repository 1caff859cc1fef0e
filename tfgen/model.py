"""The contract: training is a list of players; a sample is a pure function of noise.

A system subclasses `GenerativeModel`, says who plays (`loss_terms` for one player, `players` for several), what its
samples are drawn from (`laws`) and how noise becomes data (`generate`, or piece by piece `start` and `advance`).
`train_step` below is the only training loop of the house; `tfgen/_keras.py` has what Keras wants around it.
"""

import dataclasses
import math
import random
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import door, rng
from tfgen import laws as noise_laws
from tfgen._keras import KerasModel, Log, mean
from tfgen.laws import Law

__all__ = ["GenerativeModel", "Player", "Terms", "every"]

Terms = dict[str, tf.Tensor]
_NO_SAMPLER = "{} declares no laws of noise and has no sampler"


@dataclasses.dataclass(frozen=True)
class Player:
    """One who plays: what it minimises, the variables that it moves, how many turns it takes in a step.

    Arguments:
        loss: `(x, condition, training) -> terms`; `terms["loss"]` is minimised by its gradient, the others are logged.
            A term is [batch], or a scalar where it is a statistic of the batch.
        variables: those that it moves.
        turns: turn t of k sees x[t::k]; a player of one turn sees the whole batch, one of none waits (a layer that is
            not yet learnt).
        optimizer: makes the paper's optimizer; `compile` may be given another.
        update: in place of `loss`, a rule that is no gradient of a loss (contrastive divergence, the delta rule, EM):
            `(x, condition, training) -> terms, directions`, one descent direction for each variable, averaged over the
            batch. With `training=False` it changes nothing.
    """

    loss: Callable | None = None
    variables: Sequence[keras.Variable] = ()
    turns: int = 1
    optimizer: Callable[[], keras.optimizers.Optimizer] = keras.optimizers.Adam
    update: Callable | None = None


class GenerativeModel(KerasModel):
    """The base of every system. Subclasses are built as `Name(shape, *, condition=None, …)`; the arguments are the
    configuration.

    Arguments:
        shape: of one example.
        condition: None, a number of classes, a shape, or a dict of these.
        values: what x may hold: "binary", "unit", "signed", "bytes" or "real".
    """

    laws: Law | dict[str, Law] | None = None  # what a sample, or one piece of it, is drawn from (`tfgen.laws`)
    pieces: int | None = None  # of a chain: its sample is what the last of so many `advance`s gives
    length: int | None = None  # of a sequence of any length, where nobody says one

    def __init__(self, shape: tuple[int, ...], condition=None, values: str = "real"):
        super().__init__(autocast=False)
        self.built = True
        self.shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        vars(self).update(condition=condition, values=values, _log=Log(self._distribute_strategy), _samplers={})
        # [key, steps trained]: every random number of training is a function of it, and it is saved with the weights.
        key = random.getrandbits(62)  # keras.utils.set_random_seed fixes it
        self.random_state = self.add_weight(
            shape=[2],
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
            name="random_state",
            initializer=lambda shape, dtype: tf.constant([key, 0], dtype),
        )
        only_first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        vars(self)["_evaluated"] = tf.Variable(0, dtype=tf.int64, trainable=False, aggregation=only_first)

    # -- what the author of a system writes ----------------------------------------------------------------------------

    def loss_terms(self, x: tf.Tensor, condition=None, training: bool = True) -> Terms:
        """One player: {"loss": [batch] or scalar, and anything else to log}."""
        raise NotImplementedError(f"{type(self).__name__} has no loss_terms and no players")

    def players(self) -> dict[str, Player]:
        return {"model": Player(self.loss_terms, self.trainable_variables)}

    def after_turn(self, player: str) -> None:
        """What is not a gradient: clipping, averages, chains."""

    def after_epoch(self) -> None:
        """What needs the whole epoch: the M-step of EM, the next layer."""

    def generate(self, noise, condition=None) -> tf.Tensor:
        """Samples [n, *shape], a deterministic function of the noise.

        A model that goes piece by piece has in its place `start(n, condition) -> state` and
        `advance(noise, state, condition) -> x, state`: of a chain (`pieces`) x is the sample so far, of a sequence (a
        law whose first dimension is None) it is its next part [n, length of the noise, …].
        """
        if not hasattr(self, "advance"):
            raise NotImplementedError(_NO_SAMPLER.format(type(self).__name__))
        n = tf.shape(tf.nest.flatten(noise)[0])[0]
        if not self.pieces:
            return self.advance(noise, self.start(n, condition), condition)[0]
        return self._chain(n, lambda i: tf.nest.map_structure(lambda part: part[:, i], noise), condition)

    @property
    def least_batch(self) -> int:
        """Examples that a step needs on each replica: one for each turn."""
        return max((player.turns for player in self.players().values()), default=1)

    # -- training: the whole algorithm ---------------------------------------------------------------------------------

    def train_step(self, data) -> dict[str, tf.Tensor]:
        x, condition, weight = self._unpack(data)
        players = self.players()
        self._check_batch(x, weight, players)
        self.random_state.assign_add([0, 1])
        logs, state = {}, self.random_state.value
        with rng.stream(state, step=state[1]):
            for name, player in players.items():
                for turn in range(player.turns):
                    x_t, condition_t, weight_t = every(player.turns, turn, (x, condition, weight))
                    terms = self._turn(name, player, x_t, condition_t, weight_t)
                    self.after_turn(name)
                    logs |= self._log(name if len(players) > 1 else "", terms, _count(x_t))
        return logs or {"waits": tf.zeros([])}  # where every player does: Keras wants something

    def _turn(self, name: str, player: Player, x, condition, weight) -> Terms:
        """One move: the gradient of the mean loss, or the player's own rule, handed to its optimizer."""
        optimizer, variables = self.optimizers.get(name), [v.value for v in player.variables]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync  # gradients are summed over them
        if player.update:
            terms, gradients = player.update(x, condition, training=True)
            gradients = [optimizer.scale_loss(g / replicas if replicas > 1 else g) for g in gradients]
        elif not variables:  # frozen
            return _weighted(player.loss(x, condition, training=True), weight)
        else:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                terms = _weighted(player.loss(x, condition, training=True), weight)
                penalties = [v.regularizer(v) for v in player.variables if v.regularizer]
                loss = optimizer.scale_loss(tf.add_n([mean("loss", terms["loss"]), *penalties]) / replicas)
            gradients = tape.gradient(loss, variables)
        moves = [(g, v) for g, v in zip(gradients, player.variables, strict=True) if g is not None]
        if moves:
            optimizer.apply(*zip(*moves, strict=True))
        return terms

    def test_step(self, data) -> dict[str, tf.Tensor]:
        x, condition, weight = self._unpack(data)
        players = self.players()
        self._evaluated.assign_add(1)  # a stream of its own, the same at each evaluation
        logs, (key, steps) = {}, tf.unstack(self.random_state.value)
        with rng.stream(tf.stack([key, -self._evaluated]), step=steps):
            for name, player in players.items():
                if not player.turns:
                    continue
                if player.update:
                    terms, _ = player.update(x, condition, training=False)
                else:
                    terms = player.loss(x, condition, training=False)
                logs |= self._log(name if len(players) > 1 else "", _weighted(terms, weight), _count(x))
        return logs or {"waits": tf.zeros([])}  # where every player does: Keras wants something

    def predict_step(self, data) -> tf.Tensor:
        given, condition, _ = keras.utils.unpack_x_y_sample_weight(data)
        if hasattr(self, "reconstruct") and not door.is_noise(self, given):
            door.check_shapes(self, given, condition)
            return self.reconstruct(tf.cast(given, tf.float32), condition)
        return self(given, condition)

    # -- sampling ------------------------------------------------------------------------------------------------------

    def noise(self, n: int, seed, *, length: int | None = None):
        """Every random number that n samples need, by the declared laws: float32, n first; of a chain all its pieces,
        [n, pieces, …]."""
        if self.laws is None:
            raise NotImplementedError(_NO_SAMPLER.format(type(self).__name__))
        seed, length = rng.as_seed(seed), self._length(length)
        if not self.pieces:
            return noise_laws.draw(self.laws, n, seed, length)
        drawn = [noise_laws.draw(self.laws, n, rng.fold_in(seed, i)) for i in range(self.pieces)]
        return tf.nest.map_structure(lambda *parts: tf.stack(parts, 1), *drawn)

    def call(self, noise, condition=None) -> tf.Tensor:
        door.check_noise(self, noise)
        conditions.check(self.condition, condition, "noise")
        return self.generate(noise, condition)

    def sample(self, n: int, condition=None, *, seed: int | None = None, length: int | None = None) -> tf.Tensor:
        """n samples; the same seed gives the same samples, `generate(noise(n, seed))`, but a piece at a time where the
        model knows pieces. One condition serves all of them, or give n."""
        seed, condition, length = (
            rng.as_seed(seed),
            conditions.broadcast(self.condition, condition, n),
            self._length(length),
        )
        if not hasattr(self, "advance"):
            return self._sampler("generate")(self.noise(n, seed), condition)
        if self.pieces:
            return self._sampler("_sample_chain")(tf.constant(n), seed, condition)
        noise, state, parts = self.noise(n, seed, length=length), self.start(n, condition), []
        for at in range(0, tf.nest.flatten(noise)[0].shape[1], noise_laws.BLOCK):
            part = tf.nest.map_structure(lambda t, at=at: t[:, at : at + noise_laws.BLOCK], noise)
            x, state = self._sampler("advance")(part, state, condition)
            parts.append(x)
        return tf.concat(parts, 1)

    @property
    def decodes(self) -> bool:
        """Whether it has `code(noise, condition)`, the z of its noise, and `decode(z, condition)`: samples are draws
        around these means."""
        return hasattr(self, "code") and hasattr(self, "decode")

    def show(self, n: int, condition=None, *, seed: int | None = None) -> tf.Tensor:
        """What pictures show of n samples: of a model that decodes the means that the samples are drawn around, for
        the noise of the likelihood hides what is learnt; of others the samples."""
        if not self.decodes:
            return self.sample(n, condition, seed=seed)
        condition = conditions.broadcast(self.condition, condition, n)
        return self.drawn_around(self.noise(n, seed), condition)

    def drawn_around(self, noise, condition=None) -> tf.Tensor:
        """The means of the samples of these noises, of a model that decodes."""
        return self.decode(self.code(noise, condition), condition)

    def _sample_chain(self, n, seed, condition):
        return self._chain(n, lambda i: noise_laws.draw(self.laws, n, rng.fold_in(seed, i)), condition)

    def _chain(self, n, noise: Callable, condition) -> tf.Tensor:
        """What the last piece gives; `noise(i)` is that of piece i."""
        x, state = self.advance(noise(0), self.start(n, condition), condition)
        body = lambda i, x, state: (i + 1, *self.advance(noise(i), state, condition))
        return tf.while_loop(lambda i, *_: i < self.pieces, body, (1, x, state))[1]

    def _sampler(self, method: str) -> Callable:
        if method not in self._samplers:
            self._samplers[method] = tf.function(getattr(self, method), reduce_retracing=True, autograph=False)
        return self._samplers[method]

    def _length(self, asked: int | None) -> int | None:
        if not noise_laws.is_endless(self.laws):
            if asked is not None:
                raise ValueError(f"length={asked}: {type(self).__name__} makes no sequences; leave it out")
            return None
        length = self.shape[0] or self.length if asked is None else asked
        if length is None:
            raise ValueError(f"{type(self).__name__} makes sequences of any length: say length=…")
        return length

    def new_seed(self) -> tf.Tensor:
        return rng.new_seed()

    def noise_signature(self):
        """TensorSpecs of `noise(n, …)` for any n."""
        if self.laws is None:
            raise NotImplementedError(_NO_SAMPLER.format(type(self).__name__))
        return noise_laws.signature(self.laws, before=(self.pieces,) if self.pieces else ())

    # -- small parts ---------------------------------------------------------------------------------------------------

    def flat(self, x) -> tf.Tensor:
        """Examples of any type as float32 [n, the product of the shape]: for models on vectors."""
        return tf.reshape(tf.cast(x, tf.float32), [-1, math.prod(self.shape)])

    def _unpack(self, data):
        x, condition, weight = keras.utils.unpack_x_y_sample_weight(data)
        if condition is not None and not tf.nest.is_nested(condition) and condition.shape[1:] == (0,):
            condition = None  # an empty one keeps the weights of arrays that come without y (tfgen/_keras.py)
        door.check_shapes(self, x, condition)
        conditions.check_labels(self.condition, condition)
        return tf.nest.map_structure(lambda t: tf.cast(t, tf.float32), x), condition, weight

    def _check_batch(self, x, weight, players) -> None:
        if weight is not None and (len(players) > 1 or any(p.update for p in players.values())):
            raise ValueError(
                f"sample_weight weights the loss of one player, and {type(self).__name__} has {', '.join(players)}: "
                "leave it out"
            )
        message = (
            f"[tfgen] a batch left a replica fewer than {self.least_batch} example(s), which a step needs: take "
            "another batch size, or drop the remainder"
        )
        tf.debugging.assert_greater_equal(_count(x), self.least_batch, message)


def every(k: int, t: int, data):
    """x[t::k] of every tensor in the data."""
    return data if k == 1 else tf.nest.map_structure(lambda v: v if v is None else v[t::k], data)


def _count(x) -> tf.Tensor:
    return tf.shape(tf.nest.flatten(x)[0])[0]


def _weighted(terms: Terms, weight) -> Terms:
    if weight is None:
        return terms
    if tf.convert_to_tensor(terms["loss"]).shape.rank != 1:
        raise ValueError(
            "sample_weight weights losses of shape [batch], and this one is a statistic of the batch: leave it out"
        )
    return {**terms, "loss": terms["loss"] * tf.cast(weight, tf.float32)}
