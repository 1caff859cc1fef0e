"""Which latent dimensions are used, and the manifold that two of them span.

    a dimension is active where Var_x E_q(z|x)[z_i] > 0.01                        Burda, Grosse, Salakhutdinov 2016
    the manifold: decode(Φ⁻¹(u), Φ⁻¹(v)) on a square grid of 0 < u, v < 1         Kingma and Welling 2014, figure 4

Burda et al., "Importance weighted autoencoders", 2016, https://arxiv.org/abs/1509.00519 (appendix C).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy import stats

from tfgen import condition as conditions
from tfgen import laws
from tfgen.analysis.latent import decodes
from tfgen.checks import at_least
from tfgen.files import whole

__all__ = ["Units", "active_units", "has_manifold", "manifold", "unit_bars"]

ACTIVE = 0.01


class Units(NamedTuple):
    """variance: of the posterior's mean over the examples, [d]. kl: the mean divergence of each dimension from the
    prior, where it has a closed form."""

    variance: np.ndarray
    kl: np.ndarray | None

    @property
    def active(self) -> int:
        return int((self.variance > ACTIVE).sum())


def active_units(model, x: np.ndarray, condition=None) -> Units:
    """Of a model that encodes examples x, with their conditions, as means [n, d]."""
    if not hasattr(model, "encode"):
        raise ValueError(f"{type(model).__name__} encodes nothing: it has no latent dimensions to look at")
    x, one = np.asarray(x, np.float32), slice(1)
    variance, kl = conditions.in_pieces(model.encode, x, condition).var(0), getattr(model, "kl_of_dimensions", None)
    if kl is None or kl(tf.constant(x[one]), conditions.rows(condition, one)) is None:  # it has no closed form
        return Units(variance, None)
    return Units(variance, conditions.in_pieces(kl, x, condition).mean(0))


def has_manifold(model) -> bool:
    """Whether what it decodes are two numbers of a normal prior."""
    return decodes(model) and isinstance(model.laws, dict) and model.laws.get("z") == laws.normal(2)


def manifold(model, count: int = 20, condition=None) -> np.ndarray:
    """What a model with two latent dimensions decodes at `count` quantiles of each: [count, count, *shape], the first
    dimension to the right and the second upwards. One condition for all."""
    at_least(2, count=count)
    if not has_manifold(model):
        raise ValueError(
            "a manifold is drawn of two latent dimensions that are decoded, at the quantiles of a normal prior: "
            f"{type(model).__name__} has others"
        )
    line = stats.norm.ppf((np.arange(count) + 0.5) / count)
    right, up = np.meshgrid(line, line[::-1])
    z = np.stack([right.ravel(), up.ravel()], 1).astype(np.float32)
    told = conditions.broadcast(model.condition, condition, len(z))
    made = conditions.in_pieces(model.decode, z, told)
    return made.reshape(count, count, *made.shape[1:])


def unit_bars(units: Units, path: str | Path) -> Path:
    """A bar for each dimension, the most used first: the variance of its mean, and its divergence."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    order = np.argsort(-units.variance, kind="stable")
    shown = [("variance of the mean", units.variance), *([] if units.kl is None else [("KL, nats", units.kl)])]
    figure = Figure(figsize=(8, 2.6 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    for i, (name, values) in enumerate(shown):
        axes = figure.add_subplot(len(shown), 1, i + 1, ylabel=name)
        colours = np.where(units.variance[order] > ACTIVE, "#1f77b4", "0.75")
        axes.bar(np.arange(len(order)), values[order], color=list(colours))
    figure.suptitle(f"{units.active} of {len(order)} latent dimensions are active")
    axes.set_xlabel("latent dimension, the most used first")
    with whole(path) as partial:
        figure.savefig(partial, dpi=100)
    return Path(path)
