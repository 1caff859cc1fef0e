"""A GAN for p(x, y) from few labels: the critic tells K classes apart, and "generated" from all of them.

    l(x) logits of the K classes, Z(x) = Σ_k exp l_k(x),   p(y = k | x, real) = softmax_k l(x),   D(x) = Z / (Z + 1)
    critic      -log p(y | x)  on labelled,   -log D(x)  on unlabelled,   -log(1 - D(G(z)))  on generated examples
    generator   |E f(x) - E f(G(z))|², f the critic's last hidden layer, x the unlabelled examples    (feature matching)

Samples given a label are drawn by p(x | y) ∝ p_G(x) p(y | x): several from the generator, one of them by its share of
p(y | x).

Salimans et al., "Improved techniques for training GANs", 2016, section 5, https://arxiv.org/abs/1606.03498
"""

import tensorflow as tf

from tfgen import laws, rng
from tfgen.adversarial.composed import LAST, adam, resolved
from tfgen.checks import at_least
from tfgen.model import GenerativeModel, Player
from tfgen.nets import critic_net, generator_net
from tfgen.parts import features

__all__ = ["JointGAN"]


class JointGAN(GenerativeModel):
    """Labels are 0 to K - 1, and K where an example has none: `tfgen.data.with_few_labels` makes such data.

    Arguments:
        shape: of one example.
        condition: K + 1, the classes and "not labelled".
        values: "unit", "signed", "real" or "auto".
        latent: dimensions of the noise.
        net, hidden, width: of both nets; an mlp critic has `critic_hidden`. The critic's weights are normalised, the
            generator's batches.
        noise_in, noise_hidden: standard deviations of the noise on the critic's input and hidden layers in training.
        candidates: samples among which one with the asked label is drawn.
    """

    unlabelled = True  # the last of its classes is "not labelled"

    def __init__(
        self,
        shape,
        *,
        condition: int,
        values: str = "unit",
        latent: int = 100,
        net: str = "mlp",
        hidden: tuple[int, ...] = (500, 500),
        critic_hidden: tuple[int, ...] = (1000, 500, 250, 250, 250),
        width: int = 64,
        noise_in: float = 0.3,
        noise_hidden: float = 0.5,
        candidates: int = 16,
        learning_rate: float = 3e-3,
    ):
        if not isinstance(condition, int) or condition < 3:
            raise ValueError(
                f"condition={condition!r}: expected the number of classes (two or more) and one for examples without "
                "a label"
            )
        at_least(1, latent=latent, hidden=hidden, critic_hidden=critic_hidden, width=width, candidates=candidates)
        shape, values, net = resolved(shape, values, net, "JointGAN")
        super().__init__(shape, condition, values)
        self.latent, self.classes, self.candidates = latent, condition - 1, candidates
        self.generator = generator_net(
            latent, shape, net, hidden=hidden, width=width, norm="batch", activation="softplus", last=LAST[values]
        )
        self.critic = critic_net(
            shape,
            net,
            outputs=self.classes,
            hidden=critic_hidden,
            width=width,
            activation="relu",
            noise=(noise_in, noise_hidden),
            norm="weight",
        )
        vars(self).update(read=features(self.critic), optimizer_made=adam(learning_rate))

    def players(self):
        return {
            "critic": Player(self.critic_terms, self.critic.trainable_variables, 1, self.optimizer_made),
            "generator": Player(self.generator_terms, self.generator.trainable_variables, 1, self.optimizer_made),
        }

    def critic_terms(self, x, condition=None, training=True):
        labels = tf.cast(condition, tf.int32)
        known = labels < self.classes
        fake = self.fake(x, training)
        logits, fake_logits = (self.read(rows, training=training)[1] for rows in (x, fake))
        real_lse, fake_lse = (tf.reduce_logsumexp(part, -1) for part in (logits, fake_logits))
        told = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.minimum(labels, self.classes - 1), logits)
        terms = {"labelled": _mean_where(known, told), "unlabelled": _mean_where(~known, tf.nn.softplus(-real_lse))}
        terms["generated"] = tf.reduce_mean(tf.nn.softplus(fake_lse))
        wrong = tf.cast(tf.argmax(logits, -1, tf.int32) != labels, tf.float32)
        return {"loss": tf.add_n([*terms.values()]), **terms, "error": _mean_where(known, wrong)}

    def generator_terms(self, x, condition=None, training=True):
        fake = self.fake(x, training)
        known = tf.cast(condition, tf.int32) < self.classes
        real, fake = (tf.cast(self.read(rows, training=training)[0], tf.float32) for rows in (x, fake))
        counts = tf.cast(
            ~known | tf.reduce_all(known), tf.float32
        )  # all, where none is unlabelled: labelled ones come again and again
        mean = tf.reduce_sum(counts[:, None] * real, 0) / tf.reduce_sum(counts)
        return {"loss": tf.reduce_mean((mean - tf.reduce_mean(fake, 0)) ** 2)}

    def classify(self, x, condition=None):
        """Logits [n, K] of p(y | x)."""
        return self.read(x, training=False)[1]

    def fake(self, x, training):
        z = laws.uniform(self.latent, low=-1.0)
        return self.generator(z.draw(tf.shape(x)[0], self.new_seed()), training=training)

    @property
    def laws(self):
        """The noise of the candidates, and a uniform number that takes one."""
        return {"z": laws.uniform(self.candidates, self.latent, low=-1.0), "u": laws.uniform()}

    def generate(self, noise, condition=None):
        k = self.candidates
        x = self.generator(tf.reshape(noise["z"], [-1, self.latent]), training=False)
        log_p = tf.nn.log_softmax(self.classify(x))
        log_p = tf.concat([log_p, tf.zeros_like(log_p[:, :1])], -1)  # no label: all alike
        asked = tf.one_hot(tf.repeat(tf.cast(condition, tf.int32), k), self.condition)
        logits = tf.reshape(tf.reduce_sum(asked * log_p, -1), [-1, k])
        taken = tf.one_hot(rng.categorical(noise["u"], logits=logits), k)
        flat = tf.reduce_sum(taken[:, :, None] * tf.reshape(x, [-1, k, self.flat(x).shape[-1]]), 1)
        return tf.reshape(flat, [-1, *self.shape])


def _mean_where(which, values):
    """The mean over some of a batch; 0 over none."""
    which = tf.cast(which, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(which * values), tf.reduce_sum(which))
