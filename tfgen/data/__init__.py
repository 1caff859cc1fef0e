"""Data: `load(name, …)` gives batches, `arrays(name, …)` gives numpy; what they are made of is here, too."""

from tfgen.data.embedded import MIXTURES, Mixture, digits, grid, ring
from tfgen.data.examples import Examples, Stream, with_few_labels
from tfgen.data.folders import folder
from tfgen.data.pipeline import Epochs, arrays, load
from tfgen.data.sounds import sounds
from tfgen.data.sources import Source, open_source
from tfgen.data.tfds import tfds_pictures, tfds_set
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
from tfgen.data.unpaired import Unpaired
from tfgen.data.worlds import World, bars, ising

__all__ = [
    "MIXTURES",
    "Epochs",
    "Examples",
    "Mixture",
    "Source",
    "Stream",
    "Unpaired",
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
    "open_source",
    "ring",
    "sounds",
    "tfds_pictures",
    "tfds_set",
    "threshold",
    "to_values",
    "with_few_labels",
]
