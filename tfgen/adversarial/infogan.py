"""InfoGAN: parts of the noise are codes, which can be read off what is generated.

    min_{G,Q} max_D  V(D, G) - λ L_I(G, Q),   L_I = E[log Q(c | G(z, c))] + H(c) <= I(c; G(z, c))             (Eq. 5, 6)

Chen et al., "InfoGAN: interpretable representation learning by information maximizing generative adversarial nets",
2016, https://arxiv.org/abs/1606.03657
"""

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import rng
from tfgen.adversarial.composed import LAST, adam, resolved
from tfgen.adversarial.engine import Adversarial
from tfgen.nets import critic_net, generator_net
from tfgen.words import at_least

__all__ = ["InfoGAN"]


class InfoGAN(Adversarial):
    """Q shares the critic's layers up to its features. Noise is {"z", "category", "code"}: a uniform number for each
    categorical code says which category it is; continuous codes are uniform in -1..1.

    Arguments:
        shape: of one example.
        condition: what both nets are told.
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of z, which has no meaning.
        categories: of each categorical code.
        codes: how many continuous ones.
        net, hidden, width: of both nets; `between` units of a dense layer beside the convolutions, as in the paper's
            nets.
        information, information_codes: λ of categorical and of continuous codes.
        learning_rate, critic_learning_rate: of the generator, and of the critic with Q.
    """

    def __init__(
        self,
        shape,
        *,
        condition=None,
        values: str = "auto",
        latent: int = 62,
        categories: tuple[int, ...] = (10,),
        codes: int = 2,
        net: str = "auto",
        hidden: tuple[int, ...] = (256, 256),
        width: int = 64,
        between: int = 1024,
        information: float = 1.0,
        information_codes: float = 0.1,
        learning_rate: float = 1e-3,
        critic_learning_rate: float = 2e-4,
    ):
        at_least(2, categories=categories or (2,))
        at_least(0, codes=codes, information=information, information_codes=information_codes)
        at_least(1, latent=latent, hidden=hidden, width=width, some_codes=len(categories) + codes)
        shape, values, net = resolved(shape, values, net, "InfoGAN")
        told = conditions.size(condition)
        norm, between = ("none", 0) if net == "mlp" else ("batch", between)
        generator = generator_net(
            latent + sum(categories) + codes + told,
            shape,
            net,
            hidden=hidden,
            width=width,
            norm=norm,
            last=LAST[values],
            between=between,
        )
        critic = critic_net(
            self.seen_shape(shape, condition, maps=net != "mlp"),
            net,
            hidden=hidden[::-1],
            width=width,
            norm=norm,
            between=between,
        )
        super().__init__(
            shape,
            generator,
            critic,
            condition=condition,
            values=values,
            optimizers={"critic": adam(critic_learning_rate), "generator": adam(learning_rate)},
        )
        self.categories, self.codes, self.information, self.information_codes = (
            tuple(categories),
            codes,
            information,
            information_codes,
        )
        features = critic.get_layer("features").output.shape[-1]
        self.Q = keras.Sequential(
            [
                keras.Input((features,)),
                keras.layers.Dense(128, use_bias=False),
                keras.layers.BatchNormalization(momentum=0.9, synchronized=True),
                keras.layers.LeakyReLU(0.1),
                keras.layers.Dense(sum(categories) + 2 * codes, dtype="float32"),
            ],
            name="Q",
        )

    def players(self):
        players = super().players()
        shared = {id(v): v for part in (self.critic, self.Q) for v in part.trainable_variables}
        critic = players["critic"]
        return players | {"critic": type(critic)(critic.loss, list(shared.values()), critic.turns, critic.optimizer)}

    def critic_terms(self, x, condition=None, training=True):
        noise = self.noise(tf.shape(x)[0], self.new_seed())
        real, _ = self._read(x, condition, training)
        fake, missed = self._read(
            self.generator(self._inputs(noise, condition), training=training), condition, training, noise
        )
        return {"loss": self.game.critic(real, fake) + missed["loss"], "real": real, "fake": fake}

    def generator_terms(self, x, condition=None, training=True):
        noise = self.noise(tf.shape(x)[0], self.new_seed())
        fake, missed = self._read(
            self.generator(self._inputs(noise, condition), training=training), condition, training, noise
        )
        return {**missed, "loss": self.game.generator(fake) + missed["loss"]}

    def _read(self, x, condition, training, noise=None):
        """The critic's output [n], and -log Q(c | x) by kind of code where the noise is told."""
        features, output = self._judge(condition, training, features=True)(x)
        if noise is None:
            return output[:, 0], {}
        logits, mean, log_sd = self._posterior(features, training)
        terms = {"loss": tf.zeros_like(output[:, 0])}
        for i, (part, picked) in enumerate(zip(logits, self._picked(noise), strict=True)):
            terms[f"category_{i}"] = tf.nn.softmax_cross_entropy_with_logits(picked, part)
            terms["loss"] += self.information * terms[f"category_{i}"]
        if self.codes:
            terms["codes"] = tf.reduce_sum(((noise["code"] - mean) * tf.exp(-log_sd)) ** 2 / 2 + log_sd + 0.9189385, -1)
            terms["loss"] += self.information_codes * terms["codes"]
        return output[:, 0], terms

    def _posterior(self, features, training):
        """Q(c | x): logits of each categorical code, means and log standard deviations of the continuous ones."""
        *logits, mean, raw = tf.split(
            self.Q(features, training=training), [*self.categories, self.codes, self.codes], -1
        )
        return logits, mean, tf.clip_by_value(raw, -3.0, 3.0)

    def _picked(self, noise) -> list[tf.Tensor]:
        """One-hot categories of the uniforms."""
        return [
            tf.one_hot(tf.minimum(tf.cast(noise["category"][:, i] * k, tf.int32), k - 1), k)
            for i, k in enumerate(self.categories)
        ]

    def encode(self, x, condition=None):
        """[n, Σ categories + codes]: probabilities of the categories, means of the continuous codes."""
        features, _ = self._judge(condition, False, features=True)(x)
        logits, mean, _ = self._posterior(features, False)
        return tf.concat([*map(tf.nn.softmax, logits), mean], -1)

    def cluster(self, x, condition=None):
        """The most probable category [n] of the first code."""
        if not self.categories:
            raise ValueError(
                "this InfoGAN has no categorical code to cluster by: build it with categories=(10,), or look at "
                "encode(x)"
            )
        return tf.argmax(self.encode(x, condition)[:, : self.categories[0]], -1)

    def noise(self, n, seed):
        parts = rng.split(seed, 3)
        return {
            "z": rng.normal([n, self.latent], parts[0]),
            "category": rng.uniform([n, len(self.categories)], parts[1]),
            "code": 2 * rng.uniform([n, self.codes], parts[2]) - 1,
        }

    @property
    def latent(self) -> int:
        return self._arguments["latent"]

    def _inputs(self, noise, condition):
        return super()._inputs(tf.concat([noise["z"], *self._picked(noise), noise["code"]], -1), condition)
