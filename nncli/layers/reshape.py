from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from nncli.errors import ShapeError, SpecError
from nncli.fields import Lengths
from nncli.parts import Declared, Layer, Shape, Traits
from nncli.registry import layer


@layer("reshape")
@dataclass(frozen=True, slots=True)
class Reshape(Layer):
    """The same numbers in another `shape`, in which one length may be −1: what is left for it.

    Numbers keep their order, that of files: the last axis runs fastest. It is a view and costs nothing.

    Shapes (N samples)
        x (any, N)   ->   y (`shape`, N)

    Gradients
        dx = dy in the shape of x

    Raises ShapeError where the numbers do not fill the shape, SpecError where a length is 0 or two are −1.
    """

    shape: Lengths

    traits: ClassVar[Traits] = Traits(needs_x=False, view=True, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        count = math.prod(inputs[0])
        if 0 in self.shape or self.shape.count(-1) > 1:
            hint = "lengths are whole numbers from 1; one of them may be -1"
            raise SpecError(f"{list(self.shape)} is no shape", hint=hint)
        given = math.prod(length for length in self.shape if length > 0)
        if count % given or (-1 not in self.shape and given != count):
            message = f"{count} numbers of {inputs[0]} do not fill {list(self.shape)}"
            raise ShapeError(message, hint="the product of the lengths stays the same; one of them may be -1")
        return Declared(tuple(length if length > 0 else count // given for length in self.shape))
