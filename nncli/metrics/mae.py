from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric


@metric("mae")
@dataclass(frozen=True, slots=True)
class Mae(Metric):
    """Mean absolute error over all samples and outputs, in the unit of the targets."""

    better: ClassVar[Literal["max", "min"]] = "min"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "values":
            raise ShapeError("mae needs values as targets, not class numbers", hint="use `accuracy`")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"difference": Work((*output, n))}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        difference = work["difference"]
        np.subtract(y, t, out=difference)
        np.abs(difference, out=difference)
        totals[0] += np.add.reduce(difference, axis=None, dtype=np.float64)
        totals[1] += difference.size

    def value(self, totals: Array) -> float:
        return float(totals[0] / totals[1]) if totals[1] else float("nan")
