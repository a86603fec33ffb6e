"""How the algorithms of a convolution round: `ERRORS` of `nncli.kernels.convolution_choice`, measured.

    python -m tests.benchmarks.convolution_errors

Prints the norm of a pass's difference to float64 over the norm of its result, the largest over some shapes, normal and
rectified inputs.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import numpy as np

from nncli.gradcheck.alone import Alone
from nncli.kernels import convolution_choice as choice
from nncli.kernels.gemm_blocking import PASSES
from nncli.layers.conv2d import Conv2d
from nncli.parts import Array

CONVOLUTIONS = [
    (Conv2d(3, padding="same"), (3, 32, 32), 8),
    (Conv2d(32, padding="same"), (32, 16, 16), 8),
    (Conv2d(128, padding="same"), (128, 8, 8), 8),
    (Conv2d(32, (9, 9), padding="same"), (32, 24, 24), 4),
    (Conv2d(16, (9, 9), groups=16, padding="same"), (16, 16, 16), 8),
    (Conv2d(16, (31, 31), padding="same"), (16, 64, 64), 2),
    (Conv2d(1, (31, 31), padding="same"), (1, 128, 128), 2),
]
NAMES = {"gemm": 1.0, "winograd4": 1.0, "winograd2": 1e-6, "fft": 1.0, "oaconvolve": 1.0}
"""With the tolerance that allows them and nothing worse."""


def results(layer: Conv2d, given: list[Array], plan: dict[str, object], dtype: type) -> dict[str, Array]:
    """What the passes give for x, W and dy."""
    x, W, c = (array.astype(dtype) for array in given)
    alone = Alone(layer, x.shape[:3], n=x.shape[3], dtype=dtype, x=[x], p={"W": W}, plan=plan)
    alone.c = c
    y, found = alone.run()
    return {"forward": y, "weight": found["W"], "input": found["x0"]}


def main() -> None:
    worst: dict[tuple[str, str], float] = defaultdict(float)
    for convolution, shape, n in CONVOLUTIONS:
        layer = dataclasses.replace(convolution, bias=False)
        for rectified in (False, True):
            rng = np.random.default_rng(0)
            declared = layer.declare(shape)
            shapes = (*shape, n), declared.parameters["W"].shape, (*declared.output, n)
            given = [rng.normal(size=size).astype(np.float32) for size in shapes]
            if rectified:
                given[0] = np.maximum(given[0], 0)
            exact = results(layer, given, choice.choose(layer.convolution(shape, n, 8), "gemm"), np.float64)
            for name, tolerance in NAMES.items():
                algorithm = name.rstrip("24")
                c = layer.convolution(shape, n)
                if choice.declines(algorithm, c) is not None:
                    continue
                plan = choice.choose(c, algorithm, tolerance)
                if name == "winograd4":  # the plan may prefer tiles of 2×2
                    for which in PASSES:
                        plan |= {f"{which}_tile": 4, f"{which}_rows": 1, f"{which}_columns": 1}
                for which, found in results(layer, given, plan, np.float32).items():
                    error = np.linalg.norm(found - exact[which]) / np.linalg.norm(exact[which])
                    worst[name, which] = max(worst[name, which], float(error))
    for (name, which), error in worst.items():
        print(f"{name:11} {which:8} {error:.1e}  stated {choice.ERRORS.get(name, 0):.1e}")


if __name__ == "__main__":
    main()
