"""The peer of `benchmarks.gan`: DCGAN and WGAN-GP in plain PyTorch, with the nets, losses, optimizers and turns of
`tfgen.DCGAN` and `tfgen.WGANGP`."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

__all__ = ["DCGAN", "PEERS", "WGANGP", "take"]


def generator(latent: int, width: int) -> nn.Sequential:
    """[n, latent] to pictures [n, 1, 28, 28]."""
    return nn.Sequential(
        nn.Linear(latent, 2 * width * 7 * 7, bias=False),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
        nn.Tanh(),
    )


def critic(width: int, norm: bool) -> nn.Sequential:
    """Pictures [n, 1, 28, 28] to outputs [n, 1]."""
    between = [nn.BatchNorm2d(2 * width)] if norm else []
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=not norm),
        *between,
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(2 * width * 7 * 7, 1),
    )


class DCGAN:
    latent = 100

    def __init__(self, width: int):
        self.generator, self.critic = generator(self.latent, width), critic(width, norm=True)
        self.adams = [
            torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), eps=1e-7) for net in (self.critic, self.generator)
        ]

    def noise(self, n: int) -> torch.Tensor:
        return 2 * torch.rand(n, self.latent) - 1

    def step(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The losses of the critic and of the generator."""
        return [self.critic_turn(x), self.generator_turn(len(x))]

    def critic_turn(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            fake = self.generator(self.noise(len(x)))
        return self.move(0, self.critic, self.critic_loss(x, fake))

    def critic_loss(self, x: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return (softplus(-self.critic(x)) + softplus(self.critic(fake))).mean()

    def generator_turn(self, n: int) -> torch.Tensor:
        return self.move(1, self.generator, self.generator_loss(self.critic(self.generator(self.noise(n)))))

    def generator_loss(self, output: torch.Tensor) -> torch.Tensor:
        return softplus(-output).mean()

    def move(self, player: int, net: nn.Module, loss: torch.Tensor) -> torch.Tensor:
        self.adams[player].zero_grad()
        loss.backward(inputs=list(net.parameters()))
        self.adams[player].step()
        return loss.detach()


class WGANGP(DCGAN):
    turns = 5

    def __init__(self, width: int):
        self.generator, self.critic = generator(self.latent, width), critic(width, norm=False)
        self.adams = [
            torch.optim.Adam(net.parameters(), 1e-4, (0.0, 0.9), eps=1e-7) for net in (self.critic, self.generator)
        ]

    def noise(self, n: int) -> torch.Tensor:
        return torch.randn(n, self.latent)

    def share(self, n: int) -> torch.Tensor:
        return torch.rand(n, 1, 1, 1)

    def step(self, x: torch.Tensor) -> list[torch.Tensor]:
        losses = [self.critic_turn(x[t :: self.turns]) for t in range(self.turns)]
        return [torch.stack(losses).mean(), self.generator_turn(len(x) // self.turns)]

    def critic_loss(self, x: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        u = self.share(len(x))
        between = (u * x + (1 - u) * fake).requires_grad_()
        slope = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)[0]
        penalty = (((slope**2).sum((1, 2, 3)) + 1e-12).sqrt() - 1) ** 2
        return (self.critic(fake) - self.critic(x)).mean() + 10 * penalty.mean()

    def generator_loss(self, output: torch.Tensor) -> torch.Tensor:
        return -output.mean()


PEERS = {"dcgan": DCGAN, "wgan_gp": WGANGP}


def take(peer: DCGAN, weights: dict[str, list[np.ndarray]]) -> None:
    """The weights of the Keras nets, {"generator": [...], "critic": [...]}, trained ones only and in their order, in
    PyTorch's layout."""
    for name, values in weights.items():
        parameters = list(getattr(peer, name).parameters())
        if sum(v.size for v in values) != sum(p.numel() for p in parameters) or len(values) != len(parameters):
            raise SystemExit(
                f"the {name}s differ: {[v.shape for v in values]} against {[tuple(p.shape) for p in parameters]}"
            )
        for p, v in zip(parameters, values, strict=True):
            if v.ndim == 4:  # [height, width, in, out] of a convolution; [height, width, out, in] of a transposed one
                v = v.transpose(3, 2, 0, 1)
            if v.ndim == 2:  # [in, out]; beside maps, their channels come last in Keras and first here
                v = (
                    v.T.reshape(7, 7, -1, v.shape[0]).transpose(2, 0, 1, 3)
                    if name == "generator"
                    else v.T.reshape(1, 7, 7, -1).transpose(0, 3, 1, 2)
                )
            with torch.no_grad():
                p.copy_(torch.from_numpy(np.ascontiguousarray(v).reshape(tuple(p.shape))))
