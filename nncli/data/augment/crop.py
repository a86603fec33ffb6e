from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Count
from nncli.kernels.resampling import Border
from nncli.parts import AugmentFrame, Movement, Shape, Work
from nncli.registry import augment


@augment("crop")
@dataclass(frozen=True, slots=True)
class Crop(Movement):
    """Puts `padding` pixels around images and cuts out a window of the old size, anywhere, all places equally likely.

    That moves them by whole pixels, so nothing is blurred. `border` is what the padding holds: zeros (the mean of
    standardized data), the nearest pixel (`edge`) or the mirror image (`reflect`).

    Shapes
        x (C, H, W, N)

    Source: He et al. 2016, "Deep residual learning for image recognition" (arXiv:1512.03385), section 4.2.
    """

    padding: Count = 4
    border: Border = "zero"

    whole: ClassVar[bool] = True

    def workspace(self, shape: Shape, n: int) -> dict[str, Work]:
        return {"numbers": Work((n, 2), dtype=np.float32)}

    def apply(self, f: AugmentFrame) -> None:
        numbers = f.work["numbers"]
        f.uniform(numbers, "")
        np.multiply(numbers, 2 * self.padding + 1, out=numbers)
        np.floor(numbers, out=numbers)
        # the product is rounded, and may be rounded up to the number that it must stay below
        np.minimum(numbers, 2 * self.padding, out=numbers)
        np.subtract(numbers.T, self.padding, out=f.offset)
