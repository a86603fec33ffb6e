from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from nncli.parts import Array, Shape, Step
from nncli.registry import preprocess

_SAMPLES = 2**16
"""Samples at most from which quantiles are taken, evenly from the whole split: they are known to half a per cent."""
_BLOCK = 2**10
"""Samples in one go: `np.interp` has no `out`, so that what it takes must not grow with the batch."""


@preprocess("quantile")
@dataclass(frozen=True, slots=True)
class Quantile(Step):
    """Give each number of a sample the same distribution as all others, by its rank.

    `distribution` is `normal`, or `uniform` from 0 to 1. What counts is which values of the training split are smaller,
    not by how much: long tails and outliers come near the rest. Between `quantiles` points of the split's distribution
    function it is linear, beyond its ends constant. Equal values share the mean of their levels.

    Shapes
        x (…, N) of F numbers: points and levels (F, K), unused places at the end filled with the last

    Source: Blom 1958, "Statistical estimates and transformed beta-variables" (α = ½); as
    scikit-learn's QuantileTransformer, whose ends lie at ±5.2, here at the normal score of a half over K.
    """

    distribution: Literal["normal", "uniform"] = "normal"
    quantiles: Annotated[int, Ge(2), Le(10_000)] = 1000

    def fit(self, batches: Callable[[], Iterable[Array]], shape: Shape) -> dict[str, Array]:
        total = sum(batch.shape[-1] for batch in batches())
        every, start, kept = -(-total // _SAMPLES), 0, []
        for batch in batches():
            n = batch.shape[-1]
            kept.append(batch.reshape(-1, n)[:, -start % every :: every].copy())
            start += n
        values = np.concatenate(kept, axis=1)
        count = min(self.quantiles, values.shape[1])
        shares = (np.arange(count) + 0.5) / count
        scores = shares
        if self.distribution == "normal":
            scores = np.array([NormalDist().inv_cdf(share) for share in shares])
        points = np.quantile(values, shares, axis=1, method="hazen").T
        levels = np.empty_like(points)
        for row, level in zip(points, levels, strict=True):
            different, place = np.unique(row, return_inverse=True)
            means = np.bincount(place, weights=scores) / np.bincount(place)
            row[: len(different)], row[len(different) :] = different, different[-1]
            level[: len(different)], level[len(different) :] = means, means[-1]
        return {"points": points, "levels": levels}

    def apply(self, x: Array, fitted: Mapping[str, Array]) -> None:
        flat, points, levels = x.reshape(-1, x.shape[-1]), fitted["points"], fitted["levels"]
        if len(flat) != len(points):
            raise ValueError(f"there are quantiles of {len(points)} numbers, not of {math.prod(x.shape[:-1])}")
        for values, point, level in zip(flat, points, levels, strict=True):
            for start in range(0, len(values), _BLOCK):
                part = values[start : start + _BLOCK]
                part[...] = np.interp(part, point, level)
