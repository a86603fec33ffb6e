from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.kernels.logistic import logistic
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("sigmoid")
@dataclass(frozen=True, slots=True)
class Sigmoid(Layer):
    """Logistic function of each number: ``y = 1 / (1 + exp(−x))``.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy y (1 − y)

    Inputs below the logarithm of the type's least normal number (−87 in float32) count as that, so that the
    exponential never overflows; the result is then as good as 0.

    Source: Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors".
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, fusable=True, suits="glorot")

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=4 * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"slope": Work((*inputs[0], n), scratch=True)}

    def apply(self, part: Array) -> None:
        logistic(part, part)

    def forward(self, f: Frame) -> None:
        logistic(f.x, f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            slope = f.work["slope"]
            np.subtract(1, f.y, out=slope)
            np.multiply(slope, f.y, out=slope)
            np.multiply(f.dy, slope, out=f.dx)
