"""Models that give an original back from its degraded form: x is the original, the condition is what is given."""

import functools

import numpy as np

from tfgen.entry import Entry
from tfgen.restoration.amap import AMAP
from tfgen.restoration.edge_se import EdgeSE
from tfgen.restoration.edge_sr import EdgeSR
from tfgen.restoration.srgan import SRGAN
from tfgen.restoration.srresnet import SRResNet
from tfgen.restoration.upscaler import Upscaler

__all__ = ["AMAP", "ENTRIES", "SRGAN", "EdgeSE", "EdgeSR", "SRResNet", "Upscaler"]


def _pictures(scale: int = 2):
    x = np.random.default_rng(0).uniform(size=(64, 8, 8, 3)).astype("float32")
    return x, x.reshape(64, 8 // scale, scale, 8 // scale, scale, 3).mean((2, 4))


def _sounds():
    x = np.random.default_rng(0).normal(size=(64, 520)).astype("float32") / 10
    return x, x + np.random.default_rng(1).normal(size=x.shape).astype("float32") / 20


ENTRIES = [
    Entry(
        "edge_se",
        EdgeSE,
        "ours, 2026; after Rong et al. 2024",
        "speech enhancement for phones, hop by hop",
        tiny=functools.partial(EdgeSE, (520,), channels=4, units=4, bands=6, blocks=1, convolutions=1),
        tiny_data=_sounds,
        full=EdgeSE,
        batch=8,
        epochs=48,
        not_in_tflite={"generate": "TF-Lite has no Complex, IRFFT"},
    ),
    Entry(
        "edge_sr",
        EdgeSR,
        "ours, 2026; after Du et al. 2021",
        "super-resolution for phones: six convolutions",
        tiny=functools.partial(EdgeSR, (8, 8, 3), scale=2, width=4, depth=1),
        tiny_data=_pictures,
        full=EdgeSR,
        batch=16,
        epochs=100,
    ),
    Entry(
        "srresnet",
        SRResNet,
        "Ledig et al. 2016",
        "super-resolution by a residual net, least squares",
        tiny=functools.partial(SRResNet, (8, 8, 3), scale=2, width=8, blocks=1, outer=3),
        tiny_data=_pictures,
        full=SRResNet,
        batch=16,
        epochs=100,
    ),
    Entry(
        "srgan",
        SRGAN,
        "Ledig et al. 2016",
        "super-resolution against a critic, by features",
        tiny=functools.partial(
            SRGAN,
            (8, 8, 3),
            scale=2,
            width=8,
            blocks=1,
            outer=3,
            critic_width=2,
            halvings=1,
            features_width=2,
            features_epochs=1,
            adversarial=1.0,
        ),
        tiny_data=_pictures,
        full=SRGAN,
        batch=16,
        epochs=100,
    ),
    Entry(
        "amap",
        AMAP,
        "Sønderby et al. 2016",
        "super-resolution that agrees with what is given, amortised MAP",
        tiny=functools.partial(AMAP, (8, 8, 3), scale=2, width=8, blocks=1, outer=3, critic_width=2, halvings=1),
        tiny_data=_pictures,
        full=AMAP,
        batch=16,
        epochs=100,
    ),
]
