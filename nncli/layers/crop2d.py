from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import Sides
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


@layer("crop2d")
@dataclass(frozen=True, slots=True)
class Crop2d(Layer):
    """Images without their outermost rows and columns.

    `sides` says how many: one number, [vertical, horizontal] or [[top, bottom], [left, right]].

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, H − top − bottom, W − left − right, N)

    Gradients
        dx = dy where x was kept, else 0

    Raises ShapeError unless the input is an image of which something is left.
    """

    sides: Sides

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"crop2d takes images (channels, height, width), not {x}",
                hint="put it before `flatten` or `dense`, where there still are images",
            )
        height, width = x[1] - sum(self.sides[0]), x[2] - sum(self.sides[1])
        if height < 1 or width < 1:
            message = f"nothing is left of an image of {x[1]}×{x[2]} without {[list(ends) for ends in self.sides]}"
            raise ShapeError(message, hint="`sides` are [[top, bottom], [left, right]]; crop less")
        return Declared((x[0], height, width))

    def prepare(self, f: Frame) -> tuple[Array, Array | None]:
        (top, _), (left, _) = self.sides
        inner = slice(None), slice(top, top + f.y.shape[1]), slice(left, left + f.y.shape[2])
        return f.x[inner], f.dx[inner] if f.dx is not None else None

    def forward(self, f: Frame) -> None:
        np.copyto(f.y, f.views[0])

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            f.dx.fill(0)
            np.copyto(f.views[1], f.dy)
