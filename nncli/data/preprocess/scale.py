from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nncli.parts import Array, Step
from nncli.registry import preprocess


@preprocess("scale")
@dataclass(frozen=True, slots=True)
class Scale(Step):
    """Multiply every number by `factor`, then add `offset`: ``x ← factor · x + offset``.

    `scale: 0.00392156862745098` brings bytes to 0 … 1, `scale: {factor: 0.00784313725490196, offset: -1}` to −1 … 1.
    """

    factor: float
    offset: float = 0.0

    def apply(self, x: Array, fitted: Mapping[str, Array]) -> None:
        np.multiply(x, self.factor, out=x)
        if self.offset != 0.0:
            np.add(x, self.offset, out=x)

    def undo(self, x: Array, fitted: Mapping[str, Array]) -> None:
        if self.factor == 0:
            raise NotImplementedError
        np.subtract(x, self.offset, out=x)
        np.divide(x, self.factor, out=x)
