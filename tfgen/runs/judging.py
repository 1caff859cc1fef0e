"""Every metric that is true of a model, on data that it has not seen."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen import catalog, data, metrics, pictures
from tfgen.data.sources import open_source
from tfgen.runs.fitting import epochs_of
from tfgen.runs.folder import Run
from tfgen.runs.sampled import Figure, decisions, default_samples, of_samples
from tfgen.runs.training import is_dequantised, load_arrays

__all__ = ["evaluate", "table"]

SMALL = 2**20  # states over which a sum is worth its time


def evaluate(
    run: Run,
    *,
    split: str = "test",
    limit: int | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
    k: int = 1000,
    chains: int = 100,
    temperatures: int = 10_000,
    samples: int | None = None,
    network: metrics.FeatureNetwork | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Figure]:
    """Figures by name, each with its standard error over the examples and how it was had; written into the run's card.

    Arguments:
        split: of the data that the run was trained on.
        limit: only the first so many examples.
        seed: of what is drawn: noise of the binarisation, samples of a bound, chains.
        k: samples of z for each example where the likelihood is estimated through a bound.
        chains, temperatures: of annealed importance sampling, where the model has an energy.
        samples: how many to draw and compare with the data; by default 10,000 (2,500 points) of a model that has no
            likelihood, and none of others.
        network: sees what the samples are of, where they are pictures; by default the classifier of the data set.
    """
    settings = run.settings()
    with run.locked():
        model = catalog.load(run.model_path)
        source = open_source(settings.data, split, data_dir=data_dir, limit=limit, size=settings.size)
        x, condition = load_arrays(model, settings, source, seed)
        figures = {}
        for judge in (_losses, _likelihood, _energy, _reconstruction):
            figures |= judge(
                model, x, condition, source=source, seed=seed, k=k, chains=chains, temperatures=temperatures
            )
        figures |= decisions(model, x, condition, source)
        drawn = default_samples(model, settings, samples)
        figures |= of_samples(
            model, x, n=drawn, settings=settings, source=source, network=network, data_dir=data_dir, seed=seed, say=say
        )
        if hasattr(model, "reconstruct"):
            run.samples.mkdir(exist_ok=True)
            shown = pictures.pairs(x[:32], _reconstruct(model, x, condition, slice(32)), model.values)
            pictures.save(shown, run.samples / "reconstructions.png")
        protocol = {
            "count": len(x),
            "seed": seed,
            "epoch": epochs_of(model, run),
            "binarise": settings.binarise if model.values == "binary" else None,
        }
        run.write_card(figures={**run.card().get("figures", {}), split: {**protocol, "metrics": figures}})
    say(table(figures, f"{run.folder}: {len(x):,} examples of {settings.data}/{split}, seed {seed}"))
    return figures


def table(figures: dict[str, Figure], title: str) -> str:
    """For the terminal."""
    width = max(map(len, figures), default=0)
    lines = [title]
    for name, figure in figures.items():
        error = f" ± {figure['error']:.2g}" if figure.get("error") is not None else ""
        lines.append(f"  {name:<{width}}  {figure['value']:.5g}{error}  {figure['how']}")
    return "\n".join(lines)


def _losses(model, x, condition, **_) -> dict[str, Figure]:
    model.compile()
    terms = model.evaluate(x, condition, batch_size=100, verbose=0, return_dict=True)
    return {
        name: {"value": float(value), "how": "the term of the training, on these data"} for name, value in terms.items()
    }


def _likelihood(model, x, condition, *, source, seed, k, **_) -> dict[str, Figure]:
    if not hasattr(model, "log_prob") and not hasattr(model, "bound"):
        return {}
    found = metrics.likelihood(model, x, condition, k=k, seed=seed)
    return _nats("nats", found, model, source, found.how)


def _energy(model, x, condition, *, source, seed, chains, temperatures, **_) -> dict[str, Figure]:
    figures = {}
    if getattr(model, "states", math.inf) <= SMALL:
        figures |= _nats(
            "nats",
            metrics.enumerated_log_likelihood(model, x),
            model,
            source,
            f"exact, log Z over {model.states} states",
        )
    if hasattr(model, "annealing_path"):
        found, log_z = metrics.annealed_log_likelihood(model, x, chains=chains, temperatures=temperatures, seed=seed)
        how = (
            f"annealed, {chains} chains x {temperatures} temperatures, log Z {log_z.value:.2f} in [{log_z.low:.2f}, "
            f"{log_z.high:.2f}]"
        )
        figures |= _nats("nats_annealed", found, model, source, how)
    return figures


def _reconstruction(model, x, condition, **_) -> dict[str, Figure]:
    if not hasattr(model, "reconstruct"):
        return {}
    rows = [slice(i, i + 500) for i in range(0, len(x), 500)]
    each = np.concatenate([metrics.reconstruction_error(x[r], _reconstruct(model, x, condition, r)) for r in rows])
    return {
        "reconstruction_error": {
            "value": float(each.mean()),
            "error": _standard_error(each),
            "how": "mean squared difference",
        }
    }


def _reconstruct(model, x, condition, rows: slice) -> np.ndarray:
    return model.reconstruct(tf.constant(x[rows]), None if condition is None else condition[rows]).numpy()


def _nats(name: str, found: metrics.Likelihood, model, source, how: str) -> dict[str, Figure]:
    """−log p(x), and bits per dim where x are bits or bytes."""
    error = found.error if math.isfinite(found.error) else None
    figures = {name: {"value": -found.nats, "error": error, "how": f"-log p(x), {how}"}}
    dims = math.prod(source.shape)
    if not source.real and (model.values == "binary" or is_dequantised(model, source)):
        constant = data.dequantisation_nats(source.shape) if is_dequantised(model, source) else 0.0
        bits = metrics.bits_per_dim(found.nats, dims, constant)
        figures[name.replace("nats", "bits_per_dim")] = {
            "value": bits,
            "error": error and error / dims / math.log(2),
            "how": "the same, per dimension",
        }
    return figures


def _standard_error(each: np.ndarray) -> float | None:
    return float(each.std(ddof=1) / math.sqrt(len(each))) if len(each) > 1 else None
