"""Reusable architectures. A net never knows its loss, and ends in float32."""

from tfgen.nets.autoencoder import autoencoder
from tfgen.nets.coding import CODERS, decoder_net, encoder_net
from tfgen.nets.dcgan import painter, reader
from tfgen.nets.mlp import dense, mlp
from tfgen.nets.pair import NETS, critic_net, generator_net
from tfgen.nets.pretrained import sigmoid_classifier
from tfgen.nets.resnet import residual_painter, residual_reader

__all__ = [
    "CODERS",
    "NETS",
    "autoencoder",
    "critic_net",
    "decoder_net",
    "dense",
    "encoder_net",
    "generator_net",
    "mlp",
    "painter",
    "reader",
    "residual_painter",
    "residual_reader",
    "sigmoid_classifier",
]
