from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Decay
from nncli.parts import Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("leaky_relu")
@dataclass(frozen=True, slots=True)
class LeakyRelu(Layer):
    """Rectified linear unit with a `slope` for negative inputs: ``y = x`` for x > 0, else ``slope · x``.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy where y > 0, else slope · dy (so too at the kink x = 0)

    Source: Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    slope: Decay = 0.01

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="he")

    def flat(self) -> tuple[float, float] | None:
        return (0.0, math.inf) if self.slope == 0 else None

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=2 * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"scaled": Work((*inputs[0], n), scratch=True)}

    def forward(self, f: Frame) -> None:
        scaled = f.work["scaled"]
        np.multiply(f.x, self.slope, out=scaled)
        np.maximum(f.x, scaled, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            factor = f.work["scaled"]
            np.greater(f.y, 0, out=factor)
            np.maximum(factor, self.slope, out=factor)
            np.multiply(f.dy, factor, out=f.dx)
