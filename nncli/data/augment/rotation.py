from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncli.fields import NonNegative
from nncli.kernels.resampling import Border
from nncli.parts import AugmentFrame, Movement, Shape, Work
from nncli.registry import augment


@augment("rotation")
@dataclass(frozen=True, slots=True)
class Rotation(Movement):
    """Turns images about their centre by up to `degrees` to either side, uniform.

    `border` is what comes in at the corners: the nearest pixel (`edge`), zeros, or the mirror image (`reflect`).

    Shapes
        x (C, H, W, N)

    Source: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual
    document analysis", section 2.
    """

    degrees: NonNegative = 10.0
    border: Border = "edge"

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        return {"numbers": Work((n, 1), dtype=np.float32)}

    def apply(self, f: AugmentFrame) -> None:
        numbers, matrix = f.work["numbers"], f.matrix
        f.uniform(numbers, "")
        angle = f.offset[0]
        np.subtract(numbers[:, 0], 0.5, out=angle)
        np.multiply(angle, math.radians(2 * self.degrees), out=angle)
        np.cos(angle, out=matrix[0, 0])
        np.copyto(matrix[1, 1], matrix[0, 0])
        np.sin(angle, out=matrix[0, 1])
        np.negative(matrix[0, 1], out=matrix[1, 0])
        angle.fill(0)
