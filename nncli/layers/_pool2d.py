"""What layers with a pooling window share: shapes, and the slices that each tap of the window reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nncli.errors import ShapeError, SpecError
from nncli.fields import Pair, Sides
from nncli.kernels import pooling
from nncli.kernels.window import overlap, positions
from nncli.parts import Array, Declared, Frame, Layer, Shape


class Taps(NamedTuple):
    """For each tap of the window its slices of x and of dx, and which part of the output it reaches.

    `parts` are those parts of y, None without padding, where each tap reaches all of it. `zeros` are the parts of dx
    that start as zeros.
    """

    places: list[pooling.Place]
    inputs: list[Array]
    parts: list[Array] | None
    gradients: list[Array]
    zeros: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Pool2d(Layer):
    """Base of pooling layers; `stride` is the window's size unless it is given."""

    size: Pair = (2, 2)
    stride: Pair | None = None

    @property
    def sides(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The padding, ((top, bottom), (left, right))."""
        return (0, 0), (0, 0)

    @property
    def step(self) -> tuple[int, int]:
        return self.stride or self.size

    @property
    def overlapping(self) -> bool:
        return overlap(self.size, self.step)

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"{self.type_name} takes images (channels, height, width), not {x}",
                hint="put it before `flatten` or `dense`, where there still are images",
            )
        window = f"a window of {self.size[0]}×{self.size[1]}"
        if any(max(sides) >= size for sides, size in zip(self.sides, self.size, strict=True)):
            text = " and ".join(str(list(sides)) for sides in self.sides if any(sides))
            hint = "use a padding below the window's size on each side"
            raise SpecError(f"{window} would lie in a padding of {text} alone", hint=hint)
        height, width = padded = x[1] + sum(self.sides[0]), x[2] + sum(self.sides[1])
        if self.size[0] > height or self.size[1] > width:
            more = f" padded to {height}×{width}" if padded != x[1:] else ""
            raise ShapeError(
                f"{window} does not fit into an image of {x[1]}×{x[2]}{more}",
                hint="use a smaller `size`, fewer poolings before it, or `padding: same` in the convolutions before it",
            )
        rows, columns = (positions(padded[axis], self.size[axis], self.step[axis]) for axis in (0, 1))
        return Declared((x[0], rows, columns), flops=x[0] * rows * columns * self.size[0] * self.size[1])

    def taps(self, f: Frame) -> Taps:
        image, output = (f.x.shape[1], f.x.shape[2]), (f.y.shape[1], f.y.shape[2])
        (top, bottom), (left, right) = self.sides
        both = pooling.places(image, self.size, self.step, output, (top, left))
        places, reads = [place for place, _ in both], [read for _, read in both]
        inputs = [f.x[read] for read in reads]
        parts = [f.y[place] for place in places] if top or bottom or left or right else None
        if f.dx is None:
            return Taps(places, inputs, parts, [], ())
        zeros: tuple[Array, ...] = (f.dx,)
        if self.step == self.size:
            zeros = f.dx[:, output[0] * self.size[0] - top :], f.dx[:, :, output[1] * self.size[1] - left :]
        return Taps(places, inputs, parts, [f.dx[read] for read in reads], tuple(part for part in zeros if part.size))


@dataclass(frozen=True, slots=True)
class PaddedPool2d(Pool2d):
    """Base of pooling layers whose windows may begin and end outside the image."""

    padding: Sides = ((0, 0), (0, 0))

    @property
    def sides(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.padding
