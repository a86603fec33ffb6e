from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nncli.fields import NonNegative
from nncli.kernels.exponential_linear import exponential_linear, exponential_linear_slope
from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Shape, Traits, Work
from nncli.registry import layer


@layer("elu")
@dataclass(frozen=True, slots=True)
class Elu(Elementwise):
    """Exponential linear unit: ``y = x`` for x > 0, else ``α (exp(x) − 1)``.

    `alpha` is α, what it falls to for very negative x.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy where y > 0, else (y + α) dy (so too at x = 0)

    Source: Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network learning by exponential linear
    units (ELUs)", arXiv:1511.07289, section 3.
    """

    alpha: NonNegative = 1.0

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="he")
    cost: ClassVar[int] = 4

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {name: Work((*inputs[0], n), scratch=True) for name in ("slope", "spare")}

    def flat(self) -> tuple[float, float]:
        return -0.9 * self.alpha, math.inf

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        exponential_linear(x, y, work["slope"], self.alpha)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        exponential_linear_slope(known, slope, work["spare"], self.alpha)
