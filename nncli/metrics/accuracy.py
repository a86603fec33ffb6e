from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric


@metric("accuracy")
@dataclass(frozen=True, slots=True)
class Accuracy(Metric):
    """Share of samples whose largest output is that of the true class, from 0 to 1; the first of equals counts.

    It is NaN from the first output that is NaN: there is no largest among those.
    """

    better: ClassVar[Literal["max", "min"]] = "max"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "classes" or len(output) != 1:
            raise ShapeError(
                "accuracy needs class numbers as targets and one output for each class",
                hint="for values use `rmse`, for targets 0 and 1 `binary_accuracy`",
            )

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"rows": Work((n, *output)), "guess": Work((n,), dtype=np.intp), "right": Work((n,), dtype=bool)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        rows, guess, right = work["rows"], work["guess"], work["right"]
        np.copyto(rows, y.T)  # np.argmax would make this copy too, in new memory
        np.argmax(rows, axis=1, out=guess)
        np.equal(guess, t, out=right)
        totals[0] += math.nan if math.isnan(np.maximum.reduce(rows, axis=None)) else np.count_nonzero(right)
        totals[1] += len(t)

    def value(self, totals: Array) -> float:
        return float(totals[0] / totals[1]) if totals[1] else float("nan")
