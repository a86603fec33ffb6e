from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("tanh")
@dataclass(frozen=True, slots=True)
class Tanh(Layer):
    """Hyperbolic tangent of each number.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy (1 − y²)

    Source: LeCun et al. 1998, "Efficient BackProp", section 4.4.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, fusable=True, suits="glorot")

    def flat(self) -> tuple[float, float]:
        return -0.99, 0.99

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"slope": Work((*inputs[0], n), scratch=True)}

    def apply(self, part: Array) -> None:
        np.tanh(part, out=part)

    def forward(self, f: Frame) -> None:
        np.tanh(f.x, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            slope = f.work["slope"]
            np.multiply(f.y, f.y, out=slope)
            np.subtract(1, slope, out=slope)
            np.multiply(f.dy, slope, out=f.dx)
