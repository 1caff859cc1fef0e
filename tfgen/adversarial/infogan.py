"""InfoGAN: parts of the noise are codes, which can be read off what is generated.

    min_{G,Q} max_D  V(D, G) - λ L_I(G, Q),   L_I = E[log Q(c | G(z, c))] + H(c) <= I(c; G(z, c))            (Eq. 5, 6)

Chen et al., "InfoGAN: interpretable representation learning by information maximizing generative adversarial nets",
2016, https://arxiv.org/abs/1606.03657
"""

import keras
import tensorflow as tf

from tfgen import condition as conditions
from tfgen import laws, losses
from tfgen.adversarial.composed import LAST, adam, resolved
from tfgen.adversarial.engine import Adversarial
from tfgen.checks import at_least
from tfgen.layers.norms import norms
from tfgen.model import Player
from tfgen.nets import critic_net, generator_net
from tfgen.parts import Critic

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
        game, penalties, average: as in `Adversarial`.
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
        game: str | losses.Game = "non_saturating",
        penalties: tuple[str | losses.Penalty, ...] = (),
        average: float = 0.0,
        learning_rate: float = 1e-3,
        critic_learning_rate: float = 2e-4,
    ):
        at_least(2, categories=categories or (2,))
        at_least(0, codes=codes, information=information, information_codes=information_codes)
        at_least(1, latent=latent, hidden=hidden, width=width, some_codes=len(categories) + codes)
        shape, values, net = resolved(shape, values, net, "InfoGAN")
        norm, between = ("none", 0) if net == "mlp" else ("batch", between)
        self.latent, self.categories, self.codes = latent, tuple(categories), codes
        self.information, self.information_codes = information, information_codes
        inputs = latent + sum(categories) + codes + conditions.size(condition)
        sizes = {"hidden": hidden, "width": width, "norm": norm, "between": between}
        generator = generator_net(inputs, shape, net, last=LAST[values], **sizes)
        seen = Critic.seen_shape(shape, condition, maps=net != "mlp")
        critic = critic_net(seen, net, **sizes | {"hidden": hidden[::-1]})
        super().__init__(
            shape,
            generator,
            critic,
            condition=condition,
            values=values,
            game=game,
            penalties=penalties,
            average=average,
        )
        vars(self)["optimizers_made"] = {"critic": adam(critic_learning_rate), "generator": adam(learning_rate)}
        self.Q = keras.Sequential(
            [
                keras.Input((critic.get_layer("features").output.shape[-1],)),
                keras.layers.Dense(128, use_bias=False),
                *norms("batch"),
                keras.layers.LeakyReLU(0.1),
                keras.layers.Dense(sum(categories) + 2 * codes, dtype="float32"),
            ],
            name="Q",
        )

    def players(self):
        critic, generator = self.critic.trainable_variables, self.generator.trainable_variables
        make = self.optimizers_made
        return {
            "critic": Player(self.critic_terms, critic + self.Q.trainable_variables, optimizer=make["critic"]),
            "generator": Player(self.generator_terms, generator, optimizer=make["generator"]),
        }

    def critic_terms(self, x, condition=None, training=True):
        noise = self.draw(x)
        fake = self.generator(self.inputs(noise, condition), training=training)
        play = self.critic.play(x, fake, condition, training)
        terms, missed = self.critic.terms(play), self.missed(play.fake_features, noise, training)
        return {**terms, "loss": terms["loss"] + missed["loss"]}

    def generator_terms(self, x, condition=None, training=True):
        noise = self.draw(x)
        fake = self.generator(self.inputs(noise, condition), training=training)
        v, seen = self.critic.read(
            self.critic.pack(fake, training), self.critic.told(fake, condition, training), training
        )
        missed = self.missed(seen, noise, training)
        if training and self.average:
            self.average.settle(self.inputs(self.draw(x), condition))
        return {**missed, "loss": losses.each(self.critic.game.generator(v)) + missed["loss"]}

    def missed(self, features, noise, training):
        """-log Q(c | x) [n] by kind of code, and weighted by λ together as the loss."""
        logits, mean, log_sd = self.posterior(features, training)
        terms = {"loss": tf.zeros(tf.shape(features)[0])}
        for i, (part, picked) in enumerate(zip(logits, self.picked(noise), strict=True)):
            terms[f"category_{i}"] = tf.nn.softmax_cross_entropy_with_logits(picked, part)
            terms["loss"] += self.information * terms[f"category_{i}"]
        if self.codes:
            apart = (noise["code"] - mean) * tf.exp(-log_sd)
            terms["codes"] = tf.reduce_sum(apart**2 / 2 + log_sd + 0.9189385, -1)
            terms["loss"] += self.information_codes * terms["codes"]
        return terms

    def posterior(self, features, training):
        """Q(c | x): logits of each categorical code, means and log standard deviations of the continuous ones."""
        sizes = [*self.categories, self.codes, self.codes]
        *logits, mean, raw = tf.split(self.Q(features, training=training), sizes, -1)
        return logits, mean, tf.clip_by_value(raw, -3.0, 3.0)

    def picked(self, noise) -> list[tf.Tensor]:
        """One-hot categories of the uniforms."""
        return [
            tf.one_hot(tf.minimum(tf.cast(noise["category"][:, i] * k, tf.int32), k - 1), k)
            for i, k in enumerate(self.categories)
        ]

    def encode(self, x, condition=None):
        """[n, Σ categories + codes]: probabilities of the categories, means of the continuous codes."""
        logits, mean, _ = self.posterior(self.critic.features(x, condition), False)
        return tf.concat([*map(tf.nn.softmax, logits), mean], -1)

    def cluster(self, x, condition=None):
        """The most probable category [n] of the first code."""
        if not self.categories:
            raise ValueError(
                "this InfoGAN has no categorical code to cluster by: build it with categories=(10,), or look at "
                "encode(x)"
            )
        return tf.argmax(self.encode(x, condition)[:, : self.categories[0]], -1)

    @property
    def laws(self):
        return {
            "z": laws.normal(self.latent),
            "category": laws.uniform(len(self.categories)),
            "code": laws.uniform(self.codes, low=-1.0),
        }

    def inputs(self, noise, condition):
        return super().inputs(tf.concat([noise["z"], *self.picked(noise), noise["code"]], -1), condition)
