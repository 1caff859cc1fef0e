"""Papers that are a choice of pieces: one set of arguments for all, of which a paper redefines defaults."""

import functools

import keras

from tfgen import condition as conditions
from tfgen import losses
from tfgen.adversarial.engine import Adversarial
from tfgen.checks import at_least, nearest, one_of, positive, share
from tfgen.layers.norms import KERNELS
from tfgen.nets import NETS, critic_net, generator_net
from tfgen.parts import Critic

__all__ = ["LAST", "Composed", "adam", "resolved", "rmsprop"]

LAST = {"unit": "sigmoid", "signed": "tanh", "real": None}


class Composed(Adversarial):
    """A generator, a critic, a game, penalties and tricks, all by name. A paper is a class whose constructor names the
    arguments that it chooses, and hands on all others.

    Arguments:
        shape: of one example.
        condition: what both nets are told.
        values: "unit", "signed" or "real": what x holds, and so the generator's last activation; "auto" is "signed" for
            pictures, "real" for others.
        latent, prior: dimensions of the noise, and its distribution: "normal" or "uniform".
        net: "mlp", "dcgan" or "resnet"; "auto" is dcgan for pictures, mlp for others.
        hidden: units of the layers of an mlp generator; the critic has `critic_hidden`, by default the same the other
            way round.
        width: filters of a convolutional net.
        activation, dropout: of an mlp critic's hidden layers ("relu", "leaky_relu", "maxout" …).
        generator_norm, critic_norm: "none", "batch", "layer"; the critic's "spectral" and "weight", the generator's
            "virtual:64"; "auto" is batch in pictures' nets, none in mlp.
        minibatch: kernels of minibatch discrimination in the critic.
        learning_rate, critic_learning_rate: of the generator, and of the critic where it has another.
        optimizer, beta, beta_2: "adam" with beta_1 and beta_2, or "rmsprop".
        game, penalties, turns, packing, smoothing, feature_matching, history, average, clip, instance_noise: as in
            `Adversarial`.
    """

    games: tuple[str, ...] = ()  # that the paper plays; all, where it names none

    def __init__(
        self,
        shape,
        *,
        condition=None,
        values: str = "auto",
        latent: int = 100,
        prior: str = "normal",
        net: str = "auto",
        hidden: tuple[int, ...] = (256, 256),
        critic_hidden: tuple[int, ...] | None = None,
        width: int = 64,
        activation: str = "leaky_relu",
        dropout: float = 0.0,
        generator_norm: str = "auto",
        critic_norm: str = "auto",
        minibatch: int = 0,
        game: str | losses.Game = "non_saturating",
        penalties: tuple[str | losses.Penalty, ...] = (),
        turns: int = 1,
        packing: int = 1,
        smoothing: float = 0.0,
        feature_matching: bool = False,
        history: float = 0.0,
        average: float = 0.0,
        clip: float = 0.0,
        instance_noise: float = 0.0,
        learning_rate: float = 2e-4,
        critic_learning_rate: float | None = None,
        optimizer: str = "adam",
        beta: float = 0.5,
        beta_2: float = 0.999,
    ):
        at_least(1, latent=latent, hidden=hidden, width=width, packing=packing)
        at_least(0, minibatch=minibatch)
        critic_hidden = hidden[::-1] if critic_hidden is None else critic_hidden
        at_least(1, critic_hidden=critic_hidden)
        if self.games and str(game).partition(":")[0].removeprefix("practical_") not in self.games:
            raise ValueError(
                f"{type(self).__name__} plays no game {game!r}: take one of {nearest(game, self.games)}, or train "
                "another system"
            )
        shape, values, net = resolved(shape, values, net, type(self).__name__)
        auto, told = "none" if net == "mlp" else "batch", conditions.size(condition)
        norms = [auto if norm == "auto" else norm for norm in (generator_norm, critic_norm)]
        generator = generator_net(
            latent + told,
            shape,
            net,
            hidden=hidden,
            width=width,
            norm=norms[0],
            last=LAST[values],
            uniform=prior == "uniform",
            told=conditions.parts(condition),
        )
        critic = critic_net(
            Critic.seen_shape(shape, condition, packing, maps=net != "mlp"),
            net,
            hidden=critic_hidden,
            width=width,
            activation=activation,
            norm=norms[1],
            dropout=dropout,
            minibatch=minibatch,
        )
        one_of(f"optimizer={optimizer!r}", optimizer, ("adam", "rmsprop"))
        super().__init__(
            shape,
            generator,
            critic,
            condition=condition,
            values=values,
            game=game,
            penalties=penalties,
            turns=turns,
            packing=packing,
            smoothing=smoothing,
            feature_matching=feature_matching,
            history=history,
            average=average,
            clip=clip,
            instance_noise=instance_noise,
            prior=prior,
            together=not minibatch and norms[1] in ("none", "layer", *KERNELS),
        )
        make = functools.partial(adam, beta=beta, beta_2=beta_2) if optimizer == "adam" else rmsprop
        rates = {
            "critic": learning_rate if critic_learning_rate is None else critic_learning_rate,
            "generator": learning_rate,
        }
        vars(self)["optimizers_made"] = {player: make(rate) for player, rate in rates.items()}

    def optimizer_of(self, player):
        return self.optimizers_made[player]


def adam(rate: float, beta: float = 0.5, beta_2: float = 0.999):
    """What makes Adam as adversarial papers use it."""
    positive(learning_rate=rate)
    share(beta=beta, beta_2=beta_2)
    return functools.partial(keras.optimizers.Adam, rate, beta_1=beta, beta_2=beta_2)


def rmsprop(rate: float):
    """What makes RMSprop."""
    positive(learning_rate=rate)
    return functools.partial(keras.optimizers.RMSprop, rate)


def resolved(shape, values: str, net: str, who: str) -> tuple[tuple[int, ...], str, str]:
    """The shape as a tuple, and what "auto" means for it: signed values and dcgan for pictures, real values and mlp for
    others."""
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if values == "auto":
        values = "signed" if len(shape) == 3 else "real"
    one_of(f"net={net!r}", net, ("auto", *NETS))
    if values not in LAST:
        raise ValueError(f"{who} generates no {values!r} values: take one of {nearest(values, LAST)}")
    return shape, values, ("dcgan" if len(shape) == 3 else "mlp") if net == "auto" else net
