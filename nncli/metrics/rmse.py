from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric


@metric("rmse")
@dataclass(frozen=True, slots=True)
class Rmse(Metric):
    """Root of the mean squared error over all samples and outputs, in the unit of the targets."""

    better: ClassVar[Literal["max", "min"]] = "min"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "values":
            raise ShapeError("rmse needs values as targets, not class numbers", hint="use `accuracy`")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"difference": Work((*output, n))}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        difference = work["difference"]
        np.subtract(y, t, out=difference)
        flat = difference.reshape(-1)
        totals[0] += float(np.dot(flat, flat))
        totals[1] += flat.size

    def value(self, totals: Array) -> float:
        return math.sqrt(totals[0] / totals[1]) if totals[1] else float("nan")
