"""The contract: training is a list of players; a sample is a pure function of noise.

A system subclasses `GenerativeModel`, says who plays (`loss_terms` for one player, `players` for several) and how noise
becomes data (`noise`, `generate`). `train_step` below is the only training loop of the house.
"""

import contextlib
import dataclasses
import inspect
import math
import pathlib
import random
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf

from tfgen import callbacks as house
from tfgen import condition as conditions
from tfgen import distribute, door, rng
from tfgen.files import whole

__all__ = ["GenerativeModel", "Player", "SharedRate", "Terms", "every"]

Terms = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Player:
    """One who plays: what it minimises, the variables that it moves, how many turns it takes in a step.

    Arguments:
        loss: `(x, condition, training) -> terms`; `terms["loss"]` is minimised by its gradient, the others are logged.
            A term is [batch], or a scalar where it is a statistic of the batch.
        variables: those that it moves.
        turns: turn t of k sees x[t::k]; a player of one turn sees the whole batch, one of none waits (a layer that is
            not yet learnt).
        optimizer: makes the paper's optimizer; `compile` may be given another. Adam(1e-3) without one.
        update: in place of `loss`, a rule that is no gradient of a loss (contrastive divergence, the delta rule, EM):
            `(x, condition, training) -> terms, directions`, one descent direction for each variable, averaged over the
            batch.
            With `training=False` it changes nothing.
    """

    loss: Callable | None = None
    variables: Sequence[keras.Variable] = ()
    turns: int = 1
    optimizer: Callable[[], keras.optimizers.Optimizer] | None = None
    update: Callable | None = None


