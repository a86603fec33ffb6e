"""Compares gradients with numeric ones, array by array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from nncli.gradcheck.numeric import SURE, WIDTH, Estimate, derivative, steadied
from nncli.parts import Array

LIMIT = 1e-8
"""Error of an array that passes however exact the numeric gradient is."""
SAFETY = 4.0
"""A difference of so many estimated errors agrees."""
INEXACT = 1e-4
"""Estimated error, as part of the array's scale, from which a numeric gradient says nothing."""
SMALL = 128
"""Size up to which every coordinate of an array is checked by itself, unless options say otherwise."""
MANY = 2**19
"""Product of an array's size and the number of outputs beyond which its coordinates are not checked by themselves: each
takes several passes of the node. Of `batch_norm` with 64 channels of 8 × 8 pixels and four samples it is 2**20."""
DIRECTIONS = 8
"""Random directions along which a larger array is checked."""
LONGEST = 64
"""Length up to which an axis is searched for the place of a fault."""

Verdict = Literal["agrees", "zero", "wrong", "undecided"]


class Subject(Protocol):
    """Something with outputs that depend on `values`, which may be changed in place, and gradients of ⟨c, outputs⟩."""

    c: Array

    @property
    def terms(self) -> float:
        """How large the numbers are of which outputs are differences, at least."""

    @property
    def values(self) -> Mapping[str, Array]: ...
    def forward(self) -> Array: ...
    def gradients(self, c: Array | None = None) -> Mapping[str, Array]: ...
    def axes(self, name: str) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Options:
    """How thoroughly is checked."""

    exhaustive: bool = False
    directions: int = DIRECTIONS
    seed: int = 0
    tries: int = 3
    """Step sizes at most."""
    small: int = SMALL
    """Size up to which every coordinate is checked by itself, unless outputs are many."""
    width: float = WIDTH
    """First step, in units of the size of what is moved."""
    sure: float = SURE
    """Estimated relative error that needs no other step."""


@dataclass(frozen=True)
class Finding:
    """What came out for one array.

    error       the largest absolute difference over the larger of the two largest absolute values; 0 where both are 0
    estimated   the numeric gradient's own error, on the same scale
    directions  along which all coordinates together were moved; 0: each by itself
    kinks       of `outputs`, how many were left out at most because they have a kink here
    avoided     how many had a kink here and were compared beside it instead
    """

    array: str
    size: int
    directions: int
    error: float
    estimated: float
    kinks: int
    outputs: int
    verdict: Verdict
    note: str = ""
    avoided: int = 0

    @property
    def passed(self) -> bool:
        return self.verdict in ("agrees", "zero")

    @property
    def inexact(self) -> bool:
        """Whether it is undecided because rounding leaves too little of the numeric gradient, not because of kinks."""
        return self.verdict == "undecided" and self.estimated > 0


@dataclass
class Pairs:
    """Numeric and analytic derivatives along the same lines."""

    numeric: list[float] = field(default_factory=list)
    analytic: list[float] = field(default_factory=list)
    estimated: list[float] = field(default_factory=list)
    kinks: int = 0
    skipped: int = 0

    def add(self, estimate: Estimate, analytic: float) -> None:
        self.kinks = max(self.kinks, estimate.kinks)
        if not estimate.decided:
            self.skipped += 1
            return
        self.numeric.append(estimate.value)
        self.analytic.append(analytic)
        self.estimated.append(estimate.error)

    @property
    def scale(self) -> float:
        """The larger of the two largest absolute values; NaN where anything is."""
        return float(np.abs(np.array([self.numeric, self.analytic])).max(initial=0.0))

    def wrong(self) -> Array:
        """For each line whether the two differ by more than their errors; what is not finite is wrong."""
        numeric, analytic, estimated = np.array([self.numeric, self.analytic, self.estimated])
        agrees: Array = np.abs(numeric - analytic) <= LIMIT * self.scale + SAFETY * estimated
        return ~agrees

    def verdict(self) -> tuple[float, float, Verdict]:
        """Error, estimated error, verdict."""
        if not self.numeric:
            return 0.0, 0.0, "undecided"
        scale, estimated = self.scale, max(self.estimated)
        if scale == 0:
            return 0.0, 0.0, "zero"
        error = float(np.abs(np.array(self.numeric) - self.analytic).max()) / scale
        if self.wrong().any():
            return error, estimated / scale, "wrong"
        if max(map(abs, self.analytic)) <= SAFETY * estimated:
            return 0.0, 0.0, "zero"
        return error, estimated / scale, "undecided" if estimated > INEXACT * scale else "agrees"


