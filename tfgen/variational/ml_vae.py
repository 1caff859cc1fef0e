"""Multi-level variational auto-encoder: a style for each example, a content for each group of examples.

    p(X_G) = ∫ p(c) Π_{i ∈ G} ∫ p(s_i) p(x_i | s_i, c) ds_i dc
    q(c | X_G) ∝ Π_{i ∈ G} N(c; μ_i, σ_i²):  its precision is Σ 1/σ_i², its mean the mean of μ_i so weighted
    loss of a group = Σ_i [-log p(x_i | s_i, c) + KL(q(s_i | x_i) ‖ p)] + KL(q(c | X_G) ‖ p)

A group is what carries one label in a batch; a group of one is an ordinary VAE's.

Bouchacourt, Tomioka, Nowozin, "Multi-level variational autoencoder: learning disentangled representations from grouped
observations", 2018, https://arxiv.org/abs/1705.08841
"""

import tensorflow as tf

from tfgen import heads, laws, rng
from tfgen.checks import at_least
from tfgen.variational.engine import Inferred, Variational

__all__ = ["MLVAE"]


class MLVAE(Variational):
    """A multi-level variational auto-encoder.

    Arguments:
        shape: of one example.
        condition: how many groups there are: its labels say which examples belong together.
        content: dimensions of c.
        style: dimensions of s.
        others: of `Variational`, but latent (content and style), objective (the ELBO) and prior (normal).
    """

    def __init__(self, shape, *, condition: int, content: int = 10, style: int = 10, **others):
        if not isinstance(condition, int) or condition < 1:
            raise ValueError(f"condition={condition!r}: expected the number of groups")
        at_least(1, content=content, style=style)
        if given := {"latent", "objective", "prior"} & set(others):
            raise ValueError(f"{min(given)}: MLVAE has content and style, a normal prior and the ELBO; leave it out")
        super().__init__(shape, condition=condition, latent=content + style, **others)
        self.content, self.style, self.spec = content, style, None
        self.q = self.encoder_of(2 * (content + style))
        self.decoder = self.decoder_of(content + style)

    def evidence(self, x):
        """q(s | x) and what x alone says of c: distributions over [n, style] and [n, content]."""
        style, content = tf.split(self.q(self.seen(x)), [2 * self.style, 2 * self.content], -1)
        return heads.normal(style), heads.normal(content)

    def content_of(self, alone, together):
        """Mean and deviation of q(c | its group) for each example, [n, content]; together [n, n] is 1 within groups."""
        precision = 1 / alone.variance()
        total = together @ precision
        return together @ (precision * alone.mean()) / total, tf.math.rsqrt(total)

    def infer(self, x, condition, k, seed):
        """Each example with its share of the group's divergence."""
        groups = tf.cast(condition, tf.int32)
        together = tf.cast(groups[:, None] == groups, tf.float32)
        return self._infer(x, groups, self.condition, together, k, seed)

    def log_w(self, x, condition, k, seed):
        """Of each example by itself, a group of one: [n, k]."""
        n = tf.shape(x)[0]
        found = self._infer(x, tf.range(n), n, tf.eye(n), k, seed)
        return found.log_px + found.log_ratio

    def _infer(self, x, groups, count, together, k, seed) -> Inferred:
        s_seed, c_seed = rng.split(seed, 2)
        q_s, alone = self.evidence(x)
        mean, sd = self.content_of(alone, together)
        share = 1 / tf.reduce_sum(together, -1)
        s, of_s = _placed(q_s.mean(), q_s.stddev(), rng.normal([tf.shape(x)[0], k, self.style], s_seed))
        of_groups = rng.normal([count, k, self.content], c_seed)  # one content for each group
        c, of_c = _placed(mean, sd, tf.gather(of_groups, groups))
        kl = _kl(q_s.mean(), q_s.stddev()) + share * _kl(mean, sd)
        return Inferred(self.log_px(x, tf.concat([s, c], -1)), of_s + share[:, None] * of_c, kl)

    @property
    def laws(self):
        return {
            "style": laws.normal(self.style),
            "content": laws.normal(self.content),
            "x": self.likelihood.drawn_from(self.dims),
        }

    def code(self, noise, condition=None):
        """Style beside content: group g has the g-th content that was drawn, from the first again where there are more
        groups than samples."""
        content = tf.gather(noise["content"], tf.cast(condition, tf.int32) % tf.shape(noise["content"])[0])
        return tf.concat([noise["style"], content], -1)

    def encode(self, x, condition=None):
        """The means of style and content of each example by itself, side by side: [n, style + content]."""
        return tf.concat(list(self.code_parts(x).values()), -1)

    def code_parts(self, x) -> dict[str, tf.Tensor]:
        """`encode`, by the names of what stands side by side."""
        return {name: part.mean() for name, part in zip(("style", "content"), self.evidence(x), strict=True)}

    def encode_groups(self, x, groups):
        """As `encode`, with the content of all examples of one number together."""
        style, alone = self.evidence(x)
        content, _ = self.content_of(alone, tf.cast(groups[:, None] == groups, tf.float32))
        return tf.concat([style.mean(), content], -1)

    def swap(self, x, y):
        """The style of each x with the content of each y: [n, *shape] and [m, *shape] to means [n, m, *shape]."""
        style, content = self.evidence(x)[0].mean(), self.evidence(y)[1].mean()
        n, m = tf.shape(x)[0], tf.shape(y)[0]
        z = tf.concat([tf.repeat(style, m, 0), tf.tile(content, [n, 1])], -1)
        return tf.reshape(self.decode(z), [n, m, *self.shape])


def _placed(mean, sd, noise):
    """z = μ + σ ε [n, k, d], and log N(z; 0, 1) - log q(z) [n, k]."""
    z = mean[:, None] + sd[:, None] * noise
    return z, tf.reduce_sum((noise**2 - z**2) / 2 + tf.math.log(sd)[:, None], -1)


def _kl(mean, sd):
    return tf.reduce_sum((mean**2 + sd**2 - 1) / 2 - tf.math.log(sd), -1)
