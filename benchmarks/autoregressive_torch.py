"""The peers of `benchmarks.autoregressive`: MADE and Gated PixelCNN in plain PyTorch, layer by layer as tfgen has them,
beginning at its weights."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import linear, pad

__all__ = ["MADE", "PEERS", "GatedPixelCNN"]


def parameter(value: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.ascontiguousarray(value)))


class MADE(nn.Module):
    def __init__(self, weights: list[np.ndarray], files):
        super().__init__()
        count = len(weights) // 2
        self.W = nn.ParameterList([parameter(w.T) for w in weights[::2]])
        self.b = nn.ParameterList([parameter(b) for b in weights[1::2]])
        places, *degrees = (files[f"degrees/{i}"] for i in range(count))
        below = [places, *degrees]
        masks = [a[:, None] <= b for a, b in zip(below, degrees, strict=False)]
        masks[0] = places[:, None] <= degrees[0]
        masks.append(below[-1][:, None] < places)
        for i, mask in enumerate(masks):
            self.register_buffer(f"mask{i}", torch.from_numpy(np.float32(mask.T.copy())))

    def forward(self, x):
        for i, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            x = linear(x, W * getattr(self, f"mask{i}"), b)
            x = torch.relu(x) if i + 1 < len(self.W) else x
        return x


def gate(x):
    filtered, opened = x.chunk(2, 1)
    return torch.tanh(filtered) * torch.sigmoid(opened)


def conv(kernel: np.ndarray, bias: np.ndarray | None = None) -> nn.Conv2d:
    """Of [height, width, inputs, outputs]."""
    made = nn.Conv2d(kernel.shape[2], kernel.shape[3], kernel.shape[:2], bias=bias is not None)
    made.weight = parameter(kernel.transpose(3, 2, 0, 1))
    if bias is not None:
        made.bias = parameter(bias)
    return made


class Layer(nn.Module):
    def __init__(self, weights: list[np.ndarray], first: bool):
        super().__init__()
        kernel, bias, beside, beside_bias, link, out, out_bias = weights
        self.first, self.reach = first, kernel.shape[1] // 2
        self.vertical, self.horizontal = conv(kernel, bias), conv(beside[None], beside_bias)
        self.link, self.out = conv(link[None, None]), conv(out[None, None], out_bias)

    def forward(self, v, h):
        r = self.reach
        down = self.vertical(pad(v[:, :, :-1] if self.first else v, (r, r, r, 0)))
        y = self.horizontal(pad(h[..., :-1] if self.first else h, (r, 0, 0, 0)))
        y = self.out(gate(y + self.link(down)))
        return gate(down), y if self.first else y + h


class GatedPixelCNN(nn.Module):
    def __init__(self, weights: list[np.ndarray], files):
        super().__init__()
        *layers, hidden, hidden_bias, last, last_bias = weights
        parts = [layers[i : i + 7] for i in range(0, len(layers), 7)]
        self.layers = nn.ModuleList([Layer(part, first=i == 0) for i, part in enumerate(parts)])
        self.hidden, self.last = conv(hidden[None, None], hidden_bias), conv(last[None, None], last_bias)

    def forward(self, x):
        v = h = x
        for layer in self.layers:
            v, h = layer(v, h)
        return self.last(torch.relu(self.hidden(torch.relu(h))))


PEERS = {"made": MADE, "gated_pixelcnn": GatedPixelCNN}
