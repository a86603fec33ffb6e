from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.errors import ShapeError, SpecError
from nncli.fields import Axes
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


@layer("permute")
@dataclass(frozen=True, slots=True)
class Permute(Layer):
    """The axes of each sample in another order: axis i of the output is axis `axes`[i] of the input, counted from 0.

    PyTorch counts the batch too, as axis 0; here it stays where it is and does not count.

    Shapes (N samples), for `axes` [1, 2, 0]
        x (C, H, W, N)   ->   y (H, W, C, N)

    Gradients
        dx = dy with its axes put back

    Raises SpecError unless `axes` are 0, 1, … in some order, ShapeError unless the input has as many.
    """

    axes: Axes

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if sorted(self.axes) != list(range(len(self.axes))):
            hint = "name every axis of a sample once, from 0; the batch does not count"
            raise SpecError(f"{list(self.axes)} is no order of axes", hint=hint)
        if len(self.axes) != len(x):
            hint = f"name all axes from 0 to {len(x) - 1}"
            raise ShapeError(f"permute puts {len(self.axes)} axes in order, not the {len(x)} of {x}", hint=hint)
        return Declared(tuple(x[axis] for axis in self.axes))

    def prepare(self, f: Frame) -> tuple[Array, Array | None]:
        axes = (*self.axes, len(self.axes))
        return f.x.transpose(axes), f.dx.transpose(axes) if f.dx is not None else None

    def forward(self, f: Frame) -> None:
        np.copyto(f.y, f.views[0])

    def backward(self, f: Frame) -> None:
        _, dx = f.views
        if dx is not None:
            np.copyto(dx, f.dy)
