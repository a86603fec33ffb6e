from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import Sides
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


class Views(NamedTuple):
    """The parts of y around the image that hold the value, and pairs of parts that hold the same, of y and x, of dy
    and dx: the whole image first, then every line and corner that repeats some of it."""

    around: list[Array]
    values: list[tuple[Array, Array]]
    errors: list[tuple[Array, Array]]


@layer("pad2d")
@dataclass(frozen=True, slots=True)
class Pad2d(Layer):
    """Images with rows and columns around them.

    `sides` says how many: one number, [vertical, horizontal] or [[top, bottom], [left, right]]. `mode` says what they
    hold: `constant` the `value`, `edge` the outermost row or column again (PyTorch's `replicate`), `reflect` those
    inside the outermost, mirrored.

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, top + H + bottom, left + W + right, N)

    Gradients
        dx = dy inside, plus the dy of every place that repeats x

    Raises ShapeError unless the input is an image, with `reflect` one of more rows and columns than are to be added.
    """

    sides: Sides
    mode: Literal["constant", "reflect", "edge"] = "constant"
    value: float = 0.0

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"pad2d takes images (channels, height, width), not {x}",
                hint="put it before `flatten` or `dense`, where there still are images",
            )
        for ends, size, name in zip(self.sides, x[1:], ("height", "width"), strict=True):
            if self.mode == "reflect" and max(ends) >= size:
                hint = f"add at most {size - 1}, or use `mode: edge`"
                raise ShapeError(f"an image of {name} {size} has no {max(ends)} lines to mirror", hint=hint)
        return Declared((x[0], x[1] + sum(self.sides[0]), x[2] + sum(self.sides[1])))

    def prepare(self, f: Frame) -> Views:
        down, across = (self._runs(sides, size) for sides, size in zip(self.sides, f.x.shape[1:3], strict=True))
        every = slice(None)
        places = [((every, row, column), (every, line, at)) for row, line in down for column, at in across]
        around = []
        if self.mode == "constant":
            rows, columns = down[0][0], across[0][0]
            around = [f.y[:, : rows.start], f.y[:, rows.stop :]]
            around += [f.y[:, rows, : columns.start], f.y[:, rows, columns.stop :]]
        values = [(f.y[place], f.x[source]) for place, source in places]
        dx = f.dx
        return Views(around, values, [] if dx is None else [(f.dy[place], dx[source]) for place, source in places])

    def _runs(self, sides: tuple[int, int], size: int) -> list[tuple[slice, slice]]:
        """Along an axis, which places of the output hold which of the image: all of it, then line by line."""
        before, after = sides
        runs = [(slice(before, before + size), slice(0, size))]
        if self.mode == "constant":
            return runs
        mirrored = self.mode == "reflect"
        lines = [(before - away, away * mirrored) for away in range(1, before + 1)]
        lines += [(before + size - 1 + away, size - 1 - away * mirrored) for away in range(1, after + 1)]
        return runs + [(slice(place, place + 1), slice(source, source + 1)) for place, source in lines]

    def forward(self, f: Frame) -> None:
        for part in f.views.around:
            part.fill(self.value)
        for part, source in f.views.values:
            np.copyto(part, source)

    def backward(self, f: Frame) -> None:
        if f.dx is None:
            return
        (inner, _), *repeats = f.views.errors
        np.copyto(f.dx, inner)
        for part, source in repeats:
            np.add(source, part, out=source)
