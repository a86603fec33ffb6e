"""Runs one loss alone, through a frame made as the engine makes it, and measures what every loss must keep.

Everything the loss must write is garbage (NaN) before it is called.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from nncli.gradcheck.alone import AloneLoss as Alone
from nncli.gradcheck.cases import LossCase
from nncli.gradcheck.check import Options, check_subject
from nncli.parts import Array, Loss, Shape

__all__ = [
    "BUFFER",
    "Alone",
    "difference",
    "gradient_error",
    "grows",
    "samples",
    "shard_error",
    "shows_nan",
    "survives",
]


def samples(loss: Loss, output: Shape, n: int, seed: int = 0) -> tuple[Array, Array]:
    """Outputs (…, n) of a network and targets for them, in float64."""
    return LossCase(loss, output).samples(n, seed)


def difference(found: Array, expected: Array) -> float:
    """The largest absolute difference over the largest absolute value expected; NaN where anything is."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))


def gradient_error(case: LossCase) -> float:
    """How far the gradient of a shard's part of the batch's mean is from central differences."""
    (finding,) = check_subject(Alone(case.loss, *case.samples(3), total=5), Options())
    return finding.error


def shard_error(case: LossCase, sizes: Sequence[int]) -> float:
    """How far the shards' losses and gradients, put together, are from those of the whole batch."""
    n = sum(sizes)
    x, t = case.samples(n)
    whole = Alone(case.loss, x, t)
    value, dx = whole.run()
    weight = whole.frame.weight
    parts, start = [], 0
    for size in sizes:
        part = slice(start, start + size)
        parts.append(Alone(case.loss, x[..., part], t[..., part], total=n, weight=weight).run())
        start += size
    together = np.concatenate([part[1] for part in parts], axis=-1)
    return max(abs(sum(part[0] for part in parts) / value - 1), difference(together, dx))


def shows_nan(case: LossCase) -> bool:
    """Whether a NaN in one sample gives a loss that is NaN, and an error that is NaN in that sample and no other."""
    x, t = case.samples(4)
    _, clean = Alone(case.loss, x, t).run()
    alone = Alone(case.loss, x, t)
    alone.x[..., 2].flat[-1] = np.nan
    value, dx = alone.run()
    rest = [0, 1, 3]
    return np.isnan(value) and bool(np.isnan(dx[..., 2]).any()) and difference(dx[..., rest], clean[..., rest]) < 1e-13


def survives(case: LossCase, size: float, dtype: DTypeLike) -> bool:
    """Whether outputs of ±size give a finite loss and error. NumPy's warnings pass through."""
    x, t = case.samples(6)
    value, dx = Alone(case.loss, np.copysign(size, x), t, dtype=dtype).run()
    return np.isfinite(value) and bool(np.isfinite(dx).all())


def grows(case: LossCase) -> int:
    """How many more bytes a steady forward and backward allocate at most for three times as many samples."""
    peaks = []
    for n in (20_000, 60_000):
        alone = Alone(case.loss, *case.samples(n), dtype=np.float32)
        f = alone.frame
        alone.run()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            if case.loss.weighs():
                case.loss.weight(f)
            case.loss.forward(f)
            case.loss.backward(f)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        finally:
            tracemalloc.stop()
    return peaks[1] - peaks[0]


BUFFER = 8192 * 8 + 1024
"""Bytes. NumPy's sum in another type takes a buffer of 8192 elements; an array of the added samples takes 160 kB."""
