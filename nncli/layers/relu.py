from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.kernels.rectify import rectify
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("relu")
@dataclass(frozen=True, slots=True)
class Relu(Layer):
    """Rectified linear unit: ``y = max(0, x)``.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy where y > 0, else 0 (0 at the kink x = 0)

    Source: Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, fusable=True, suits="he")

    def flat(self) -> tuple[float, float]:
        return 0.0, math.inf

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0])

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"mask": Work((*inputs[0], n), dtype=bool, scratch=True)}

    def apply(self, part: Array) -> None:
        rectify(part, part)

    def forward(self, f: Frame) -> None:
        rectify(f.x, f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            np.greater(f.y, 0, out=f.work["mask"])
            np.multiply(f.dy, f.work["mask"], out=f.dx)
