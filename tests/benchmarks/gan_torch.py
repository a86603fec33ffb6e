"""PyTorch's side of `gan`, as its own examples write it: the same two steps, on batches of data in memory."""

from __future__ import annotations

import json
import sys
from time import perf_counter

import torch
from torch import nn

BATCH, DIM = 64, 64


def main(threads: str) -> None:
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(DIM, 256), nn.LeakyReLU(0.2), nn.Linear(256, 512), nn.LeakyReLU(0.2), nn.Linear(512, 784), nn.Tanh()
    )
    discriminator = nn.Sequential(
        nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
    )
    for_g, for_d = (
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999)) for network in (generator, discriminator)
    )
    loss = nn.BCEWithLogitsLoss()
    data = torch.randn(1000, 784)
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

    def step() -> None:
        real = data[torch.randint(len(data), (BATCH,))]
        fake = generator(torch.randn(BATCH, DIM)).detach()
        for_d.zero_grad()
        (loss(discriminator(real), ones) + loss(discriminator(fake), zeros)).backward()
        for_d.step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(False)
        for_g.zero_grad()
        loss(discriminator(generator(torch.randn(BATCH, DIM))), ones).backward()
        for_g.step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(True)

    for line in sys.stdin:
        found: list[float] = []
        begun = perf_counter()
        while not found or perf_counter() - begun < float(line):
            start = perf_counter()
            step()
            found.append(perf_counter() - start)
        print(json.dumps(found), flush=True)


main(sys.argv[1])
