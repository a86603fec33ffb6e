"""Measures every pass of many convolutions by every algorithm, and fits `COSTS` of `nncli.kernels.convolution_choice`.

    python -m tests.benchmarks.fit_convolutions [SECONDS]

One thread with single-threaded BLAS, processor time instead of wall time (so that other processes matter little), the
median of several calls. The fit is non-negative least squares of relative errors. Prints the constants, by how much
they miss what was measured, and what `auto` loses against the fastest that was measured.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from nncli.gradcheck.alone import Alone
from nncli.kernels import convolution_choice as choice
from nncli.kernels.gemm_blocking import PASSES
from nncli.layers.conv2d import Conv2d

Shape = tuple[int, int, int]
CONVOLUTIONS: list[tuple[Conv2d, Shape, int]] = [
    *((Conv2d(f, padding="same"), (c, size, size), n)
      for c, f, size, n in [
          (1, 8, 8, 32), (1, 8, 28, 32), (3, 32, 32, 32), (3, 16, 32, 8), (8, 16, 4, 32), (8, 8, 16, 16),
          (16, 16, 32, 8),
          (16, 32, 14, 32), (32, 32, 32, 32), (32, 64, 16, 32), (64, 64, 16, 32), (64, 64, 16, 4), (64, 32, 8, 32),
          (128, 128, 8, 32), (128, 128, 4, 16), (256, 256, 8, 8), (32, 32, 64, 2), (24, 48, 28, 1), (64, 64, 7, 16),
      ]),
    (Conv2d(64), (32, 14, 14), 32), (Conv2d(16, groups=16, padding="same"), (16, 16, 16), 32),
    (Conv2d(64, groups=4, padding="same"), (64, 16, 16), 32),
    (Conv2d(32, stride=(2, 2), padding="same"), (16, 32, 32), 32),
    *((Conv2d(f, (k, k), padding="same"), (c, size, size), n)
      for c, f, k, size, n in [
          (1, 20, 5, 28, 32), (20, 50, 5, 12, 32), (32, 32, 7, 16, 16), (3, 64, 7, 64, 4), (16, 16, 11, 32, 8),
          (8, 8, 15, 32, 8), (16, 16, 15, 64, 2), (16, 16, 31, 64, 4), (4, 4, 21, 48, 8), (32, 32, 9, 24, 8),
          (1, 1, 5, 128, 2), (1, 1, 15, 128, 2), (1, 1, 31, 256, 1), (1, 4, 15, 256, 1), (1, 1, 9, 512, 1),
          (2, 2, 7, 96, 4),
          (1, 8, 25, 64, 16), (64, 64, 5, 8, 32), (64, 128, 13, 13, 8), (1, 1, 61, 512, 1), (1, 1, 25, 800, 1),
      ]),
    (Conv2d(8, (15, 15), stride=(2, 2), padding="same"), (8, 48, 48), 4), (Conv2d(16, (21, 21)), (3, 64, 64), 4),
    (Conv2d(32, (1, 1)), (32, 16, 16), 32), (Conv2d(16, (1, 9), padding="same"), (16, 1, 200), 16),
    (Conv2d(8, (1, 65), padding="same"), (4, 1, 1000), 8),
]  # fmt: skip


def clock(call: Callable[[], None], seconds: float) -> float:
    """Median of the processor time of a call, in ns, of as many calls as fit."""
    call()
    times: list[int] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 50):
        start = time.thread_time_ns()
        call()
        times.append(time.thread_time_ns() - start)
    return float(statistics.median(times))


def measure(seconds: float) -> tuple[dict[str, list[tuple[choice.Counts, float]]], list[dict[str, float]]]:
    """Counts with times by line of `COSTS`; for each convolution and pass the times by algorithm and tile."""
    lines: dict[str, list[tuple[choice.Counts, float]]] = defaultdict(list)
    races: list[dict[str, float]] = []
    for layer, shape, n in CONVOLUTIONS:
        found: dict[str, dict[str, float]] = {which: {} for which in PASSES}
        for name, tolerance in (
            ("gemm", 1.0),
            ("winograd", 1.0),
            ("winograd", 1e-6),
            ("fft", 1.0),
            ("oaconvolve", 1.0),
        ):
            forced = dataclasses.replace(layer, algorithm=name, tolerance=tolerance)
            convolution = forced.convolution(shape, n)
            if choice.declines(name, convolution) is not None:
                continue
            plan = forced.choose((shape,), n, 4)
            if name == "winograd" and tolerance == 1.0:  # the cheapest may be tiles of 2×2
                plan = dict(plan)
                for which in PASSES:
                    rows, columns = choice.winograd_block(convolution, which, 4)
                    plan |= {f"{which}_tile": 4, f"{which}_rows": rows, f"{which}_columns": columns}
            alone = Alone(dataclasses.replace(forced, bias=False), shape, n=n, dtype=np.float32, plan=plan)
            alone.run()
            alone.frame.dy[...] = alone.c
            for which in PASSES:
                taken = clock(getattr(alone.frame.views, which), seconds)
                counts = choice.COUNTS[name](convolution, which, plan)
                lines[choice.family(name, which, plan)].append((counts, taken))
                found[which][f"{name}{plan.get(f'{which}_tile', '')}"] = taken
        for which, times in found.items():
            races.append(times)
            text = "  ".join(f"{name} {taken / 1e6:.3f}" for name, taken in sorted(times.items(), key=lambda t: t[1]))
            print(f"{shape} {layer.filters}@{layer.kernel} n={n} {which}: {text}", file=sys.stderr)
    return lines, races


def fit(rows: list[tuple[choice.Counts, float]]) -> tuple[choice.Counts, float]:
    """Nanoseconds for each count, and the median relative error."""
    counts = np.array([count for count, _ in rows], float)
    times = np.array([taken for _, taken in rows])
    relative = counts / times[:, None]
    scale = np.maximum(relative.max(axis=0), 1e-30)
    solution, _ = nnls(relative / scale, np.ones(len(rows)))
    missed = np.abs(relative / scale @ solution - 1)
    return tuple(float(f"{value:.3g}") for value in solution / scale), float(np.median(missed))


def lost(races: list[dict[str, float]]) -> list[tuple[float, str]]:
    """What `auto` takes over the fastest, by convolution and pass, the worst first."""
    found = []
    for index, times in enumerate(races):
        layer, shape, n = CONVOLUTIONS[index // len(PASSES)]
        which = PASSES[index % len(PASSES)]
        plan = dataclasses.replace(layer, algorithm="auto").choose((shape,), n, 4)
        name = f"{choice.algorithm_of(plan, which)}{plan.get(f'{which}_tile', '')}"
        best = min(times, key=lambda key: times[key])
        text = f"{shape} {layer.filters}@{layer.kernel} n={n} {which}: {name}, {best} measured faster"
        found.append((times[name] / times[best], text))
    return sorted(found, reverse=True)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.3
    with threadpool_limits(1):
        lines, races = measure(seconds)
    print("COSTS: dict[str, Counts] = {")
    for line, rows in lines.items():
        costs, missed = fit(rows)
        choice.COSTS[line] = costs
        print(f'    "{line}": {costs},  # {len(rows)} measurements, median error {missed:.0%}')
    print("}")
    losses = lost(races)
    print("auto over the fastest: geometric mean", round(float(np.exp(np.mean([np.log(r) for r, _ in losses]))), 3))
    for ratio, text in losses[:12]:
        print(f"  {ratio:.2f}  {text}")


if __name__ == "__main__":
    main()
