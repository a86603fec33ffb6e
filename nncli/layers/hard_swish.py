from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.kernels.gate import gate, gate_slope
from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Shape, Traits, Work
from nncli.registry import layer


@layer("hard_swish")
@dataclass(frozen=True, slots=True)
class HardSwish(Elementwise):
    """`silu` of three pieces: ``y = x · gate``, where the gate x / 6 + 1/2 is limited to 0 … 1.

    Shapes
        x any   ->   y the same

    Gradients
        dx = (gate + x / 6) dy where 0 < gate < 1, else gate · dy (so too at the kinks x = −3 and 3)

    Source: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244, section 5.2.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, suits="he")
    cost: ClassVar[int] = 5

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {name: Work((*inputs[0], n), scratch=True) for name in ("slope", "gate")}

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        share = work["gate"]
        gate(x, share)
        np.multiply(x, share, out=y)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        share = work["gate"]
        gate(known, share)
        gate_slope(share, slope)
        np.multiply(slope, known, out=slope)
        np.add(slope, share, out=slope)
