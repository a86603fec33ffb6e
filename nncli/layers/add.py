from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


@layer("add")
@dataclass(frozen=True, slots=True)
class Add(Layer):
    """Sum of two or more inputs of one shape, such as a branch and what skips it.

    Shapes
        each x the same   ->   y the same

    Gradients
        each dx = dy

    Raises ShapeError where the shapes differ.

    Source: He et al. 2016, "Deep residual learning for image recognition", arXiv:1512.03385, equation 1.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, inputs=(2, None), suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        if len(set(inputs)) > 1:
            shapes = " and ".join(str(shape) for shape in dict.fromkeys(inputs))
            raise ShapeError(
                f"add takes inputs of one shape, not {shapes}",
                hint="bring them to one shape, for images by a `conv2d` with `kernel: 1` or `padding: same`",
            )
        return Declared(inputs[0], flops=(len(inputs) - 1) * math.prod(inputs[0]))

    def forward(self, f: Frame) -> None:
        np.add(f.xs[0], f.xs[1], out=f.y)
        for x in f.xs[2:]:
            np.add(f.y, x, out=f.y)

    def backward(self, f: Frame) -> None:
        for dx in f.dxs:
            if dx is not None:
                np.copyto(dx, f.dy)
