from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.kernels.logistic import largest, logistic
from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Shape, Traits, Work
from nncli.registry import layer


@layer("silu")
@dataclass(frozen=True, slots=True)
class Silu(Elementwise):
    """Sigmoid-weighted linear unit, also called swish: ``y = x σ(x)`` with σ(x) = 1 / (1 + exp(−x)).

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy σ(x) (1 + x (1 − σ(x)))

    As in `sigmoid`, inputs below −87 in float32 count as that; the result is then as good as 0.

    Source: Elfwing, Uchibe & Doya 2018, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", arXiv:1702.03118; Ramachandran, Zoph & Le 2017, arXiv:1710.05941.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, suits="he")
    cost: ClassVar[int] = 6

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {name: Work((*inputs[0], n), scratch=True) for name in ("slope", "rest")}

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        share = work["slope"]
        logistic(x, share)
        np.maximum(x, -largest(x.dtype), out=y)
        np.multiply(y, share, out=y)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        rest = work["rest"]
        logistic(known, rest)
        np.subtract(1, rest, out=slope)
        np.multiply(slope, known, out=slope)
        np.maximum(slope, -largest(known.dtype), out=slope)
        np.add(slope, 1, out=slope)
        np.multiply(slope, rest, out=slope)
