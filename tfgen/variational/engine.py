"""The engine of the family: everything is log_w = log p(x, z) - log q(z | x).

An objective is a function of log_w, a likelihood a head, a prior and a posterior are parts; a system says how it infers
z, and the rest is here. With warm-up, log w = log p(x | z) + β (log p(z) - log q(z | x)).
"""

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import door, losses, parts, rng
from tfgen.checks import at_least
from tfgen.model import GenerativeModel
from tfgen.nets import decoder_net, encoder_net
from tfgen.parts import Weighted
from tfgen.parts.weights import number

__all__ = ["Inferred", "Variational"]


class Inferred(NamedTuple):
    """What k samples of z say of each x.

    log_px: log p(x | z), [n, k].
    log_ratio: log p(z) - log q(z | x), [n, k].
    kl: KL(q ‖ p) [n] where it has a closed form.
    """

    log_px: tf.Tensor
    log_ratio: tf.Tensor
    kl: tf.Tensor | None = None


class Variational(Weighted, GenerativeModel):
    """A latent variable, a decoder, a likelihood, a prior, an objective. A system has `infer(x, condition, k, seed)`.

    Arguments:
        shape: of one example.
        condition: what encoder, decoder and flows are told besides.
        latent: dimensions of z.
        hidden: units of the hidden layers, from the data to z; the decoder has them the other way round.
        activation: of these ("tanh", "relu", "crelu", "maxout" …).
        net: "mlp", or "conv" for pictures, strided convolutions that begin with `width` filters.
        encoder, decoder: nets of one's own in place of these. An encoder takes x with what is told beside it
            (`tfgen.condition.beside`), a decoder z and what is told as one vector.
        likelihood: a name of `tfgen.parts.LIKELIHOODS`: "bernoulli" for x of 0 and 1, "gaussian" for real x (mean and
            deviation from the decoder; "gaussian_global" learns one deviation), "categorical:256" or
            "logistic_mixture:5" for bytes.
        prior: a name of `tfgen.parts.PRIORS`: "normal", or learnt, "mixture:10" or "flow:4".
        objective: "elbo", "iwae" or "jvi:1" of `tfgen.losses.OBJECTIVES`, or a function of one's own.
        samples: of z for each x in training.
        beta: weight of log q(z | x) - log p(z), which `tfgen.callbacks.Schedule("beta", …)` changes.
        warm_up: steps over which that weight rises from 0 at the begin of training.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        latent: int = 50,
        hidden: tuple[int, ...] = (200, 200),
        activation: str = "tanh",
        net: str = "mlp",
        width: int = 32,
        encoder: keras.Model | None = None,
        decoder: keras.Model | None = None,
        likelihood: str = "bernoulli",
        prior: str = "normal",
        objective: str = "elbo",
        samples: int = 1,
        beta: float = 1.0,
        warm_up: int = 0,
    ):
        at_least(1, latent=latent, hidden=hidden, samples=samples, width=width)
        at_least(0, beta=beta, warm_up=warm_up)
        self.likelihood, self.latent, self.samples = parts.likelihood(likelihood), latent, samples
        super().__init__(shape, condition, self.likelihood.values)
        self.objective, self.warm_up, self.as_maps = losses.objective(objective), warm_up, net != "mlp"
        self.spec = condition  # what its nets are told
        if str(objective).startswith("jvi"):
            self.objective(tf.zeros([1, samples]))  # says how many it needs
        vars(self).update(
            _style={"hidden": hidden, "activation": activation, "net": net, "width": width}, _own=(encoder, decoder)
        )
        self.dims = math.prod(self.shape)
        self.prior = parts.prior(prior, latent)
        self.beta = number(self, "beta", beta)
        if self.likelihood.shared:
            self.shared = self.add_weight(shape=(self.likelihood.shared,), initializer="zeros", name="shared")

    # -- its nets ------------------------------------------------------------------------------------------------------

    def encoder_of(self, outputs: int) -> keras.Model:
        """From what `seen` gives to so many numbers."""
        encoder, _ = self._own
        shape = conditions.beside_shape(self.spec, self.shape)
        if encoder is not None:
            _check_net("encoder", encoder, shape, outputs)
            return encoder
        return encoder_net(
            shape if self.as_maps else (math.prod(self.shape) + conditions.size(self.spec),), outputs, **self._style
        )

    def decoder_of(self, inputs: int) -> keras.Model:
        """From so many numbers, and what is told, to the parameters of p(x | z)."""
        _, decoder = self._own
        inputs, size = inputs + conditions.size(self.spec), self.likelihood.size - self.likelihood.shared
        if decoder is not None:
            _check_net("decoder", decoder, (inputs,), self.dims * size)
            return decoder
        style = {**self._style, "hidden": self._style["hidden"][::-1]}
        return decoder_net(inputs, self.shape, size, **style)

    def seen(self, x, condition=None):
        """x as the encoder takes it, with what is told beside it; whole numbers in -1..1."""
        x = self.flat(x)
        x = 2 * x / self.likelihood.top - 1 if self.values == "bytes" else x
        if self.as_maps or self._own[0] is not None:
            x = tf.reshape(x, [-1, *self.shape])
        return conditions.beside(self.spec, x, condition)

    def across(self, net, rows, z):
        """What a net says of [n, m] beside each of [n, k, d]: [n, k, …]."""
        k = tf.shape(z)[1]
        out = net(tf.concat([tf.repeat(rows, k, 0), tf.reshape(z, [-1, z.shape[-1]])], -1))
        return tf.reshape(out, [-1, k, out.shape[-1]])

    def beside(self, z, condition=None):
        """z [..., d] with what is told of each x beside it, flat: [all, d + told]."""
        flat = tf.reshape(z, [-1, z.shape[-1]])
        if self.spec is None:
            return flat
        told = conditions.vector(self.spec, condition)
        return tf.concat([flat, tf.repeat(told, tf.shape(z)[1], 0) if z.shape.rank == 3 else told], -1)

    def parameters(self, z, condition=None):
        """Of p(x | z), for z [n, d] or [n, k, d]: [..., dims, size]."""
        out = tf.cast(self.decoder(self.beside(z, condition)), tf.float32)
        before, shared = tf.unstack(tf.shape(z)[:-1]), self.likelihood.shared
        rows = tf.reshape(out, [*before, self.dims, self.likelihood.size - shared])
        if shared:
            rows = tf.concat([rows, tf.broadcast_to(self.shared.value, [*before, self.dims, shared])], -1)
        return rows

    # -- what is minimised ---------------------------------------------------------------------------------------------

    def infer(self, x, condition, k: int, seed) -> Inferred:
        """z drawn k times for each x, and what it says."""
        raise NotImplementedError

    def log_px(self, x, z, condition=None):
        """log p(x | z) for z [n, k, d], [n, k]."""
        return self.likelihood.log_prob(self.flat(x)[:, None], self.parameters(z, condition))

    def log_w(self, x, condition, k, seed):
        """log p(x, z) - log q(z | x) of k samples of q, [n, k]."""
        found = self.infer(x, condition, k, seed)
        return found.log_px + found.log_ratio

    def loss_terms(self, x, condition=None, training=True):
        found = self.infer(x, condition, self.samples, self.new_seed())
        return self.terms(found, self.objective)

    def terms(self, found: Inferred, objective) -> dict[str, tf.Tensor]:
        """Minus the objective; the KL divergence and the reconstruction apart."""
        kl = -tf.reduce_mean(found.log_ratio, -1) if found.kl is None else found.kl
        reconstruction, beta = -tf.reduce_mean(found.log_px, -1), self.weight_of_kl()
        if objective is losses.elbo:
            loss = reconstruction + beta * kl
        else:
            loss = -objective(found.log_px + beta * found.log_ratio)
        return {"loss": loss, "kl": kl, "reconstruction": reconstruction}

    def weight_of_kl(self):
        """β, and less of it during the warm-up."""
        if not self.warm_up:
            return self.beta.value
        return self.beta.value * tf.minimum(1.0, tf.cast(rng.step(), tf.float32) / self.warm_up)

    # -- samples -------------------------------------------------------------------------------------------------------

    @property
    def laws(self):
        return {**self.prior.laws, "x": self.likelihood.drawn_from(self.dims)}

    def generate(self, noise, condition=None):
        drawn = self.likelihood.pick(noise["x"], self.parameters(self.code(noise, condition), condition))
        return tf.reshape(drawn, [-1, *self.shape])

    def code(self, noise, condition=None):
        """The z of these noises, [n, latent]."""
        return self.prior.pick(noise)

    def decode(self, z, condition=None):
        """The mean of p(x | z)."""
        return tf.reshape(self.likelihood.mean(self.parameters(z, condition)), [-1, *self.shape])

    def reconstruct(self, x, condition=None):
        return self.decode(self.encode(x, condition), condition)

    # -- files ---------------------------------------------------------------------------------------------------------

    def load_own_variables(self, store):
        """Files that were written before there was β have none: it stays what the arguments say."""
        own = [*self._trainable_variables, *self._non_trainable_variables]
        if len(store.keys()) == len(own) - 1 and own[-1] is self.beta:
            store = {**store, str(len(own) - 1): self.beta}
        super().load_own_variables(store)


def _check_net(name: str, net: keras.Model, inputs: tuple[int, ...], outputs: int) -> None:
    door.check_net(net, name, str(tuple(inputs)))
    got, given = tuple(net.input_shape[1:]), math.prod(net.output_shape[1:])
    if got != tuple(inputs) or given != outputs:
        raise ValueError(
            f"{name}: it takes {got} and gives {given} numbers, and this model needs one that takes "
            f"{tuple(inputs)} and gives {outputs}"
        )
