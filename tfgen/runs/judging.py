"""Every metric that is true of a model, on data that it has not seen."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgen import catalog, data, metrics, pictures
from tfgen.callbacks import write_scalars
from tfgen.runs.fitting import epochs_of
from tfgen.runs.folder import Run
from tfgen.runs.material import Material
from tfgen.runs.sampled import Case, Figure, decisions, default_samples, mean_of, of_samples, said

__all__ = ["evaluate", "table"]

SMALL = 2**20  # states over which a sum is worth its time
BOUND, PSEUDO = 100, 20  # samples of a bound of the free energy; units of the pseudo-likelihood
ENSEMBLE = 2560  # examples at a time, over all orders


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
    objectives: tuple[str, ...] = (),
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
        objectives: of `tfgen.losses.OBJECTIVES`, by which -log p(x) is estimated, too: each from k samples.
        network: sees what the samples are of, where they are pictures; by default the classifier of the data set.
    """
    with run.locked():
        model = catalog.load(run.model_path)
        material = Material(run.settings(), model, data_dir)
        source = material.open(split, limit)
        case = Case(material, source, *material.arrays(source, seed), split, limit, seed, say)
        terms = _losses(case)
        figures = terms | _likelihood(case, k, objectives) | _energy(case, chains, temperatures) | _reconstruction(case)
        figures |= decisions(case)
        figures |= of_samples(case, default_samples(case, samples), network)
        if hasattr(model, "reconstruct"):
            run.samples.mkdir(exist_ok=True)
            span = pictures.span(case.x, model.values)
            shown = pictures.pairs(case.x[:32], _reconstruct(case, slice(32)), model.values, span=span)
            pictures.save(shown, run.samples / "reconstructions.png")
        say(table(figures, f"{run.folder}: {len(case.x):,} examples of {material.name}/{split}, seed {seed}"))
        protocol = {
            "count": len(case.x),
            "seed": seed,
            "epoch": epochs_of(model, run),
            "binarise": material.settings.binarise if model.values == "binary" else None,
            "conditions": case.origin,
        }
        run.write_card(figures={**run.card().get("figures", {}), split: {**protocol, "metrics": figures}})
        shown = {f"Evaluation/{name}": figure["value"] for name, figure in figures.items() if name not in terms}
        write_scalars(run.logs, shown, protocol["epoch"] or 0)
    return figures


def table(figures: dict[str, Figure], title: str) -> str:
    """For the terminal."""
    width = max(map(len, figures), default=0)
    lines = [title]
    for name, figure in figures.items():
        error = f" ± {figure['error']:.2g}" if figure.get("error") is not None else ""
        lines.append(f"  {name:<{width}}  {figure['value']:.5g}{error}  {figure['how']}")
    return "\n".join(lines)


def _losses(case: Case) -> dict[str, Figure]:
    case.model.compile()
    terms = case.model.evaluate(case.x, case.condition, batch_size=100, verbose=0, return_dict=True)
    return {
        name: {"value": float(value), "how": "the term of the training, on these data"} for name, value in terms.items()
    }


def _likelihood(case: Case, k: int, objectives: tuple[str, ...]) -> dict[str, Figure]:
    listed = hasattr(case.model, "exact_log_prob") and case.model.states <= SMALL
    if listed or not (hasattr(case.model, "log_prob") or hasattr(case.model, "bound")):
        return {}
    k = min(k, getattr(case.model, "enough", k))
    if hasattr(case.model, "log_prob_each"):
        each = said(
            lambda x, told: tf.transpose(case.model.log_prob_each(x, told)),
            case,
            -(-ENSEMBLE // case.model.orders.shape[0]),
        )
        found = metrics.Likelihood.of(case.model.mixed(each.T).numpy(), "exact")
        how = "-log p(x) by one order, the mean over those of the ensemble"
        one = {"nats_one_order": mean_of(-each.mean(1), how)}
    else:
        found, one = metrics.likelihood(case.model, case.x, case.condition, k=k, seed=case.seed), {}
    figures = _nats("nats", found, case, found.how) | one
    if objectives:
        others = metrics.estimates(case.model, case.x, case.condition, objectives=objectives, k=k, seed=case.seed)
        for name, found in others.items():
            how = f"-log p(x), {found.how}{', no bound' if name.startswith('jvi') else ''}"
            figures[f"nats_{name.replace(':', '_')}"] = {"value": found.nats, "error": found.error, "how": how}
    return figures


def _energy(case: Case, chains: int, temperatures: int) -> dict[str, Figure]:
    figures, model = {}, case.model
    if (hasattr(model, "log_z") or hasattr(model, "exact_log_prob")) and model.states <= SMALL:
        found = metrics.enumerated_log_likelihood(model, case.x, k=BOUND, seed=case.seed)
        terms = "log Z over" if hasattr(model, "log_z") else "over"
        bound = f"a bound, {BOUND} samples" if found.how.startswith("a bound") else "exact"
        figures |= _nats("nats", found, case, f"{bound}, {terms} {model.states} states")
    if hasattr(model, "annealing_path"):
        found, log_z = metrics.annealed_log_likelihood(
            model, case.x, chains=chains, temperatures=temperatures, seed=case.seed, k=BOUND
        )
        bound = f"a bound, {BOUND} samples, " if found.how.startswith("a bound") else ""
        how = (
            f"{bound}annealed, {chains} chains x {temperatures} temperatures, log Z {log_z.value:.2f} in "
            f"[{log_z.low:.2f}, {log_z.high:.2f}]"
        )
        figures |= _nats("nats_annealed", found, case, how)
    if hasattr(model, "free_energy") and model.values == "binary":
        found = metrics.pseudo_likelihood(model, case.x, units=PSEUDO, seed=case.seed)
        figures["pseudo_nats"] = {
            "value": found.nats,
            "error": found.error,
            "how": f"-Σ log p(x_i | rest), {found.how}",
        }
    return figures


def _reconstruction(case: Case) -> dict[str, Figure]:
    if not hasattr(case.model, "reconstruct"):
        return {}
    rows = [slice(i, i + 500) for i in range(0, len(case.x), 500)]
    each = np.concatenate([metrics.reconstruction_error(case.x[r], _reconstruct(case, r)) for r in rows])
    return {
        "reconstruction_error": {
            "value": float(each.mean()),
            "error": _standard_error(each),
            "how": "mean squared difference",
        }
    }


def _reconstruct(case: Case, rows: slice) -> np.ndarray:
    return case.model.reconstruct(tf.constant(case.x[rows]), case.told(rows)).numpy()


def _nats(name: str, found: metrics.Likelihood, case: Case, how: str) -> dict[str, Figure]:
    """−log p(x), and bits per dim where x are bits or bytes."""
    error = found.error if math.isfinite(found.error) else None
    figures = {name: {"value": found.nats, "error": error, "how": f"-log p(x), {how}"}}
    shape, dequantised = case.source.shape, case.material.dequantises(case.source)
    if not case.source.real and (case.model.values == "binary" or dequantised):
        constant, dims = data.dequantisation_nats(shape) if dequantised else 0.0, math.prod(shape)
        bits = metrics.bits_per_dim(-found.nats, dims, constant)
        figures[name.replace("nats", "bits_per_dim")] = {
            "value": bits,
            "error": error and error / dims / math.log(2),
            "how": "the same, per dimension",
        }
    return figures


def _standard_error(each: np.ndarray) -> float | None:
    return float(each.std(ddof=1) / math.sqrt(len(each))) if len(each) > 1 else None
