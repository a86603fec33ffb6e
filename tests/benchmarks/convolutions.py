"""Convolutions, and whole training steps that consist of them, against PyTorch's: both sides in turn.

    python -m tests.benchmarks.convolutions [--rounds 3] [--threads 1] [NAME ...]

Each side runs in a process of its own, since the threads of PyTorch and of OpenBLAS hinder each other; they take turns
for every name in every round. With one thread processor time is measured, so that other processes matter little; with
more it is wall time on a machine that should be idle: nncli has a shard of the batch for each thread, PyTorch its own
threads. PyTorch's time is the best of contiguous and channels_last, the medians are over rounds, and ratios above 1
mean that nncli is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

CONVOLUTIONS = {
    "32->32 32x32": (32, 32, 32, 3, 64),
    "32->64 16x16": (32, 64, 16, 3, 64),
    "64->64 16x16": (64, 64, 16, 3, 64),
    "128->128 8x8": (128, 128, 8, 3, 64),
    "16->16 64x64 31x31": (16, 16, 64, 31, 8),
}
"""(channels, filters, height and width, kernel, samples), padding `same`."""
VGG = [conv for f in (32, 64) for conv in (f"conv2d: {{filters: {f}, kernel: 3, padding: same}}", "relu") * 2]
VGG.insert(4, "max_pool2d: 2")
NETWORKS = {
    "vgg": ((3, 32, 32), 64, [*VGG, "max_pool2d: 2", "flatten", "dense: 256", "relu", "dense: 10"]),
    "largekernel": (
        (16, 64, 64), 8,
        ["conv2d: {filters: 16, kernel: 31, padding: same}", "relu", "global_avg_pool2d", "dense: 10"],
    ),
}  # fmt: skip
PASSES = "forward", "weight", "input"


def clock(call: Callable[[], Any], threads: int, seconds: float = 0.5) -> float:
    """Median milliseconds of a call: of the processor with one thread, else of the clock."""
    now = time.process_time_ns if threads == 1 else time.perf_counter_ns
    start = now()
    call()
    times: list[int] = []
    if now() - start < 1e9:
        call()
    end = time.perf_counter() + seconds
    while len(times) < 2 or (time.perf_counter() < end and len(times) < 100):
        start = now()
        call()
        times.append(now() - start)
    return statistics.median(times) / 1e6


# -- nncli -------------------------------------------------------------------------------------------------------------


def ours(name: str, threads: int) -> dict[str, float]:
    import numpy as np
    from threadpoolctl import threadpool_limits

    from nncli.engine.workers import Workers
    from nncli.gradcheck.alone import Alone
    from nncli.layers.conv2d import Conv2d

    if name in NETWORKS:
        return {"step": our_step(name, threads)}
    channels, filters, size, kernel, n = CONVOLUTIONS[name]
    found: dict[str, float] = {}
    workers = Workers(threads)
    with threadpool_limits(1):
        for algorithm in ("auto", "gemm"):
            layer = Conv2d(filters, (kernel, kernel), padding="same", bias=False, algorithm=algorithm)
            shards = [Alone(layer, (channels, size, size), n=n // threads, dtype=np.float32) for _ in range(threads)]
            for shard in shards:
                shard.forward()
                shard.frame.dy[...] = shard.c
            for which in PASSES:
                calls = [getattr(shard.frame.views, which) for shard in shards]
                taken = clock(lambda calls=calls: workers.run(lambda i: calls[i](), threads), threads)
                found[which if algorithm == "auto" else f"{which} by gemm"] = taken
    return found


def our_step(name: str, threads: int) -> float:
    import numpy as np

    from nncli import registry
    from nncli.engine import Model, Updater, make_plan
    from nncli.graph import build
    from nncli.spec import read_text

    shape, n, nodes = NETWORKS[name]
    text = "".join(f"\n  - {node}" for node in nodes)
    read = read_text(f"network:{text}\nloss: softmax_cross_entropy\n", "bench.yaml")
    graph = build(read.config.network, shape, read.document, list(read.faults))
    assert graph is not None
    model = Model(graph, make_plan(graph, n, 4, threads), np.float32, registry.loss["softmax_cross_entropy"]())
    model.parameters.initialize(graph, 0)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(*shape, n)).astype(np.float32), rng.integers(10, size=n)

    def load(shard: Any) -> None:
        part = slice(shard.start, shard.start + shard.n)
        shard.x[...], shard.t[...] = x[..., part], t[part]

    program = model.program(n, training=True)
    updater = Updater(model.parameters, model.gradients, registry.optimizer["sgd"](lr=1e-6, momentum=0.9))

    def step() -> None:
        program.run(load)
        updater.apply(updater.gather(len(program.shards)), 1e-6, 1)

    with model.limits():
        return clock(step, threads, 2.0)


# -- PyTorch -----------------------------------------------------------------------------------------------------------


def torch_side(name: str, threads: int) -> dict[str, float]:
    import torch

    torch.set_num_threads(threads)
    best: dict[str, float] = {}
    large = name in ("largekernel", "16->16 64x64 31x31")  # channels_last took 20 times as long there
    for form in (torch.contiguous_format,) if large else (torch.contiguous_format, torch.channels_last):
        run = torch_step if name in NETWORKS else torch_passes
        for which, call in run(name, form).items():
            best[which] = min(best.get(which, 1e9), clock(call, threads, 2.0 if which == "step" else 0.5))
    return best


def torch_passes(name: str, form: Any) -> dict[str, Callable[[], Any]]:
    import torch

    channels, filters, size, kernel, n = CONVOLUTIONS[name]
    x, w, dy = (
        torch.randn(shape).to(memory_format=form)
        for shape in ((n, channels, size, size), (filters, channels, kernel, kernel), (n, filters, size, size))
    )
    pad = [kernel // 2] * 2

    def back(*mask: bool) -> Any:
        one = [1, 1]
        return torch.ops.aten.convolution_backward(dy, x, w, [0], one, pad, one, False, [0, 0], 1, [*mask, False])

    return {
        "forward": lambda: torch.nn.functional.conv2d(x, w, None, 1, pad),
        "weight": lambda: back(False, True),
        "input": lambda: back(True, False),
    }


def torch_step(name: str, form: Any) -> dict[str, Callable[[], Any]]:
    import torch
    from torch import nn

    shape, n, _ = NETWORKS[name]
    if name == "vgg":
        sizes = [(3, 32), (32, 32), None, (32, 64), (64, 64), None]
        body = [
            layer
            for size in sizes
            for layer in ([nn.MaxPool2d(2)] if size is None else [nn.Conv2d(*size, 3, padding=1), nn.ReLU()])
        ]
        net = nn.Sequential(*body, nn.Flatten(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, 10))
    else:
        net = nn.Sequential(
            nn.Conv2d(16, 16, 31, padding=15), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
        )
    net, x = net.to(memory_format=form), torch.randn(n, *shape).to(memory_format=form)
    t, loss = torch.randint(10, (n,)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        loss(net(x), t).backward()
        optimizer.step()

    return {"step": step}


# -- in turn -----------------------------------------------------------------------------------------------------------


def child(side: str, name: str, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.convolutions", name, "--side", side, "--threads", str(threads)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=[*CONVOLUTIONS, *NETWORKS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", choices=["ours", "torch"])
    given = parser.parse_args()
    if given.side:
        run = ours if given.side == "ours" else torch_side
        print(json.dumps(run(given.names[0], given.threads)))
        return
    print("| what | pass | nncli ms | by gemm | PyTorch ms | ratio (of rounds) |\n|---|---|---|---|---|---|")
    for name in given.names:
        rounds = [
            (child("ours", name, given.threads), child("torch", name, given.threads)) for _ in range(given.rounds)
        ]
        for which in rounds[0][1]:
            mine, other = ([side[which] for side in sides] for sides in zip(*rounds, strict=True))
            gemm = statistics.median(our.get(f"{which} by gemm", float("nan")) for our, _ in rounds)
            ratios = sorted(b / a for a, b in zip(mine, other, strict=True))
            cells = [f"{statistics.median(mine):.2f}", f"{gemm:.2f}", f"{statistics.median(other):.2f}"]
            spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"| {name} | {which} | {' | '.join(cells)} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
