from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nncli.fields import Positive
from nncli.kernels.resampling import Border
from nncli.parts import AugmentFrame, Movement, Shape, Work
from nncli.registry import augment


@augment("scaling")
@dataclass(frozen=True, slots=True)
class Scaling(Movement):
    """Enlarges or shrinks images about their centre by up to `by`: 0.1 gives factors from 1/1.1 to 1.1.

    The logarithm of the factor is uniform, so that enlarging is as likely as shrinking. With `each_axis` height and
    width have factors of their own. `border` is what comes in where images shrink: the nearest pixel (`edge`), zeros,
    or the mirror image (`reflect`).

    Shapes
        x (C, H, W, N)

    Source: Cireşan et al. 2010, "Deep, big, simple neural nets for handwritten digit recognition" (arXiv:1003.0358),
    section 3.
    """

    by: Positive = 0.1
    each_axis: bool = False
    border: Border = "edge"

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        return {"numbers": Work((n, 2 if self.each_axis else 1), dtype=np.float32)}

    def apply(self, f: AugmentFrame) -> None:
        numbers = f.work["numbers"]
        f.uniform(numbers, "")
        np.subtract(numbers, 0.5, out=numbers)
        np.multiply(numbers, -2 * math.log1p(self.by), out=numbers)
        np.exp(numbers, out=numbers)
        np.copyto(f.matrix[0, 0], numbers[:, 0])
        np.copyto(f.matrix[1, 1], numbers[:, -1])
