from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric


@metric("binary_accuracy")
@dataclass(frozen=True, slots=True)
class BinaryAccuracy(Metric):
    """Share of outputs on the right side of `threshold`, from 0 to 1: above it for targets above ½, else not.

    0 is right for logits; for probabilities it is 0.5. With `exact` it is the share of samples whose outputs are all on
    the right side. It is NaN from the first output that is NaN.
    """

    better: ClassVar[Literal["max", "min"]] = "max"
    threshold: float = 0.0
    exact: bool = False

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "values":
            message = "binary_accuracy needs targets 0 and 1 for each output, not class numbers"
            raise ShapeError(message, hint="use `accuracy`")

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        shape = (math.prod(output), n)
        return {"above": Work(shape, dtype=bool), "positive": Work(shape, dtype=bool), "all": Work((n,), dtype=bool)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        above, positive = work["above"], work["positive"]
        np.greater(y.reshape(above.shape), self.threshold, out=above)
        np.greater(t.reshape(above.shape), 0.5, out=positive)
        right = np.equal(above, positive, out=above)
        if self.exact:
            right = np.logical_and.reduce(above, axis=0, out=work["all"])
        totals[0] += math.nan if math.isnan(np.maximum.reduce(y, axis=None)) else np.count_nonzero(right)
        totals[1] += right.size

    def value(self, totals: Array) -> float:
        return float(totals[0] / totals[1]) if totals[1] else float("nan")
