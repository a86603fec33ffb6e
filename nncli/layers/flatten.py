from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from nncli.parts import Declared, Layer, Shape, Traits
from nncli.registry import layer


@layer("flatten")
@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    """The same numbers as a vector, channel by channel and row by row. It is a view and costs nothing.

    Shapes (N samples)
        x (C, H, W, N)   ->   y (C·H·W, N)

    Gradients
        dx = dy in the shape of x
    """

    traits: ClassVar[Traits] = Traits(needs_x=False, view=True, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        return Declared((math.prod(inputs[0]),))
