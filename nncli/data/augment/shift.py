from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import NonNegativePair
from nncli.kernels.resampling import Border
from nncli.parts import AugmentFrame, Movement, Shape, Work
from nncli.registry import augment


@augment("shift")
@dataclass(frozen=True, slots=True)
class Shift(Movement):
    """Moves images by up to `pixels` up or down and left or right, both uniform; parts of pixels too.

    `pixels` is one number or (vertical, horizontal). `border` is what comes in: the nearest pixel (`edge`), zeros, or
    the mirror image (`reflect`). For whole pixels see `crop`.

    Shapes
        x (C, H, W, N)

    Source: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual
    document analysis", section 2.
    """

    pixels: NonNegativePair = (2.0, 2.0)
    border: Border = "edge"

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        return {"numbers": Work((n, 2), dtype=np.float32)}

    def apply(self, f: AugmentFrame) -> None:
        numbers = f.work["numbers"]
        f.uniform(numbers, "")
        np.subtract(numbers.T, 0.5, out=f.offset)
        for offset, most in zip(f.offset, self.pixels, strict=True):
            np.multiply(offset, 2 * most, out=offset)
