from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import NonNegative
from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer

CUT = 2.0


@initializer("truncated_normal")
@dataclass(frozen=True, slots=True)
class TruncatedNormal(InitializerBase):
    """Normally distributed values around 0 with the deviation `std`, drawn again where they are beyond 2 `std`.

    What is left has 0.8796 of the deviation. PyTorch's trunc_normal_ cuts at ±2 whatever the deviation, and has 1 as
    default of `std`.
    """

    std: NonNegative = 0.01

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        values: Array = rng.standard_normal(parameter.shape)
        while (beyond := np.abs(values) > CUT).any():
            values[beyond] = rng.standard_normal(np.count_nonzero(beyond))
        return values * self.std
