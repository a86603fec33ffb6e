from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Positive
from nncli.kernels.rectify import rectify
from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Traits
from nncli.registry import layer


@layer("softplus")
@dataclass(frozen=True, slots=True)
class Softplus(Elementwise):
    """Smooth rectifier: ``y = log(1 + exp(beta x)) / beta``; the larger `beta`, the closer to ReLU.

    Computed as max(0, x) + log(1 + exp(−beta |x|)) / beta, so that no exponential overflows.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy / (1 + exp(−beta x)) = dy (1 − exp(−beta y))

    Source: Dugas et al. 2001, "Incorporating second-order functional knowledge for better option pricing". PyTorch
    also has a `threshold` (20) from which on it takes y = x, off by 2e-9 there; here is none.
    """

    beta: Positive = 1.0

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="he")
    cost: ClassVar[int] = 7

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        tail = work["slope"]
        np.absolute(x, out=tail)
        np.multiply(tail, -self.beta, out=tail)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        np.multiply(tail, 1 / self.beta, out=tail)
        rectify(x, y)
        np.add(y, tail, out=y)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        np.multiply(known, -self.beta, out=slope)
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)
