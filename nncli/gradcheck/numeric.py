"""Derivatives by differences, with an estimate of their error, and with an eye for kinks.

`scipy.differentiate` would estimate errors as well, but it takes a function for smooth where ReLU and maximum are not;
here every output is looked at by itself, and those with a kink near the point are left out. (The tests hold this file
against `scipy.differentiate` where functions are smooth.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nncli.parts import Array

Line = Callable[[float], Array]
"""Outputs at base + t · direction; a new array for each t."""

WIDTH = 1e-4
"""First step, in units of the size of what is moved. Richardson's error is then 1e-16 where the function bends over a
length of 1, and rounding 1e-11 or so."""
SHRINK = 10.0
UNSMOOTH = 1e-7
"""Part of the largest slope by which an output may deviate from what is smooth before it is taken for a kink."""
SURE = 1e-9
"""Estimated relative error that needs no other step."""
OTHERS = (0.41, 0.58, 0.83)
"""Steps, as parts of the one that was taken, by which a suspicious estimate is looked at again: they meet no kinks that
it did not meet."""
NOTHING = 1e-6
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Estimate:
    """The derivative of ⟨c, outputs⟩ along a line. `error` is its estimated size of error.

    `kept` are the outputs that have no kink within a step (None: all of them); `value` is of those alone.
    """

    value: float
    error: float
    kept: Array | None = None
    step: float = 0.0

    @property
    def kinks(self) -> int:
        return 0 if self.kept is None else int(self.kept.size - np.count_nonzero(self.kept))

    @property
    def decided(self) -> bool:
        """Whether any output is left."""
        return self.kept is None or bool(self.kept.any())


def differences(line: Line, at: Array, c: Array, h: float, terms: float = 0.0) -> Estimate:
    """Central differences with steps h and h/2, extrapolated (Richardson 1911); `at` are the outputs at t = 0.

    A smooth output has C(h) − C(h/2) = O(h²), and slopes to both sides that differ in proportion to h. One that
    breaks either rule has a kink within h of the point and is left out. Outputs are rounded as numbers of the size of
    `terms` are, if they are smaller themselves.
    """
    up, down, near_up, near_down = line(h), line(-h), line(h / 2), line(-h / 2)
    wide, narrow, twice = up - down, near_up - near_down, 2 * at
    wide /= 2 * h
    narrow /= h
    noise = 8 * EPS * float(np.abs(at).max(initial=terms)) / h
    slope = max(float(np.abs(wide).max(initial=0.0)), float(np.abs(narrow).max(initial=0.0)))
    # The bends, in place: fresh memory for large outputs costs more time than the sums.
    up -= twice
    up += down
    up /= 2 * h
    near_up -= twice
    near_up += near_down
    near_up /= h / 2
    near_up -= up
    gap = narrow - wide
    unsmooth = np.maximum(np.abs(gap), np.abs(near_up))
    kept = unsmooth <= UNSMOOTH * slope + 2 * noise
    weights = c if kept.all() else np.where(kept, c, 0.0)
    truncation = abs(float(np.vdot(weights, gap))) / 3
    narrow += gap / 3
    value = float(np.vdot(weights, narrow))
    rounding = noise * _norm(weights) + 1e-11 * abs(value)
    return Estimate(value, truncation + rounding, None if kept.all() else kept, h)


def _norm(weights: Array) -> float:
    """L2, also where squares would underflow: errors of 1e-300 arrive behind saturated units."""
    largest = float(np.abs(weights).max(initial=0.0))
    return largest * float(np.linalg.norm(weights / largest)) if 0 < largest < np.inf else largest


def steadied(line: Line, c: Array, found: Estimate, size: float) -> Estimate:
    """The same estimate, whose error is at least as large as what other steps make of it.

    Outputs that come of a cancellation (1 + tanh x for x = −8) are rounded more than their size tells. Where they are
    as good as nothing beside the inputs, rounding is taken to be that of the inputs' `size`.
    """
    weights = c if found.kept is None else np.where(found.kept, c, 0.0)
    at = line(0.0)
    spread = 0.0
    for factor in OTHERS:
        h = found.step * factor
        wide, narrow = (line(h) - line(-h)) / (2 * h), (line(h / 2) - line(-h / 2)) / h
        spread = max(spread, abs(float(np.vdot(weights, narrow + (narrow - wide) / 3)) - found.value))
    rounding = EPS * size / found.step * _norm(weights) if np.abs(at).max(initial=0.0) < NOTHING * size else 0.0
    return replace(found, error=max(found.error, spread, rounding))


def derivative(
    line: Line, c: Array, size: float, tries: int, terms: float = 0.0, width: float = WIDTH, sure: float = SURE
) -> Estimate:
    """The best of at most `tries` estimates, each with a smaller step than the one before, from `width` · `size` on.

    `size` is how large the numbers are that the line moves. Smaller steps meet fewer kinks and bend less, but suffer
    more from rounding. Without kinks and with an error of at most `sure` (of the value) the first is taken. Kinks that
    stay however small the step lie at the point itself.
    """
    at = line(0.0)
    best: Estimate | None = None
    h = width * max(size, 1e-2)
    for _ in range(tries):
        found = differences(line, at, c, h, terms)
        if best is None or (found.kinks, found.error) < (best.kinks, best.error):
            best = found
        elif found.kinks == best.kinks and best.decided:
            break
        if not best.kinks and best.error <= sure * abs(best.value):
            break
        h /= SHRINK
    assert best is not None
    return best
