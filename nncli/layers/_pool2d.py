"""What layers with a pooling window share: shapes, and the slices that each tap of the window reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nncli.errors import ShapeError
from nncli.fields import Pair
from nncli.kernels import pooling
from nncli.kernels.window import overlap, positions
from nncli.parts import Array, Declared, Frame, Layer, Shape


class Taps(NamedTuple):
    """Slices of x and of dx for each tap of the window, and the parts of dx that start as zeros."""

    inputs: list[Array]
    gradients: list[Array]
    zeros: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Pool2d(Layer):
    """Base of pooling layers; `stride` is the window's size unless it is given."""

    size: Pair = (2, 2)
    stride: Pair | None = None

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
        if self.size[0] > x[1] or self.size[1] > x[2]:
            raise ShapeError(
                f"a window of {self.size[0]}×{self.size[1]} does not fit into an image of {x[1]}×{x[2]}",
                hint="use a smaller `size`, fewer poolings before it, or `padding: same` in the convolutions before it",
            )
        rows, columns = (positions(x[axis + 1], self.size[axis], self.step[axis]) for axis in (0, 1))
        return Declared((x[0], rows, columns), flops=x[0] * rows * columns * self.size[0] * self.size[1])

    def prepare(self, f: Frame) -> Taps:
        output = f.y.shape[1], f.y.shape[2]
        inputs = pooling.taps(f.x, self.size, self.step, output)
        if f.dx is None:
            return Taps(inputs, [], ())
        zeros: tuple[Array, ...] = (f.dx,)
        if self.step == self.size:
            zeros = f.dx[:, output[0] * self.size[0] :], f.dx[:, :, output[1] * self.size[1] :]
        gradients = pooling.taps(f.dx, self.size, self.step, output)
        return Taps(inputs, gradients, tuple(part for part in zeros if part.size))
