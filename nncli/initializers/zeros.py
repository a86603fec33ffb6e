from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("zeros")
@dataclass(frozen=True, slots=True)
class Zeros(InitializerBase):
    """All zero: for biases."""

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        return np.zeros(parameter.shape)
