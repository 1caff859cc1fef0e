"""How good a model is, and its samples. Nats per example everywhere; functions take tensors or numpy arrays."""

from tfgen.metrics.features import (
    DensityCoverage,
    InceptionScore,
    KernelDistance,
    PrecisionRecall,
    density_coverage,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
)
from tfgen.metrics.image import luma, patches, psnr, radial_spectrum, spectrum_gap, ssim
from tfgen.metrics.likelihood import (
    BitsPerDim,
    Likelihood,
    annealed_log_likelihood,
    bits_per_dim,
    enumerated_log_likelihood,
    estimates,
    likelihood,
    pseudo_likelihood,
)
from tfgen.metrics.modes import Modes, modes
from tfgen.metrics.networks import FeatureNetwork, feature_network, inception_v3, to_unit
from tfgen.metrics.parzen import Parzen, parzen
from tfgen.metrics.probing import told_by
from tfgen.metrics.reconstruction import ReconstructionError, reconstruction_error
from tfgen.metrics.sound import composite, pesq, segmental_snr, si_sdr, stoi
from tfgen.metrics.two_sample import MMDTest, NearestNeighbourTest, mmd_test, nearest_neighbour_test

__all__ = [
    "BitsPerDim",
    "DensityCoverage",
    "FeatureNetwork",
    "InceptionScore",
    "KernelDistance",
    "Likelihood",
    "MMDTest",
    "Modes",
    "NearestNeighbourTest",
    "Parzen",
    "PrecisionRecall",
    "ReconstructionError",
    "annealed_log_likelihood",
    "bits_per_dim",
    "composite",
    "density_coverage",
    "enumerated_log_likelihood",
    "estimates",
    "feature_network",
    "frechet_distance",
    "inception_score",
    "inception_v3",
    "kernel_distance",
    "likelihood",
    "luma",
    "mmd_test",
    "modes",
    "nearest_neighbour_test",
    "parzen",
    "patches",
    "pesq",
    "precision_recall",
    "pseudo_likelihood",
    "psnr",
    "radial_spectrum",
    "reconstruction_error",
    "segmental_snr",
    "si_sdr",
    "spectrum_gap",
    "ssim",
    "stoi",
    "to_unit",
    "told_by",
]
