from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Metric, Shape, Work
from nncli.registry import metric


@metric("macro_f1")
@dataclass(frozen=True, slots=True)
class MacroF1(Metric):
    """Mean of the classes' F1 scores, from 0 to 1: rare classes count as much as frequent ones.

    ``F1 = 2 TP / (2 TP + FP + FN)``, the harmonic mean of precision and recall; the guess is the largest output, the
    first of equals. The mean is over the classes that occur or are guessed (scikit-learn's f1_score with
    average="macro" takes the same ones); a class that occurs and is never guessed right counts 0, as with its
    zero_division=0. It is NaN from the first output that is NaN.
    """

    better: ClassVar[Literal["max", "min"]] = "max"

    def check(self, output: Shape, target: Literal["classes", "values"]) -> None:
        if target != "classes" or len(output) != 1:
            raise ShapeError("macro_f1 needs class numbers as targets and one output for each class")

    def size(self, output: Shape) -> int:
        """For each class: right guesses, guesses, samples."""
        return 3 * output[0]

    def workspace(self, output: Shape, n: int) -> dict[str, Work]:
        guess = {"rows": Work((n, *output)), "guess": Work((n,), dtype=np.intp)}
        return guess | {"equal": Work((n,), dtype=bool), "right": Work((n,), dtype=np.float64)}

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        rows, guess = work["rows"], work["guess"]
        np.copyto(rows, y.T)
        np.argmax(rows, axis=1, out=guess)
        np.equal(guess, t, out=work["equal"])
        np.copyto(work["right"], work["equal"])
        right, guessed, samples = totals.reshape(3, -1)
        right += np.bincount(t, work["right"], len(right))
        guessed += np.bincount(guess, minlength=len(right))
        samples += np.bincount(t, minlength=len(right))
        if math.isnan(np.maximum.reduce(rows, axis=None)):
            right += math.nan

    def value(self, totals: Array) -> float:
        right, guessed, samples = totals.reshape(3, -1)
        seen = guessed + samples > 0
        if not seen.any():
            return float("nan")
        return float(np.mean(2 * right[seen] / (guessed + samples)[seen]))