class GenerativeModel(keras.Model):
    """The base of every system. Subclasses are built as `Name(shape, *, condition=None, …)`; the arguments are the
    configuration.

    Arguments:
        shape: of one example.
        condition: None, a number of classes, a shape, or a dict of these.
        values: what x may hold: "binary", "unit", "signed", "bytes" or "real".
    """

    def __new__(cls, *args, **kwargs):
        model = super().__new__(cls)
        signature = inspect.signature(cls.__init__)
        bound = signature.bind(model, *args, **kwargs)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            door.check_argument(name, value, signature.parameters[name].annotation)
        vars(model)["_arguments"] = {name: _tuples(value) for name, value in list(bound.arguments.items())[1:]}
        return model

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(cls.__module__.split(".")[0])(cls)

    def __init__(self, shape: tuple[int, ...], condition=None, values: str = "real"):
        super().__init__(autocast=False)
        self.built = True
        self.shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        vars(self).update(
            condition=condition, values=values, _log=_Log(self._distribute_strategy), _sampler=None, _signature=None
        )
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
        vars(self)["_evaluated"] = tf.Variable(
            0, dtype=tf.int64, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )

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

    def noise(self, n: int, seed: tf.Tensor):
        """Every random number that n samples need: float32, n first."""
        raise NotImplementedError(f"{type(self).__name__} has no sampler")

    def generate(self, noise, condition=None) -> tf.Tensor:
        """Samples [n, *shape], a deterministic function of the noise."""
        raise NotImplementedError(f"{type(self).__name__} has no sampler")

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
        logs = {}
        with rng.stream(self.random_state.value):
            for name, player in players.items():
                for turn in range(player.turns):
                    x_t, condition_t, weight_t = every(player.turns, turn, (x, condition, weight))
                    terms = self._turn(name, player, x_t, condition_t, weight_t)
                    self.after_turn(name)
                    logs |= self._log(name if len(players) > 1 else "", terms, _count(x_t))
        return logs

    def _turn(self, name: str, player: Player, x, condition, weight) -> Terms:
        """One move: the gradient of the mean loss, or the player's own rule, handed to its optimizer."""
        optimizer, variables = self.optimizers.get(name), [v.value for v in player.variables]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync  # gradients are summed over them
        if player.update:
            terms, gradients = player.update(x, condition, training=True)
            gradients = [optimizer.scale_loss(g / replicas if replicas > 1 else g) for g in gradients]
        else:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                terms = _weighted(player.loss(x, condition, training=True), weight)
                penalties = [v.regularizer(v) for v in player.variables if v.regularizer]
                loss = optimizer.scale_loss(tf.add_n([_mean("loss", terms["loss"]), *penalties]) / replicas)
            gradients = tape.gradient(loss, variables)
        if variables:
            optimizer.apply(gradients, player.variables)
        return terms

    def test_step(self, data) -> dict[str, tf.Tensor]:
        x, condition, weight = self._unpack(data)
        players = self.players()
        self._evaluated.assign_add(1)  # a stream of its own, the same at each evaluation
        logs = {}
        with rng.stream(tf.stack([self.random_state[0], -self._evaluated])):
            for name, player in players.items():
                if not player.turns:
                    continue
                terms = (
                    player.update(x, condition, training=False)[0]
                    if player.update
                    else player.loss(x, condition, training=False)
                )
                logs |= self._log(name if len(players) > 1 else "", _weighted(terms, weight), _count(x))
        return logs

    def predict_step(self, data) -> tf.Tensor:
        noise, condition, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(noise, condition)

    # -- sampling ------------------------------------------------------------------------------------------------------

    def call(self, noise, condition=None) -> tf.Tensor:
        door.check_noise(self, noise)
        conditions.check(self.condition, condition, "noise")
        return self.generate(noise, condition)

    def sample(self, n: int, condition=None, *, seed: int | None = None, **options) -> tf.Tensor:
        """n samples; the same seed gives the same samples. One condition serves all of them, or give n."""
        noise = self.noise(n, rng.as_seed(seed), **options)
        if self._sampler is None:
            vars(self)["_sampler"] = tf.function(self.generate, reduce_retracing=True)
        condition = conditions.broadcast(self.condition, condition, n)
        return self._sampler(noise, condition) if condition is not None else self._sampler(noise)

    def new_seed(self) -> tf.Tensor:
        return rng.new_seed()

    def noise_signature(self):
        """TensorSpecs of `noise(n, …)` for any n."""
        if self._signature is None:
            with tf.init_scope():
                one = self.noise(2, rng.as_seed(0))
            free = {"length"} & set(inspect.signature(self.noise).parameters)
            spec = tf.nest.map_structure(
                lambda t: tf.TensorSpec([None, *([None] * len(t.shape[1:]) if free else t.shape[1:])], t.dtype), one
            )
            vars(self)["_signature"] = spec
        return self._signature

    # -- Keras: compile, fit, evaluate ---------------------------------------------------------------------------------

    def compile(
        self, optimizer=None, loss=None, *, steps_per_execution: int | str = "auto", jit_compile: bool = False, **kwargs
    ) -> None:
        """Alone it is enough to fit: each player brings the paper's optimizer.

        Arguments:
            optimizer: one for all players (each gets its copy), or a dict by player. The learning rate of the first
                player leads:
                a schedule or callback that moves it moves the others' in proportion.
            steps_per_execution: "auto" takes up to 20 steps at a time where a step is short.
            jit_compile: XLA; on a CPU it helps small dense nets most.
        """
        refused = [
            k
            for k, v in {"loss": loss, **kwargs}.items()
            if v is not None and k in ("loss", "metrics", "weighted_metrics", "loss_weights")
        ]
        if refused:
            raise ValueError(
                f"compile({', '.join(refused)}=…): {type(self).__name__} carries its own loss and logs its terms; "
                "leave it out, and judge a trained model with tfgen.metrics"
            )
        if jit_compile and self._distribute_strategy:
            raise ValueError("jit_compile=True does not work under a distribution strategy: leave it out")
        optimizers = self._make_optimizers(optimizer)
        super().compile(
            optimizer=next(iter(optimizers.values()), None),
            jit_compile=jit_compile,
            auto_scale_loss=False,
            steps_per_execution=1 if steps_per_execution == "auto" else steps_per_execution,
            **kwargs,
        )
        vars(self).update(optimizers=optimizers, _steps_asked=steps_per_execution)
        for name, optimizer in optimizers.items():
            setattr(self, f"optimizer_{name}", optimizer)  # where .keras files and tf.train.Checkpoint find them

    def _make_optimizers(self, given) -> dict[str, keras.optimizers.Optimizer]:
        movers = {name: player for name, player in self.players().items() if player.variables}
        by_name = given if isinstance(given, dict) else dict.fromkeys(movers, given)
        if unknown := set(by_name) - set(movers):
            raise ValueError(
                f"compile got an optimizer for {', '.join(sorted(unknown))}; the players are {', '.join(movers)}"
            )
        optimizers, leader = {}, None
        for name, player in movers.items():
            optimizer = by_name.get(name) or (player.optimizer() if player.optimizer else keras.optimizers.Adam(1e-3))
            optimizer = keras.optimizers.get(optimizer)
            if any(optimizer is o or optimizer is getattr(o, "inner_optimizer", None) for o in optimizers.values()):
                optimizer = type(optimizer).from_config(optimizer.get_config())
            leader = leader or optimizer
            optimizer = SharedRate.bind(optimizer, leader)
            if self.dtype_policy.name == "mixed_float16" and not isinstance(
                optimizer, keras.optimizers.LossScaleOptimizer
            ):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(player.variables)
            optimizers[name] = optimizer
        return optimizers

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **kwargs):
        """Keras's fit. Data are x, (x, condition) or (x, condition, sample_weight); NaN in the loss stops it and keeps
        the last good epoch."""
        self._assert_compile_called("fit")
        if isinstance(kwargs.get("validation_data"), tuple):
            val_x, val_y, val_weight = (*kwargs["validation_data"], None, None)[:3]
            door.check_data(self, val_x, val_y, batch_size, who="validation_data")
            kwargs["validation_data"] = (val_x, _placeholder(val_x, val_y, val_weight), val_weight)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault(
                "shuffle", False
            )  # Keras's default asks for it, and then warns that a dataset is not shuffled
        replicas = self.distribute_strategy.num_replicas_in_sync
        door.check_data(self, x, y, batch_size, least=self.least_batch * replicas)
        y = _placeholder(x, y, kwargs.get("sample_weight"))
        self._initial_epoch = None
        if self._steps_asked == "auto":
            self._choose_steps(x, batch_size)
        callbacks = house.for_fit(callbacks, x, self._distribute_strategy)
        try:
            return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)
        except tf.errors.InvalidArgumentError as error:
            raise door.our_line(error) or error from None
        except tf.errors.UnavailableError as error:
            raise RuntimeError(
                f"another worker is gone ({str(error).splitlines()[0][:120]}): "
                "start all workers again with the same command; with a backup they go on from its last epoch"
            ) from None

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        if not kwargs.get("_use_cached_eval_dataset"):
            door.check_data(self, x, y, batch_size)
            y = _placeholder(x, y, kwargs.get("sample_weight"))
        return super().evaluate(x, y, batch_size, *args, **kwargs)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._log.means.values())

    def reset_metrics(self) -> None:
        super().reset_metrics()
        self._evaluated.assign(0)

    def get_metrics_result(self) -> dict:
        return {m.name: m.result() for m in self.metrics if m.count > 0}

    def _choose_steps(self, x, batch_size) -> None:
        """Up to 20 steps at a time, fewer where they would take more than about two seconds together."""
        batch = batch_size or 32
        if isinstance(x, tf.data.Dataset):
            batch = next((s[0] for s in (tuple(v.shape) for v in tf.nest.flatten(x.element_spec)) if s and s[0]), 128)
        places = math.prod(d or 1 for d in self.shape[:-1]) if len(self.shape) > 1 else 1
        work = sum(6 * math.prod(v.shape) * (places if len(v.shape) > 2 else 1) for v in self.trainable_variables)
        speed = 1e13 if tf.config.list_physical_devices("GPU") else 5e10
        turns = sum(p.turns for p in self.players().values())
        steps = 1 if self.run_eagerly else int(np.clip(2 * speed / max(1, work * batch * turns), 1, 20))
        if steps != self.steps_per_execution:
            self.steps_per_execution = steps
            self.train_function = self.test_function = self.predict_function = None

    # -- Keras: the few places where strategies need another way (docs/design.md) --------------------------------------

    def make_train_function(self, force: bool = False):
        if force:
            vars(self)["_sampler"] = None
        if force or self.train_function is None:
            self.train_function = distribute.make_function(self, self.train_step) or self._make_function(
                self.train_step
            )
        return self.train_function

    def make_test_function(self, force: bool = False):
        if force or self.test_function is None:
            self.test_function = distribute.make_function(self, self.test_step) or self._make_function(self.test_step)
        return self.test_function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Models are built when they are made; Keras's symbolic build fails on several workers."""

    # -- saving --------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict:
        arguments = {name: keras.saving.serialize_keras_object(value) for name, value in self._arguments.items()}
        return {"dtype": self.dtype_policy.name, **arguments}

    @classmethod
    def from_config(cls, config: dict):
        config = dict(config)
        policy, ours = config.pop("dtype", None), keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy or ours)
        try:
            return cls(
                **{name: _tuples(keras.saving.deserialize_keras_object(value)) for name, value in config.items()}
            )
        finally:
            keras.config.set_dtype_policy(ours)

    def get_compile_config(self) -> dict:
        if not self.compiled:
            return {}
        optimizers = {name: keras.saving.serialize_keras_object(o) for name, o in self.optimizers.items()}
        return {
            "optimizer": optimizers,
            "steps_per_execution": self._steps_asked,
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config: dict) -> None:
        optimizers = {name: keras.saving.deserialize_keras_object(o) for name, o in config["optimizer"].items()}
        self.compile(**{**config, "optimizer": optimizers})

    def save(self, filepath, overwrite: bool = True, zipped=None, **kwargs) -> None:
        """As Keras's, but whole or not at all under the final name, and by the chief worker alone."""
        self._write(
            filepath, ".keras", lambda path: keras.Model.save(self, path, overwrite=overwrite, zipped=zipped, **kwargs)
        )

    def save_weights(self, filepath, overwrite: bool = True, **kwargs) -> None:
        self._write(
            filepath, ".weights.h5", lambda path: keras.Model.save_weights(self, path, overwrite=overwrite, **kwargs)
        )

    def load_weights(self, filepath, **kwargs) -> None:
        super().load_weights(filepath, **kwargs)
        if (
            self.compiled
        ):  # the stage of a model that learns in stages is a weight, and what was traced before it is stale
            self.make_train_function(force=True)
            self.make_test_function(force=True)

    def _write(self, filepath, suffix: str, write: Callable[[str], None]) -> None:
        """Beside the final name first, then renamed:
        nothing half-written ever stands under it. Only the chief writes."""
        path = pathlib.Path(filepath)
        if not distribute.is_chief(self._distribute_strategy):
            return
        if not path.name.endswith(suffix):
            return write(str(filepath))
        with whole(path, suffix) as partial:
            write(str(partial))

    @classmethod
    def load(cls, filepath, **kwargs) -> "GenerativeModel":
        """A saved model, with one clear line where the file is missing, cut short or of something else."""
        path = pathlib.Path(filepath)
        if not path.is_file():
            raise ValueError(f"{path} is not there: give the .keras file that model.save wrote")
        if not zipfile.is_zipfile(path):
            raise ValueError(
                f"{path} is no .keras file, or was cut short ({path.stat().st_size} bytes): save the model again"
            )
        try:
            model = keras.saving.load_model(path, **kwargs)
        except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} could not be read as a {cls.__name__}: {str(error).splitlines()[0]}") from error
        if not isinstance(model, cls):
            raise ValueError(
                f"{path} holds a {type(model).__name__}, and a {cls.__name__} was expected: keras.saving.load_model "
                "reads it"
            )
        return model

    def export(self, filepath, format: str = "tf_saved_model", verbose=None, input_signature=None, **kwargs):
        """Keras's export of `generate`: noise (and condition) in, samples out."""
        if input_signature is None:
            input_signature = [
                self.noise_signature(),
                *([conditions.signature(self.condition)] if self.condition is not None else []),
            ]
        return super().export(filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs)

    def flat(self, x) -> tf.Tensor:
        """Examples of any type as float32 [n, the product of the shape]: for models on vectors."""
        return tf.reshape(tf.cast(x, tf.float32), [-1, math.prod(self.shape)])

    # -- small parts ---------------------------------------------------------------------------------------------------

    def _unpack(self, data):
        x, condition, weight = keras.utils.unpack_x_y_sample_weight(data)
        if condition is not None and not tf.nest.is_nested(condition) and condition.shape[1:] == (0,):
            condition = None  # see _placeholder
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


