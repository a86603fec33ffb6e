"""The augmentation of a configuration, done to whole batches: maps are joined, so that pixels are read once."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nncli.kernels.resampling import Border, Grid, resample
from nncli.parts import Array, Augmentation, AugmentFrame, Mixed, Movement, Shape, Work
from nncli.randomness import uniform


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that are done in one go: movements with the same border, a flowing one at the end, or one other step."""

    places: tuple[int, ...]
    border: Border | None = None
    moves: bool = False
    flows: bool = False


def grouped(steps: Sequence[Augmentation]) -> list[Group]:
    """The steps in order; `places` are those in the list."""
    groups: list[Group] = []
    for place, step in enumerate(steps):
        if not isinstance(step, Movement):
            groups.append(Group((place,)))
            continue
        border: Border | None = getattr(step, "border", None)
        last = groups[-1] if groups else Group(())
        fits = last.moves and not last.flows and (None in (last.border, border) or last.border == border)
        if fits:
            groups[-1] = Group((*last.places, place), last.border or border, True, step.flows)
        else:
            groups.append(Group((place,), border, True, step.flows))
    return groups


def augmentation_bytes(steps: Sequence[Augmentation], shape: Shape, n: int, dtype: DTypeLike) -> int:
    """What batches of n samples take: the arrays of all steps, and two whole batches, used in turn."""
    if not steps:
        return 0
    works = [work for step in steps for work in step.workspace(shape, n).values()]
    works += [Work((2, *shape, n))]
    if any(group.moves for group in grouped(steps)):
        works += [*Grid.works(shape, n).values(), Work((18 + sum(shape[1:]), n))]  # and maps
    if any(group.flows for group in grouped(steps)):
        works += [Work((2, *shape[1:], n))]
    return sum(math.prod(work.shape) * np.dtype(work.dtype or dtype).itemsize for work in works)


class Augmenter:
    """The steps for samples of one shape. What they draw follows from the seed, the epoch and the batch's number.

    Its arrays are made once for each size of a batch and then stay.
    """

    def __init__(self, steps: Sequence[Augmentation], shape: Shape, dtype: DTypeLike, seed: int) -> None:
        self.steps, self.shape, self.seed = tuple(steps), shape, seed
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._batches: dict[int, _Batch] = {}

    def apply(
        self,
        x: Array,
        targets: Mapping[str, Array],
        mixed: Mapping[str, Mixed],
        epoch: int,
        number: int,
    ) -> None:
        """Change a batch x (…, n) in place, and where samples are mixed its targets too."""
        n = x.shape[-1]
        batch = self._batches.get(n)
        if batch is None:
            batch = self._batches[n] = _Batch(self, x, targets)
        batch.epoch, batch.number = epoch, number
        for frame in batch.frames:
            frame.x, frame.targets, frame.mixed = x, targets, mixed
        batch.apply(x)


class _Batch:
    """The arrays of all steps for one size of a batch."""

    def __init__(self, of: Augmenter, x: Array, targets: Mapping[str, Array]) -> None:
        self.of, self.n = of, x.shape[-1]
        self.epoch = self.number = 0
        self.groups = grouped(of.steps)
        make = functools.partial(_made, dtype=of.dtype)
        if any(group.moves for group in self.groups):
            self.matrix, self.joined, self.spare = (make(Work((2, 2, self.n))) for _ in range(3))
            self.offset, self.joined_offset, self.spare_offset = (make(Work((2, self.n))) for _ in range(3))
            self.grid = Grid(**{name: make(work) for name, work in Grid.works(of.shape, self.n).items()})
            self.grid.prepare()
            sizes = of.shape[1:]
            self.places = [(np.arange(size) - (size - 1) / 2)[:, None].astype(of.dtype) for size in sizes]
            self.parts = [make(Work((size, self.n))) for size in sizes]
        if any(group.flows for group in self.groups):
            self.flow = make(Work((2, *of.shape[1:], self.n)))
        self.frames = [self._frame(place, step, x, targets) for place, step in enumerate(of.steps)]

    def _frame(self, place: int, step: Augmentation, x: Array, targets: Mapping[str, Array]) -> AugmentFrame:
        frame = AugmentFrame(n=self.n, shape=self.of.shape, x=x, targets=targets)
        if isinstance(step, Movement):
            frame.matrix, frame.offset = self.matrix, self.offset
            if step.flows:
                frame.flow = self.flow
        frame.uniform = functools.partial(self._uniform, f"augment/{place}_{step.type_name}")
        works = step.workspace(self.of.shape, self.n).items()
        frame.work = {name: _made(work, self.of.dtype) for name, work in works}
        frame.views = step.prepare(frame)
        return frame

    def _uniform(self, name: str, out: Array, use: str) -> None:
        uniform(self.of.seed, f"{name}/{use}" if use else name, self.epoch, self.number, 0, out)

    def apply(self, x: Array) -> None:
        for group in self.groups:
            if group.moves:
                self._move(group, x)
            else:
                for place in group.places:
                    self.of.steps[place].apply(self.frames[place])

    # -- movements ---------------------------------------------------------------------------------------------------

    def _move(self, group: Group, x: Array) -> None:
        """Join the maps of a group, and read each pixel from where they lead together."""
        steps = [(self.of.steps[place], self.frames[place]) for place in group.places]
        _begin(self.joined, self.joined_offset)
        for step, frame in steps:
            assert isinstance(step, Movement)
            if not step.flows:
                _begin(self.matrix, self.offset)
            step.apply(frame)
            if not step.flows:
                self._join()
        for axis, size in enumerate(self.of.shape[1:]):
            np.add(self.joined_offset[axis], (size - 1) / 2, out=self.joined_offset[axis])
            self._coordinates(axis)
        if group.flows:
            self._flow(len(steps) > 1)
        whole = all(isinstance(step, Movement) and step.whole for step, _ in steps)
        resample(self.grid, x, group.border or "edge", whole)

    def _join(self) -> None:
        """The map so far, after that of the step: o ↦ joined(matrix · o + offset)."""
        np.einsum("ijn,jn->in", self.joined, self.offset, out=self.spare_offset)
        np.add(self.joined_offset, self.spare_offset, out=self.joined_offset)
        np.einsum("ijn,jkn->ikn", self.joined, self.matrix, out=self.spare)
        np.copyto(self.joined, self.spare)

    def _coordinates(self, axis: int) -> None:
        """Of an affine map one part depends on the row alone, and the other one on the column."""
        (rows, columns), (of_rows, of_columns) = self.places, self.parts
        np.multiply(rows, self.joined[axis, 0], out=of_rows)
        np.add(of_rows, self.joined_offset[axis], out=of_rows)
        np.multiply(columns, self.joined[axis, 1], out=of_columns)
        np.add(of_rows[:, None], of_columns, out=self.grid[axis])

    def _flow(self, turned: bool) -> None:
        """Add joined · flow; where there is no map before it that is the flow itself."""
        for axis in range(2):
            if not turned:
                np.add(self.grid[axis], self.flow[axis], out=self.grid[axis])
                continue
            for other in range(2):
                np.multiply(self.flow[other], self.joined[axis, other], out=self.grid.a)
                np.add(self.grid[axis], self.grid.a, out=self.grid[axis])


def _begin(matrix: Array, offset: Array) -> None:
    """The map that leaves all where it is."""
    matrix.fill(0)
    matrix[0, 0] = matrix[1, 1] = 1
    offset.fill(0)


def _made(work: Work, dtype: np.dtype[Any]) -> Array:
    return np.zeros(work.shape, work.dtype or dtype)
