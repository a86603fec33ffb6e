from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import Count
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric


@metric("top_k")
@dataclass(frozen=True, slots=True)
class TopK(Metric):
    """Share of samples whose true class has one of the `k` largest outputs, from 0 to 1.

    Of equal outputs the first counts as the larger, so that `k: 1` is `accuracy`. It is NaN from the first output that
    is NaN.
    """

    better: ClassVar[Literal["max", "min"]] = "max"
    k: Count = 5

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "classes" or len(output) != 1:
            raise ShapeError("top_k needs class numbers as targets and one output for each class")
        if self.k >= output[0]:
            message = f"top_k of {output[0]} classes is always 1 for k = {self.k}"
            raise ShapeError(message, hint=f"k is at most {output[0] - 1}")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        masks = {name: Work((*output, n), dtype=bool) for name in ("ahead", "equal", "before")}
        return masks | {"true": Work((n,)), "place": Work((n,), dtype=np.intp), "rank": Work((n,), dtype=np.intp)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        ahead, equal, before, true, rank = (work[name] for name in ("ahead", "equal", "before", "true", "rank"))
        classes, n = y.shape
        place = work["place"]
        place.fill(1)
        np.add.accumulate(place, out=place)
        np.subtract(place, 1, out=place)
        np.multiply(t, n, out=rank)
        np.add(place, rank, out=place)
        y.reshape(-1).take(place, out=true, mode="clip")
        np.greater(y, true, out=ahead)
        np.equal(y, true, out=equal)
        np.less(np.arange(classes)[:, None], t, out=before)
        np.logical_and(equal, before, out=equal)
        np.logical_or(ahead, equal, out=ahead)
        np.add.reduce(ahead, axis=0, dtype=np.intp, out=rank)
        np.less(rank, self.k, out=before[0])
        nan = math.isnan(np.maximum.reduce(y, axis=None))
        totals[0] += math.nan if nan else np.count_nonzero(before[0])
        totals[1] += n

    def value(self, totals: Array) -> float:
        return float(totals[0] / totals[1]) if totals[1] else float("nan")