def check_array(subject: Subject, name: str, options: Options) -> Finding:
    """Compare one array's gradient with a numeric one; on a difference, say where it is."""
    value = subject.values[name]
    each = options.exhaustive or (value.size <= options.small and value.size * subject.c.size <= MANY)
    rng = np.random.default_rng(options.seed)
    lines = _units(value) if each else (rng.normal(size=value.shape) for _ in range(options.directions))
    gradient = subject.gradients()[name]
    if not np.isfinite(gradient).all():
        note = f"{np.count_nonzero(~np.isfinite(gradient))} of {gradient.size} numbers are not finite"
        return Finding(name, value.size, 0 if each else options.directions, np.inf, 0.0, 0, 0, "wrong", note)
    pairs = _compare(subject, name, gradient, lines, options)
    error, estimated, verdict = pairs.verdict()
    note = ""
    if verdict == "wrong":
        note = _ratio(pairs) or _place(subject, name, gradient, options, pairs if each else None)
    return Finding(
        name,
        value.size,
        0 if each else options.directions,
        error,
        estimated,
        pairs.kinks,
        subject.c.size,
        verdict,
        note,
    )


def check_subject(subject: Subject, options: Options, names: Iterable[str] | None = None) -> list[Finding]:
    """Every array that the subject has a gradient of."""
    return [check_array(subject, name, options) for name in (subject.gradients() if names is None else names)]


def _compare(subject: Subject, name: str, gradient: Array, lines: Iterable[Array], options: Options) -> Pairs:
    pairs = Pairs()
    value = subject.values[name]
    base = value.copy()
    size = float(np.sqrt(np.mean(np.square(base)))) if base.size else 0.0

    for direction in lines:

        def outputs(t: float, direction: Array = direction) -> Array:
            np.multiply(direction, t, out=value)
            np.add(value, base, out=value)
            return subject.forward()

        estimate = derivative(outputs, subject.c, size, options.tries, subject.terms, options.width, options.sure)
        value[...] = base
        kept = estimate.kept
        shown = gradient
        if kept is not None and kept.any():
            shown = subject.gradients(np.where(kept, subject.c, 0.0))[name]
        analytic = float(np.vdot(shown, direction))
        if abs(estimate.value - analytic) > LIMIT * abs(analytic) + SAFETY * estimate.error:
            estimate = steadied(outputs, subject.c, estimate, size)
            value[...] = base
        pairs.add(estimate, analytic)
    return pairs


def _units(value: Array) -> Iterator[Array]:
    for index in np.ndindex(value.shape):
        unit = np.zeros(value.shape)
        unit[index] = 1.0
        yield unit


def _ratio(pairs: Pairs) -> str:
    """Whether one is a multiple of the other."""
    numeric, analytic = np.array(pairs.numeric), np.array(pairs.analytic)
    square = float(np.vdot(numeric, numeric))
    if len(numeric) < 2 or not square:
        return ""
    factor = float(np.vdot(numeric, analytic)) / square
    rest = float(np.abs(analytic - factor * numeric).max())
    if rest > 1e-2 * abs(factor - 1) * float(np.abs(numeric).max()):
        return ""
    digits = 6 if abs(factor - 1) > 1e-5 else 10
    return f"{factor:.{digits}g} times the numeric gradient"


def _place(subject: Subject, name: str, gradient: Array, options: Options, each: Pairs | None) -> str:
    """In which slices along each axis the gradient is wrong, where that is not all of them."""
    shape = subject.values[name].shape
    rng = np.random.default_rng(options.seed + 1)
    found = []
    wrong = each.wrong().reshape(shape) if each is not None and not each.skipped else None
    for axis, (length, called) in enumerate(zip(shape, subject.axes(name), strict=True)):
        if not 2 <= length <= LONGEST:
            continue
        if wrong is not None:
            bad = np.flatnonzero(wrong.any(axis=tuple(other for other in range(len(shape)) if other != axis)))
        else:
            lines = []
            for index in range(length):
                line = np.zeros(shape)
                here = (slice(None),) * axis + (index,)
                line[here] = rng.normal(size=line[here].shape)
                lines.append(line)
            pairs = _compare(subject, name, gradient, lines, options)
            bad = np.flatnonzero(pairs.wrong()) if not pairs.skipped else np.arange(length)
        if len(bad) < length:
            found.append(f"{called} {_listed(bad)}")
    return "wrong only at " + ", ".join(found) if found else ""


def _listed(indices: Array) -> str:
    """0, 3 or 5–9."""
    runs = np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1)
    return " and ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs if len(run))
