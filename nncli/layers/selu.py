from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from nncli.kernels.exponential_linear import exponential_linear, exponential_linear_slope
from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Shape, Traits, Work
from nncli.registry import layer

ALPHA = 1.6732632423543772
SCALE = 1.0507009873554805


@layer("selu")
@dataclass(frozen=True, slots=True)
class Selu(Elementwise):
    """Scaled exponential linear unit: ``y = λ x`` for x > 0, else ``λ α (exp(x) − 1)``.

    With λ = 1.0507009873554805 and α = 1.6732632423543772, weights from LeCun's normal distribution (the default
    before this activation) and standardized inputs, numbers keep about mean 0 and variance 1 through any depth. For
    dropout between such layers see `alpha_dropout`.

    Shapes
        x any   ->   y the same

    Gradients
        dx = λ dy where y > 0, else (y + λ α) dy (so too at x = 0)

    Source: Klambauer et al. 2017, "Self-normalizing neural networks", arXiv:1706.02515, equation 2.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="lecun")
    cost: ClassVar[int] = 5

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {name: Work((*inputs[0], n), scratch=True) for name in ("slope", "spare")}

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        exponential_linear(x, y, work["slope"], ALPHA, SCALE)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        exponential_linear_slope(known, slope, work["spare"], ALPHA, SCALE)
