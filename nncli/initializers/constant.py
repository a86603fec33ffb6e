from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("constant")
@dataclass(frozen=True, slots=True)
class Constant(InitializerBase):
    """All of them `value`: for biases and gains. Weights that are all equal stay equal: they learn one thing only."""

    value: float

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        return np.full(parameter.shape, self.value, np.float64)
