"""Deep energy model: a net gives each example one number, low where data are.

    p(x) = exp(-E(x)) / Z
    x⁻ by Langevin dynamics, x' = x - ε/2 ∇E(x) + noise, from a buffer of past samples, a few of which are fresh noise
    loss = E(x⁺) - E(x⁻) + α (E(x⁺)² + E(x⁻)²),  the first two terms contrastive divergence, the last keeps E in range

Du and Mordatch, "Implicit generation and modeling with energy-based models", 2019; with chains that persist as in
Tieleman 2008.
"""

import keras
import tensorflow as tf

from tfgen import distribute, laws, rng
from tfgen.checks import at_least, one_of, positive, share
from tfgen.model import GenerativeModel, Player
from tfgen.nets import critic_net
from tfgen.parts import persistent
from tfgen.sampling import langevin
from tfgen.values import VALUES

__all__ = ["DeepEnergy"]


class DeepEnergy(GenerativeModel):
    """An energy-based model of a deep net, learnt by contrastive divergence with Langevin chains.

    Arguments:
        shape: of one example.
        values: "signed" or "unit" of pictures, "real" of anything else.
        net: "dcgan" or "resnet" for pictures, "mlp".
        hidden, width, activation, norm: of the net, as a critic's.
        chains: examples in the buffer, over all replicas.
        steps, step, noise: of the dynamics in each update; noise=None is √step, the temperature of 1.
        clip: of the slopes in the dynamics; None leaves them.
        fresh: the share of chains that begin anew in each update.
        alpha: keeps energies small.
        blur: deviation of the noise on the data.
        learning_rate: of Adam with beta 0.
        sweeps: steps behind each sample.
    """

    def __init__(
        self,
        shape,
        *,
        values: str = "signed",
        net: str = "dcgan",
        hidden: tuple[int, ...] = (128, 128),
        width: int = 32,
        activation: str = "silu",
        norm: str = "none",
        chains: int = 1000,
        steps: int = 20,
        step: float = 1.0,
        noise: float | None = 0.02,
        clip: float | None = None,
        fresh: float = 0.05,
        alpha: float = 0.1,
        blur: float = 0.005,
        learning_rate: float = 5e-4,
        sweeps: int = 200,
    ):
        one_of(f"values={values!r}", values, ("signed", "unit", "real"))
        at_least(1, chains=chains, steps=steps, sweeps=sweeps)
        positive(step=step, **({} if clip is None else {"clip": clip}))
        share(fresh=fresh)
        at_least(0, alpha=alpha, blur=blur)
        super().__init__(shape, values=values)
        self.net = critic_net(self.shape, net, hidden=hidden, width=width, activation=activation, norm=norm)
        self.steps, self.sweeps, self.fresh, self.alpha, self.blur = steps, sweeps, fresh, alpha, blur
        self.learning_rate = learning_rate
        low, high = VALUES[values]
        self.dynamics = {"step": step, "deviation": noise, "clip": clip, "low": low, "high": high}
        start = lambda shape, dtype: self._noise(keras.random.normal(shape, dtype=dtype))
        self.buffer = persistent(self, chains, self.shape, start=start, name="buffer")

    def free_energy(self, x: tf.Tensor) -> tf.Tensor:
        """E(x) [n]: log p(x) = -E(x) - log Z."""
        return tf.cast(self.net(tf.cast(x, tf.float32), training=False)[:, 0], tf.float32)

    def _noise(self, z):
        """Where chains begin: uniform in the values' range, or normal."""
        if self.values == "real":
            return z
        low, high = VALUES[self.values]
        return low + (high - low) * 0.5 * (1 + tf.math.erf(z / 2**0.5))

    # -- learning ------------------------------------------------------------------------------------------------------

    def players(self):
        adam = lambda: keras.optimizers.Adam(self.learning_rate, beta_1=0.0)
        return {"model": Player(update=self.learn, variables=self.net.trainable_variables, optimizer=adam)}

    def learn(self, x, condition=None, training=True):
        x = x + self.blur * rng.normal(tf.shape(x), self.new_seed()) if training else x
        rows, n = distribute.own_rows(self.buffer), tf.shape(x)[0]
        first = tf.cast(rng.uniform([], self.new_seed()) * float(rows.shape[0]), tf.int32)
        places = (first + tf.range(n)) % rows.shape[0]
        anew = rng.uniform([n, *[1] * len(self.shape)], self.new_seed()) < self.fresh
        begin = tf.where(anew, self._noise(rng.normal(tf.shape(x), self.new_seed())), tf.gather(rows, places))
        x_neg = self.run_chain(begin, self.new_seed())
        if training:
            distribute.keep_rows(self.buffer, tf.tensor_scatter_nd_update(rows, places[:, None], x_neg))
        return self.contrast(x, x_neg)

    def contrast(self, x, x_neg):
        """The terms, and the gradient of the loss with both held still."""
        variables = [v.value for v in self.net.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            E = self.net(tf.concat([x, x_neg], 0), training=True)[:, 0]
            real, fake = tf.split(E, [tf.shape(x)[0], tf.shape(x_neg)[0]])
            apart = tf.reduce_mean(real) - tf.reduce_mean(fake)
            loss = apart + self.alpha * (tf.reduce_mean(real**2) + tf.reduce_mean(fake**2))
        terms = {"loss": loss, "energy": real, "energy_of_chains": fake}
        return terms, tape.gradient(loss, variables)

    def run_chain(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        def body(i, x):
            return i + 1, self.move(x, rng.normal(tf.shape(x), rng.fold_in(seed, i)))

        return tf.while_loop(lambda i, _: i < self.steps, body, (0, x))[1]

    def move(self, x, noise):
        return langevin(self.free_energy, x, noise, **self.dynamics)

    # -- sampling: a chain whose state is x and whether it has begun ---------------------------------------------------

    @property
    def pieces(self) -> int:
        return 1 + self.sweeps

    @property
    def laws(self):
        return laws.normal(*self.shape)

    def start(self, n, condition=None):
        return {"x": tf.zeros([n, *self.shape]), "begun": tf.zeros([n, *[1] * len(self.shape)])}

    def advance(self, noise, state, condition=None):
        x = tf.where(state["begun"] > 0, self.move(state["x"], noise), self._noise(noise))
        return x, {"x": x, "begun": tf.ones_like(state["begun"])}
