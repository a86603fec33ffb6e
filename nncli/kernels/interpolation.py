"""Linear interpolation along one axis at a whole-numbered scale, as passes over whole slices, and its adjoint."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nncli.parts import Array


class Phase(NamedTuple):
    """Every scale-th output: `all` of them, the `inner` ones that lie between two inputs, the one at the `edge`.

    inner = (1 − weight) · x[near] + weight · x[far], edge = x[last]. Each is an index of a whole array.
    """

    all: tuple[slice, ...]
    inner: tuple[slice, ...]
    edge: tuple[slice, ...]
    near: tuple[slice, ...]
    far: tuple[slice, ...]
    last: tuple[slice, ...]
    weight: float


class Stretch(NamedTuple):
    """The phases of an axis, and scratch memory of the input's shape."""

    phases: list[Phase]
    part: Array


def stretch(size: int, scale: int, axis: int, part: Array) -> Stretch:
    """How `size` positions along `axis` become scale · size.

    Output r·scale + p lies at r + (p + ½) / scale − ½: before or after input r, by the same for all r.
    """

    def at(start: int, stop: int, step: int = 1) -> tuple[slice, ...]:
        return (slice(None),) * axis + (slice(start, stop, step),)

    phases = []
    for phase in range(scale):
        offset = (phase + 0.5) / scale - 0.5
        every = at(phase, scale * size, scale)
        low, high = at(0, size - 1), at(1, size)
        first, last = at(0, 1), at(size - 1, size)
        inner_low, inner_high = at(phase, scale * (size - 1), scale), at(phase + scale, scale * size, scale)
        if offset < 0:
            edge = at(phase, phase + 1)
            phases.append(Phase(every, inner_high, edge, high, low, first, -offset))
        else:
            edge = at(scale * (size - 1) + phase, scale * size, scale)
            phases.append(Phase(every, inner_low, edge, low, high, last, offset))
    return Stretch(phases, part)


def enlarge(along: Stretch, x: Array, y: Array) -> None:
    """Write y, scale times as long as x."""
    for phase in along.phases:
        if phase.weight == 0:
            np.copyto(y[phase.all], x)
            continue
        part = along.part[phase.near]
        np.subtract(x[phase.far], x[phase.near], out=part)
        np.multiply(part, phase.weight, out=part)
        np.add(x[phase.near], part, out=y[phase.inner])
        np.copyto(y[phase.edge], x[phase.last])


def gather(along: Stretch, dy: Array, dx: Array) -> None:
    """Write dx, the adjoint of `enlarge`."""
    dx.fill(0)
    for phase in along.phases:
        if phase.weight == 0:
            np.add(dx, dy[phase.all], out=dx)
            continue
        part = along.part[phase.near]
        np.multiply(dy[phase.inner], phase.weight, out=part)
        np.add(dx[phase.far], part, out=dx[phase.far])
        np.subtract(dy[phase.inner], part, out=part)
        np.add(dx[phase.near], part, out=dx[phase.near])
        np.add(dx[phase.last], dy[phase.edge], out=dx[phase.last])