class _Log:
    """The means of the logged terms, weighted by the batch's size. No Keras object, so that saving does not
    visit it."""

    def __init__(self, strategy: tf.distribute.Strategy | None):
        self.strategy, self.means = strategy, {}

    def __call__(self, player: str, terms: Terms, count: tf.Tensor) -> dict[str, tf.Tensor]:
        logs = {}
        for term, value in terms.items():
            name = f"{player}_{term}" if player else term
            if name not in self.means:
                with ThreadPoolExecutor(
                    1
                ) as elsewhere:  # where the function that is being traced does not see the new variables
                    self.means[name] = elsewhere.submit(self._make, name).result()
            self.means[name].update_state(_mean(term, value), sample_weight=tf.cast(count, tf.float32))
            logs[name] = self.means[name].result()
        return logs

    def _make(self, name: str) -> keras.metrics.Mean:
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            return keras.metrics.Mean(name=name)


@keras.saving.register_keras_serializable("tfgen")
class SharedRate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of a player that follows the first one's, in the proportion that the paper gives."""

    def __init__(self, ratio: float):
        self.ratio, self.leader = ratio, None

    def __call__(self, step):
        return self.ratio * self.leader.learning_rate

    def get_config(self) -> dict:
        return {"ratio": self.ratio}

    @classmethod
    def bind(cls, optimizer, leader):
        """The optimizer, or its like that follows the leader. Rates that are schedules already stay what they are."""
        inner, leader = (getattr(o, "inner_optimizer", o) for o in (optimizer, leader))
        if inner is leader:
            return optimizer
        config, first = inner.get_config(), leader.get_config()["learning_rate"]
        if isinstance(config["learning_rate"], float) and isinstance(first, float):
            config["learning_rate"] = cls(config["learning_rate"] / first if first else 1.0)
            optimizer = inner = type(inner).from_config(config)
        if isinstance(inner._learning_rate, cls):
            inner._learning_rate.leader = leader
        return optimizer


