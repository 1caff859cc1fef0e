"""The papers' own choices: what a constructor says when nobody says anything."""

import pytest

import tfgen
from tfgen import signature
from tfgen.metrics.parzen import SIGMAS

DEFAULTS = {
    tfgen.RBM: {"k": 1, "chains": 0, "learning_rate": 0.05, "sweeps": 200},
    tfgen.Helmholtz: {"hidden": (200,), "learning_rate": 0.1, "samples": 1},
    tfgen.DBN: {"hidden": (500, 500), "up_down": True, "chains": 100},
    tfgen.DBM: {"hidden": (500, 1000), "rounds": 10, "chains": 100, "k": 5},
    tfgen.DeepEnergy: {"step": 1.0, "noise": 0.02, "fresh": 0.05, "values": "signed", "net": "dcgan"},
    tfgen.GAN: {"game": "non_saturating", "activation": "maxout", "dropout": 0.5, "net": "mlp", "values": "unit"},
    tfgen.FGAN: {"game": "kl"},
    tfgen.BGAN: {"game": "bregman_pearson"},
    tfgen.LSGAN: {"game": "least_squares"},
    tfgen.WGAN: {"game": "wasserstein", "clip": 0.01, "turns": 5, "optimizer": "rmsprop", "learning_rate": 5e-5},
    tfgen.WGANGP: {
        "game": "wasserstein",
        "penalties": ("gradient_penalty:10",),
        "turns": 5,
        "critic_norm": "none",
        "learning_rate": 1e-4,
        "beta": 0.0,
        "beta_2": 0.9,
    },
    tfgen.RothGAN: {"penalties": ("roth:2",), "critic_norm": "none"},
    tfgen.R1GAN: {"penalties": ("r1:10",), "critic_norm": "none", "average": 0.999},
    tfgen.DCGAN: {"net": "dcgan", "prior": "uniform", "learning_rate": 2e-4, "beta": 0.5},
    tfgen.ImprovedGAN: {"minibatch": 32, "history": 1e-4, "smoothing": 0.1, "generator_norm": "virtual:64"},
    tfgen.BEGAN: {"latent": 64, "gamma": 0.5, "rate": 1e-3, "learning_rate": 1e-4},
    tfgen.MMDGAN: {
        "latent": 10,
        "code": 16,
        "bandwidths": (1.0, 2.0, 4.0, 8.0, 16.0),
        "turns": 5,
        "clip": 0.01,
        "feasible": 16.0,
        "reconstruction": 8.0,
        "learning_rate": 5e-5,
    },
    tfgen.GMMN: {
        "latent": 10,
        "hidden": (64, 256, 256, 1024),
        "bandwidths": None,
        "code_hidden": (1024,),
        "dropout": (0.2, 0.5),
    },
    tfgen.Disco: {"samples": 2, "gamma": 0.5, "beta": 1.0},
    tfgen.JointGAN: {
        "latent": 100,
        "hidden": (500, 500),
        "critic_hidden": (1000, 500, 250, 250, 250),
        "noise_in": 0.3,
        "noise_hidden": 0.5,
        "learning_rate": 3e-3,
    },
    tfgen.InfoGAN: {
        "latent": 62,
        "categories": (10,),
        "codes": 2,
        "between": 1024,
        "information": 1.0,
        "information_codes": 0.1,
        "learning_rate": 1e-3,
        "critic_learning_rate": 2e-4,
    },
    tfgen.VAE: {"latent": 50, "hidden": (200, 200), "activation": "tanh", "likelihood": "bernoulli", "samples": 1},
    tfgen.IWAE: {"objective": "iwae", "samples": 5, "gradient": "pathwise", "latent": 50, "posterior": "diagonal"},
    tfgen.JVI: {"objective": "jvi:1", "samples": 8},
    tfgen.PlanarVAE: {"posterior": "planar:10", "latent": 40},
    tfgen.RadialVAE: {"posterior": "radial:10", "latent": 40},
    tfgen.HouseholderVAE: {"posterior": "householder:10", "latent": 40, "hidden": (300, 300)},
    tfgen.IAFVAE: {"posterior": "iaf:2", "latent": 32, "flow_hidden": (320,)},
    tfgen.NICEPosterior: {"posterior": "coupling:4", "latent": 40},
    tfgen.HVI: {"iterations": 1, "leaps": 4, "step": 0.1, "latent": 40},
    tfgen.ADGM: {"auxiliary": 40, "latent": 40},
    tfgen.SemiADGM: {"alpha": 10.0},
    tfgen.HVAE: {"latent": 50, "between": 100, "upper_hidden": (100, 100), "objective": "iwae", "samples": 5},
    tfgen.AVB: {"latent": 8, "basis": 8, "noise": 4, "turns": 1, "learning_rate": 5e-4, "critic_learning_rate": 1e-3},
    tfgen.MLVAE: {"content": 10, "style": 10},
    tfgen.NICE: {"couplings": 4, "hidden": (1000,) * 5, "prior": "logistic"},
    tfgen.MADE: {"hidden": (500,), "order": "random", "masks": 1, "direct": False},
    tfgen.FVSBN: {"order": "raster"},
    tfgen.NADE: {"hidden": 500, "order": "raster", "likelihood": "bernoulli"},
    tfgen.EoNADE: {"hidden": (500,), "orders": 1},
    tfgen.PixelCNN: {"first": 7, "kernel": 3, "filters": 32, "layers": 7, "likelihood": "bernoulli"},
    # Kernels of 7 in six layers are our own choice, measured: docs/autoregressive.md.
    tfgen.GatedPixelCNN: {"first": 7, "kernel": 7, "filters": 32, "layers": 6, "likelihood": "bernoulli"},
    tfgen.RowLSTM: {"first": 7},
    tfgen.DiagonalBiLSTM: {"first": 7},
}


@pytest.mark.parametrize("system", DEFAULTS, ids=lambda system: system.__name__)
def test_defaults(system):
    taken = {name: p.default for name, p in signature.parameters(system).items()}
    assert {name: taken[name] for name in DEFAULTS[system]} == DEFAULTS[system]


def test_widths_of_parzen_windows():
    """From .1 to .29 by hundredths, as in the code of Goodfellow et al. 2014."""
    assert SIGMAS[:20] == tuple(i / 100 for i in range(10, 30))
