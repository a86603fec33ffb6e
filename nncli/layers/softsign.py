from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.layers._elementwise import Elementwise
from nncli.parts import Array, Traits
from nncli.registry import layer


@layer("softsign")
@dataclass(frozen=True, slots=True)
class Softsign(Elementwise):
    """Sigmoid shape with slowly falling slopes: ``y = x / (1 + |x|)``.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy / (1 + |x|)² = dy (1 − |y|)²

    Source: Bergstra et al. 2009, "Quadratic polynomials learn better image features"; Glorot & Bengio 2010,
    "Understanding the difficulty of training deep feedforward neural networks", section 3.3.
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="glorot")
    cost: ClassVar[int] = 3

    def value(self, x: Array, y: Array, work: Mapping[str, Array]) -> None:
        below = work["slope"]
        np.absolute(x, out=below)
        np.add(below, 1, out=below)
        np.divide(x, below, out=y)

    def slope(self, known: Array, slope: Array, work: Mapping[str, Array]) -> None:
        np.absolute(known, out=slope)
        np.subtract(1, slope, out=slope)
        np.square(slope, out=slope)
