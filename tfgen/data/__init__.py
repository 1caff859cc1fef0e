"""Data: `load(name, …)` gives batches, `arrays(name, …)` gives numpy; what they are made of is here, too."""

from tfgen.data.pipeline import Epochs, arrays, load
from tfgen.data.sources import (
    MIXTURES,
    Examples,
    Mixture,
    Stream,
    digits,
    folder,
    grid,
    ring,
    tfds_set,
    with_few_labels,
)
from tfgen.data.transforms import (
    binarise,
    dequantisation_nats,
    dequantise,
    fit_image,
    inverse_mu_law,
    mu_law,
    threshold,
    to_values,
)
from tfgen.data.worlds import World, bars, ising

__all__ = [
    "MIXTURES",
    "Epochs",
    "Examples",
    "Mixture",
    "Stream",
    "World",
    "arrays",
    "bars",
    "binarise",
    "dequantisation_nats",
    "dequantise",
    "digits",
    "fit_image",
    "folder",
    "grid",
    "inverse_mu_law",
    "ising",
    "load",
    "mu_law",
    "ring",
    "tfds_set",
    "threshold",
    "to_values",
    "with_few_labels",
]
