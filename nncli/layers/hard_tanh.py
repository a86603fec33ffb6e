from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Shape, Traits, Work
from nncli.registry import layer


@layer("hard_tanh")
@dataclass(frozen=True, slots=True)
class HardTanh(Elementwise):
    """Limits each number to `min` … `max`.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy where min < y < max, else 0 (0 at the kinks)

    Raises ValueError unless `min` is below `max`.

    Source: Collobert 2004, "Large scale machine learning" (thesis, Paris VI).
    """

    min: float = -1.0
    max: float = 1.0

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, fusable=True, suits="glorot")
    cost: ClassVar[int] = 2

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        shape = (*inputs[0], n)
        return {"slope": Work(shape, scratch=True), "mask": Work(shape, dtype=bool, scratch=True)}

    def __post_init__(self) -> None:
        if not self.min < self.max:
            raise ValueError(f"min ({self.min:g}) must be below max ({self.max:g})")

    def apply(self, part: Array) -> None:
        np.clip(part, self.min, self.max, out=part)

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        np.clip(x, self.min, self.max, out=y)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        mask = work["mask"]
        np.greater(known, self.min, out=mask)
        np.less(known, self.max, out=slope)
        np.multiply(slope, mask, out=slope)
