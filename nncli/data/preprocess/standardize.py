from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncli.parts import Array, Shape, Step
from nncli.registry import preprocess

_LEAST = float(np.finfo(np.float32).tiny)


@preprocess("standardize")
@dataclass(frozen=True, slots=True)
class Standardize(Step):
    """Bring the training split to mean 0 and standard deviation 1: ``x ← (x − mean) / std``.

    `per` says what has a mean and a deviation of its own: each number of a sample (`feature`), each channel of an image
    (`channel`; of a vector that is each feature), or nothing (`all`: one pair for the whole). What is constant on the
    training split becomes 0 there: its std is taken as 1.

    Shapes
        x (C, H, W, N): mean and std (C, 1, 1) per channel, (C, H, W) per feature, (1, 1, 1) for all

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", for adding up blocks; the
    deviation is that of the population (divided by N).
    """

    per: Literal["channel", "feature", "all"] = "channel"

    def fit(self, batches: Callable[[], Iterable[Array]], shape: Shape) -> dict[str, Array]:
        first = {"channel": 1, "feature": len(shape), "all": 0}[self.per]
        axes = tuple(range(first, len(shape) + 1))
        count, shift, mean, squares = 0, None, np.zeros(()), np.zeros(())
        for batch in batches():
            # Numbers are taken from one of their own kind, so that constants give exact zeros whatever they are.
            if shift is None:
                shift = batch[(slice(None),) * first + (slice(1),) * len(axes)].copy()
            x = np.subtract(batch, shift, dtype=np.float64)
            here = x.shape[-1] * math.prod(shape[first:])
            block_mean = x.mean(axis=axes, keepdims=True)
            x -= block_mean
            np.square(x, out=x)
            distance = block_mean - mean
            squares = squares + x.sum(axis=axes, keepdims=True) + distance**2 * (count * here / (count + here))
            mean = mean + distance * (here / (count + here))
            count += here
        assert shift is not None
        std = np.sqrt(squares / count)
        return {"mean": (mean + shift)[..., 0], "std": np.where(std < _LEAST, 1.0, std)[..., 0]}

    def apply(self, x: Array, fitted: Mapping[str, Array]) -> None:
        np.subtract(x, fitted["mean"][..., None], out=x)
        np.divide(x, fitted["std"][..., None], out=x)

    def undo(self, x: Array, fitted: Mapping[str, Array]) -> None:
        np.multiply(x, fitted["std"][..., None], out=x)
        np.add(x, fitted["mean"][..., None], out=x)
