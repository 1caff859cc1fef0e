"""A generator and a critic for examples of any shape: fully connected, DCGAN's or residual."""

import math

import keras

from tfgen.checks import numbered, one_of
from tfgen.layers import GaussianNoise, MinibatchDiscrimination, Reference, Strip
from tfgen.layers.norms import KERNELS, norms, wrapped
from tfgen.nets.dcgan import painter, reader
from tfgen.nets.mlp import dense
from tfgen.nets.resnet import residual_painter, residual_reader

__all__ = ["NETS", "critic_net", "generator_net"]

NETS = ("mlp", "dcgan", "resnet")


def generator_net(
    inputs: int,
    shape: tuple[int, ...],
    net: str = "mlp",
    *,
    hidden: tuple[int, ...] = (256, 256),
    width: int = 64,
    activation: str = "relu",
    norm: str = "none",
    last: str | None = None,
    between: int = 0,
    uniform: bool = False,
    told: tuple[tuple[int, bool], ...] = (),
) -> keras.Sequential:
    """[n, inputs] to float32 [n, *shape].

    Arguments:
        inputs: dimensions of the noise, and of the condition beside it.
        net: one of NETS; `hidden` are the units of "mlp", `width` the filters of the others.
        norm: a name of `tfgen.layers.norms`, but not "spectral" or "weight", which are a critic's.
        last: the activation of the output.
        between: units of a dense layer between the noise and the first maps.
        uniform, told: of the reference batch of virtual normalisation, as in `tfgen.layers.Reference`.
    """
    one_of(f"net={net!r}", net, NETS)
    if norm in KERNELS:
        raise ValueError(f"norm={norm!r}: {norm} normalisation is the critic's; take another for the generator")
    before, after = [], []
    if norms(norm) and norm.startswith("virtual"):
        count = int(numbered(norm)[1])
        before, after = [Reference(count, uniform, told)], [Strip(count, dtype="float32")]
    if net == "mlp":
        layers = [*dense(hidden, activation, norm=norm), keras.layers.Dense(math.prod(shape), dtype="float32")]
        after += [keras.layers.Reshape(shape, dtype="float32")]
    else:
        first = dense((between,), norm=norm) if between else []
        layers = [*first, *{"dcgan": painter, "resnet": residual_painter}[net](shape, width, norm=norm)]
    after += [keras.layers.Activation(last, dtype="float32")] if last else []
    return keras.Sequential([keras.Input((inputs,)), *before, *layers, *after], name="generator")


def critic_net(
    shape: tuple[int, ...],
    net: str = "mlp",
    *,
    outputs: int = 1,
    hidden: tuple[int, ...] = (256, 256),
    width: int = 64,
    activation: str = "leaky_relu",
    norm: str = "none",
    dropout: float = 0.0,
    minibatch: int = 0,
    noise: tuple[float, float] = (0.0, 0.0),
    between: int = 0,
) -> keras.Sequential:
    """[n, *shape] to float32 [n, outputs]; the layer "features" is what the last dense layer sees of an example.

    Arguments:
        norm: a name of `tfgen.layers.norms`, but no virtual one: its reference batch is noise, which a critic does not
            take.
        minibatch: kernels of minibatch discrimination behind the features.
        dropout, noise: on each hidden layer of "mlp"; standard deviations of Gaussian noise on its input and on its
            hidden layers.
        between: units of a dense layer between the last maps and the output.
    """
    one_of(f"net={net!r}", net, NETS)
    if norms(norm) and norm.startswith("virtual"):
        raise ValueError(
            f"norm={norm!r}: virtual batch normalisation is the generator's, whose noise makes the reference batch; "
            "take another for the critic"
        )
    if net == "mlp":
        layers = [
            keras.layers.Flatten(),
            *([GaussianNoise(noise[0])] if noise[0] else []),
            *dense(hidden, activation, norm=norm, dropout=dropout, noise=noise[1]),
        ]
    else:
        layers = {"dcgan": reader, "resnet": residual_reader}[net](shape, width, norm=norm)
    if between:
        layers += [keras.layers.Flatten(), *dense((between,), activation, norm=norm)]
    layers += [keras.layers.Flatten(name="features")]
    layers += [MinibatchDiscrimination(minibatch)] if minibatch else []
    output = wrapped(keras.layers.Dense(outputs, dtype="float32", name="output"), norm)
    return keras.Sequential([keras.Input(shape), *layers, output], name="critic")
