"""What Keras wants around the one training step: configuration, optimizers, logs, fit and evaluate, saving.

`tfgen/model.py` is the part to read; nothing here knows how a model learns or samples.
"""

import contextlib
import functools
import math
import pathlib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf

from tfgen import callbacks as house
from tfgen import condition as conditions
from tfgen import describe, distribute, door, signature
from tfgen.files import whole

__all__ = ["KerasModel", "Log", "SharedRate", "mean"]

DOORS = ("log_prob", "bound", "free_energy", "encode", "reconstruct", "classify", "cluster")  # they take x, of data


class KerasModel(keras.Model):
    """A Keras model whose constructor's arguments are its configuration, and whose players each have an optimizer."""

    def __new__(cls, *args, **kwargs):
        model, arguments, known = super().__new__(cls), signature.bind(cls, args, kwargs), signature.parameters(cls)
        for name, value in arguments.items():
            if name in known:
                door.check_argument(name, value, known[name].annotation)
        vars(model)["_arguments"] = {name: _tuples(value) for name, value in arguments.items()}
        return model

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in DOORS:
            if (method := getattr(cls, name, None)) and not hasattr(method, "checks"):
                setattr(cls, name, _at_the_door(method))
        keras.saving.register_keras_serializable(cls.__module__.split(".")[0])(cls)

    # -- compile, fit, evaluate ----------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer=None,
        loss=None,
        *,
        steps_per_execution: int | str = "auto",
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Alone it is enough to fit: each player brings the paper's optimizer.

        Arguments:
            optimizer: one for all players (each gets its copy), or a dict by player. The learning rate of the first
                player leads: a schedule or callback that moves it moves the others' in proportion.
            steps_per_execution: "auto" takes up to 20 steps at a time where a step is short.
            jit_compile: XLA; on a CPU it helps small dense nets most.
        """
        refused = ("loss", "metrics", "weighted_metrics", "loss_weights")
        given = [k for k, v in {"loss": loss, **kwargs}.items() if v is not None and k in refused]
        if given:
            raise ValueError(
                f"compile({', '.join(given)}=…): {type(self).__name__} carries its own loss and logs its terms; "
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
        optimizers, leader, scales = {}, None, self.dtype_policy.name == "mixed_float16"
        for name, player in movers.items():
            optimizer = keras.optimizers.get(by_name.get(name) or player.optimizer())
            if any(optimizer is o or optimizer is getattr(o, "inner_optimizer", None) for o in optimizers.values()):
                optimizer = type(optimizer).from_config(optimizer.get_config())
            leader = leader or optimizer
            optimizer = SharedRate.bind(optimizer, leader)
            if scales and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(player.variables)
            optimizers[name] = optimizer
        return optimizers

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **kwargs):
        """Keras's fit. Data are x, (x, condition) or (x, condition, sample_weight); NaN in the loss stops it and keeps
        the last good epoch."""
        self._assert_compile_called("fit")
        if kwargs.get("class_weight") is not None:
            raise ValueError(
                "class_weight weights the labels of a classifier: give the weight of each example as sample_weight"
            )
        self._check_movers()
        if isinstance(kwargs.get("validation_data"), tuple):
            val_x, val_y, val_weight = (*kwargs["validation_data"], None, None)[:3]
            door.check_data(self, val_x, val_y, batch_size, who="validation_data")
            kwargs["validation_data"] = (val_x, _placeholder(val_x, val_y, val_weight), val_weight)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # Keras's default asks for it, and warns that a dataset has none
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

    def _check_movers(self) -> None:
        """One line where everybody plays by gradients and nobody has anything to move."""
        players = [player for player in self.players().values() if player.turns]
        if players and not any(player.update or player.variables for player in players):
            raise ValueError(
                f"everything in this {type(self).__name__} is frozen: set trainable = True of what is to learn, and "
                "compile again"
            )

    def _choose_steps(self, x, batch_size) -> None:
        """Up to 20 steps at a time, fewer where they would take more than about two seconds together; a part of the
        epoch where one is near, for Keras's bar counts past the end."""
        batch = batch_size or 32
        count = -(-len(x) // batch) if isinstance(x, np.ndarray) or tf.is_tensor(x) else 0
        if isinstance(x, tf.data.Dataset):
            count = int(x.cardinality())
            batch = next((s[0] for s in (tuple(v.shape) for v in tf.nest.flatten(x.element_spec)) if s and s[0]), 128)
        places = math.prod(d or 1 for d in self.shape[:-1]) if len(self.shape) > 1 else 1
        work = sum(6 * math.prod(v.shape) * (places if len(v.shape) > 2 else 1) for v in self.trainable_variables)
        speed = 1e13 if tf.config.list_physical_devices("GPU") else 5e10
        turns = sum(p.turns for p in self.players().values())
        steps = 1 if self.run_eagerly else int(np.clip(2 * speed / max(1, work * batch * turns), 1, 20))
        if count > 0:
            steps = next((n for n in range(min(steps, count), steps // 2, -1) if count % n == 0), min(steps, count))
        if steps != self.steps_per_execution:
            self.steps_per_execution = steps
            self.train_function = self.test_function = self.predict_function = None

    # -- the few places where strategies need another way (docs/design.md) ---------------------------------------------

    def make_train_function(self, force: bool = False):
        if force:
            vars(self)["_samplers"] = {}
        if force or self.train_function is None:
            ours = distribute.make_function(self, self.train_step)
            self.train_function = ours or self._make_function(self.train_step)
        return self.train_function

    def make_test_function(self, force: bool = False):
        if force or self.test_function is None:
            self.test_function = distribute.make_function(self, self.test_step) or self._make_function(self.test_step)
        return self.test_function

    def trace_again(self) -> None:
        """What was traced is stale: another player learns from now on, or other parts have joined."""
        self.make_train_function(force=True)
        self.make_test_function(force=True)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Models are built when they are made; Keras's symbolic build fails on several workers."""

    # -- what it is made of --------------------------------------------------------------------------------------------

    def summary(self, line_length=None, positions=None, print_fn=None, **kwargs) -> None:
        """Players, parts and layers with their shapes."""
        (print_fn or print)(describe.table(self))

    def plot(self, path) -> pathlib.Path:
        """A picture of the parts and their layers: `keras.utils.plot_model` draws nets, such as one of the parts."""
        return describe.plot(self, path)

    # -- configuration and saving --------------------------------------------------------------------------------------

    def get_config(self) -> dict:
        arguments = {name: keras.saving.serialize_keras_object(value) for name, value in self._arguments.items()}
        return {"dtype": self.dtype_policy.name, **arguments}

    @classmethod
    def from_config(cls, config: dict):
        config = dict(config)
        policy, ours = config.pop("dtype", None), keras.config.dtype_policy()
        arguments = {name: _tuples(keras.saving.deserialize_keras_object(value)) for name, value in config.items()}
        keras.config.set_dtype_policy(policy or ours)
        try:
            return cls(**arguments)
        finally:
            keras.config.set_dtype_policy(ours)

    def get_compile_config(self) -> dict:
        if not self.compiled:
            return {}
        return {
            "optimizer": {name: keras.saving.serialize_keras_object(o) for name, o in self.optimizers.items()},
            "steps_per_execution": self._steps_asked,
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config: dict) -> None:
        optimizers = {name: keras.saving.deserialize_keras_object(o) for name, o in config["optimizer"].items()}
        self.compile(**{**config, "optimizer": optimizers})

    def save(self, filepath, overwrite: bool = True, zipped=None, **kwargs) -> None:
        """As Keras's, but whole or not at all under the final name, and by the chief worker alone."""
        save = lambda path: keras.Model.save(self, path, overwrite=overwrite, zipped=zipped, **kwargs)
        self._write(filepath, ".keras", save)

    def save_weights(self, filepath, overwrite: bool = True, **kwargs) -> None:
        save = lambda path: keras.Model.save_weights(self, path, overwrite=overwrite, **kwargs)
        self._write(filepath, ".weights.h5", save)

    def load_weights(self, filepath, **kwargs) -> None:
        super().load_weights(filepath, **kwargs)
        if self.compiled:  # the stage of a model that learns in stages is a weight
            self.trace_again()

    def _write(self, filepath, suffix: str, write: Callable[[str], None]) -> None:
        """Beside the final name first, then renamed: nothing half-written ever stands under it. Only the chief
        writes."""
        path = pathlib.Path(filepath)
        if not distribute.is_chief(self._distribute_strategy):
            return
        if not path.name.endswith(suffix):
            return write(str(filepath))
        with whole(path, suffix) as partial:
            write(str(partial))

    @classmethod
    def load(cls, filepath, **kwargs) -> "KerasModel":
        """A saved model, with one clear line where the file is missing, cut short or of something else."""
        path = pathlib.Path(filepath)
        if not path.is_file():
            raise ValueError(f"{path} is not there: give the .keras file that model.save wrote")
        if not zipfile.is_zipfile(path):
            size = path.stat().st_size
            raise ValueError(f"{path} is no .keras file, or was cut short ({size} bytes): save the model again")
        try:
            model = keras.saving.load_model(path, **kwargs)
        except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} could not be read as a {cls.__name__}: {str(error).splitlines()[0]}") from error
        if not isinstance(model, cls):
            raise ValueError(
                f"{path} holds a {type(model).__name__}, and a {cls.__name__} was expected: "
                "keras.saving.load_model reads it"
            )
        return model

    def export(self, filepath, format: str = "tf_saved_model", verbose=None, input_signature=None, **kwargs):
        """Keras's export of `generate`: noise (and condition) in, samples out."""
        if input_signature is None:
            told = [] if self.condition is None else [conditions.signature(self.condition)]
            input_signature = [self.noise_signature(), *told]
        return super().export(filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs)


class Log:
    """The means of the logged terms, weighted by the batch's size. No Keras object, so that saving does not visit
    it."""

    def __init__(self, strategy: tf.distribute.Strategy | None):
        self.strategy, self.means = strategy, {}

    def __call__(self, player: str, terms: dict[str, tf.Tensor], count: tf.Tensor) -> dict[str, tf.Tensor]:
        logs = {}
        for term, value in terms.items():
            name = f"{player}_{term}" if player else term
            if name not in self.means:
                with ThreadPoolExecutor(1) as elsewhere:  # where the trace that goes on does not see new variables
                    self.means[name] = elsewhere.submit(self._make, name).result()
            value = tf.where(count > 0, mean(term, value), 0.0)  # a replica without examples counts as nothing
            self.means[name].update_state(value, sample_weight=tf.cast(count, tf.float32))
            logs[name] = self.means[name].result()
        return logs

    def _make(self, name: str) -> keras.metrics.Mean:
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            return keras.metrics.Mean(name=name)


def mean(name: str, term) -> tf.Tensor:
    """The mean of a term [batch] or the scalar that it is, in float32; 0 of an empty batch. A float64 one, which tests
    differentiate, stays so."""
    term = tf.convert_to_tensor(term)
    term = term if term.dtype == tf.float64 else tf.cast(term, tf.float32)
    if term.shape.rank > 1:
        raise ValueError(f"the term {name!r} has shape {tuple(term.shape)}: a term is [batch], or a scalar")
    return tf.math.divide_no_nan(tf.reduce_sum(term), tf.cast(tf.size(term), term.dtype))


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


def _at_the_door(method: Callable) -> Callable:
    """The method, which refuses examples of another shape or of other values in one line, as fit does."""

    @functools.wraps(method)
    def checked(self, x, *args, **kwargs):
        door.check_x(self, x)
        return method(self, x, *args, **kwargs)

    checked.checks = True
    return checked


def _tuples(value):
    """Lists as tuples, at any depth: JSON knows only lists. What is a class of its own stays itself."""
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


def _placeholder(x, condition, weight):
    """Keras drops the sample weights of arrays that come without y: an empty y keeps them."""
    return np.zeros((len(x), 0), "float32") if condition is None and weight is not None else condition
