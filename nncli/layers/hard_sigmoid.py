from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nncli.kernels.gate import gate, gate_slope
from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Traits
from nncli.registry import layer


@layer("hard_sigmoid")
@dataclass(frozen=True, slots=True)
class HardSigmoid(Elementwise):
    """Sigmoid of three straight pieces: ``y = x / 6 + 1/2``, limited to 0 … 1 (reached at x = −3 and 3).

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy / 6 where 0 < y < 1, else 0 (0 at the kinks)

    Source: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244, section 5.2. Courbariaux et al. 2015
    (arXiv:1511.00363) take the slope ½, older versions of Keras 0.2.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, fusable=True, suits="glorot")
    cost: ClassVar[int] = 4

    def apply(self, part: Array) -> None:
        gate(part, part)

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        gate(x, y)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        gate_slope(known, slope)
