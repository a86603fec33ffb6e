from __future__ import annotations

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
    """Share of samples whose largest output is that of the true class, from 0 to 1; the first of equals counts."""

    better: ClassVar[Literal["max", "min"]] = "max"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "classes" or len(output) != 1:
            raise ShapeError("accuracy needs class numbers as targets and one output for each class")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"guess": Work((n,), dtype=np.intp), "right": Work((n,), dtype=bool)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        np.argmax(y, axis=0, out=work["guess"])
        np.equal(work["guess"], t, out=work["right"])
        totals[0] += np.count_nonzero(work["right"])
        totals[1] += len(t)

    def value(self, totals: Array) -> float:
        return float(totals[0] / totals[1]) if totals[1] else float("nan")