def _tuples(value):
    """Lists as tuples, at any depth: JSON knows only lists."""
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


def _placeholder(x, condition, weight):
    """Keras drops the sample weights of arrays that come without y: an empty y keeps them."""
    return np.zeros((len(x), 0), "float32") if condition is None and weight is not None else condition


def every(k: int, t: int, data):
    """x[t::k] of every tensor in the data."""
    return data if k == 1 else tf.nest.map_structure(lambda v: v if v is None else v[t::k], data)


def _count(x) -> tf.Tensor:
    return tf.shape(tf.nest.flatten(x)[0])[0]


def _mean(name: str, term) -> tf.Tensor:
    """The mean of a term [batch] or the scalar that it is, in float32; 0 of an empty batch."""
    term = tf.cast(term, tf.float32)
    if term.shape.rank > 1:
        raise ValueError(f"the term {name!r} has shape {tuple(term.shape)}: a term is [batch], or a scalar")
    return tf.math.divide_no_nan(tf.reduce_sum(term), tf.cast(tf.size(term), tf.float32))


def _weighted(terms: Terms, weight) -> Terms:
    if weight is None:
        return terms
    if tf.convert_to_tensor(terms["loss"]).shape.rank != 1:
        raise ValueError(
            "sample_weight weights losses of shape [batch], and this one is a statistic of the batch: leave it out"
        )
    return {**terms, "loss": terms["loss"] * tf.cast(weight, tf.float32)}
