from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric

_BITS = 12
"""Significant bits of a batch's shift. Squares of shifts times numbers of samples then add up exactly, as long as those
numbers stay below 2²⁹ in all; targets less their shift have lost three and a half digits of a large mean."""
_NOISE = 64 * np.finfo(np.float64).eps
"""A sum of squares that is smaller than this part of its terms is none: the targets are all equal."""


@metric("r2")
@dataclass(frozen=True, slots=True)
class R2(Metric):
    """Coefficient of determination, ``1 − Σ (t − y)² / Σ (t − t̄)²``: of each output, then the mean over the outputs.

    1 is perfect, 0 as good as the mean of the targets, and below is worse. An output whose targets are all equal
    counts 1 where it is right throughout, else 0. All of this is scikit-learn's r2_score.

    Totals of batches must add up, and Σ t² less (Σ t)² / n loses all digits where the mean is large. So each batch is
    shifted by a number c near its mean that has few bits. Of the targets, n Σ c and n Σ c² are exact, and the sums of
    t − c, of (t − c)² and of c (t − c) small; the four are put together in exact arithmetic. With a mean of a million
    deviations eight digits are left.
    """

    better: ClassVar[Literal["max", "min"]] = "max"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "values":
            raise ShapeError("r2 needs values as targets, not class numbers", hint="use `accuracy`")

    def size(self, output: Shape) -> int:
        """The number of samples, then for each output the five sums of targets and that of squared errors."""
        return 1 + 6 * math.prod(output)

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        return {"part": Work((math.prod(output), n), dtype=np.float64)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        part, n = work["part"], y.shape[-1]
        y, t = y.reshape(-1, n), t.reshape(-1, n)
        shifts, squares, rests, products, rest_squares, errors = totals[1:].reshape(6, -1)
        totals[0] += n
        np.subtract(y, t, out=part, dtype=np.float64)
        np.multiply(part, part, out=part)
        errors += np.add.reduce(part, axis=1)
        c = _rounded(np.add.reduce(t, axis=1, dtype=np.float64) / n)
        np.subtract(t, c[:, None], out=part)
        rest = np.add.reduce(part, axis=1)
        np.multiply(part, part, out=part)
        shifts += n * c
        squares += n * c * c
        rests += rest
        products += c * rest
        rest_squares += np.add.reduce(part, axis=1)

    def value(self, totals: Array) -> float:
        if totals[0] < 2:
            return float("nan")
        n = Fraction(float(totals[0]))
        scores = []
        for *sums, error in totals[1:].reshape(6, -1).T.tolist():
            c, cc, d, cd, dd = (Fraction(value) for value in sums)
            spread = float(cc + 2 * cd + dd - (c + d) ** 2 / n)
            if spread > _NOISE * float(dd + 2 * abs(cd)):
                scores.append(1 - error / spread)
            else:
                scores.append(float(error == 0) if error == error else error)
        return float(np.mean(scores))


def _rounded(numbers: Array) -> Array:
    """To the nearest ones of few significant bits."""
    fraction, exponent = np.frexp(numbers)
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, _BITS)), exponent - _BITS))
