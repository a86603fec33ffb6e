"""The configuration `mnist_lenet` written for PyTorch as one would: prints a line of JSON for each thing that happens.

python mnist_torch.py FOLDER THREADS
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

EPOCHS, BATCH, LR = 2, 64, 0.05


def read(file: Path, skip: int) -> np.ndarray:
    with gzip.open(file) as stream:
        return np.frombuffer(stream.read(), np.uint8, offset=skip).copy()


def images(file: Path) -> torch.Tensor:
    return torch.from_numpy(read(file, 16).reshape(-1, 1, 28, 28)).float()


def labels(file: Path) -> torch.Tensor:
    return torch.from_numpy(read(file, 8)).long()


def say(**what: object) -> None:
    with open("/proc/self/status") as lines:
        peak = next(line for line in lines if line.startswith("VmHWM")).split()[1]
    print(json.dumps({"at": time.time(), "peak_bytes": int(peak) * 1024, **what}), flush=True)


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x, t = images(folder / "train-images-idx3-ubyte.gz"), labels(folder / "train-labels-idx1-ubyte.gz")
    test_x, test_t = images(folder / "t10k-images-idx3-ubyte.gz"), labels(folder / "t10k-labels-idx1-ubyte.gz")
    mean, std = x.mean(), x.std()
    x.sub_(mean).div_(std)
    test_x.sub_(mean).div_(std)
    network = nn.Sequential(
        *(nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)),
    )
    steps = -(-len(x) // BATCH)
    optimizer = torch.optim.SGD(network.parameters(), LR, 0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=EPOCHS * steps, cycle_momentum=False)
    loss = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            optimizer.zero_grad()
            loss(network(x[rows]), t[rows]).backward()
            optimizer.step()
            schedule.step()
            if epoch == step == 0:
                say(what="first step")
        with torch.no_grad():
            right = sum(
                int((network(part).argmax(1) == true).sum())
                for part, true in zip(test_x.split(500), test_t.split(500), strict=True)
            )
        say(what="epoch", epoch=epoch + 1, accuracy=right / len(test_t))


main()
