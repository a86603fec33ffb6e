"""What activations share that work number by number and multiply the error by a slope."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.parts import Array, Declared, Frame, Layer, Shape, Work


@dataclass(frozen=True, slots=True)
class Elementwise(Layer):
    """Base of activations: ``dx = dy · slope``. They write `value` and `slope`; scratch arrays have x's shape.

    Where traits say that y is read on the way back, the slope follows from y, else from x.
    """

    cost: ClassVar[int]
    """Operations for each number."""

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=self.cost * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"slope": Work((*inputs[0], n), scratch=True)}

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        """Write y, which may be x."""
        raise NotImplementedError

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        """Write the derivative; `slope` is `work["slope"]`."""
        raise NotImplementedError

    def forward(self, f: Frame) -> None:
        self.value(f.x, f.y, f.work)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            slope = f.work["slope"]
            self.slope(f.y if self.traits.needs_y else f.x, slope, f.work)
            np.multiply(f.dy, slope, out=f.dx)
