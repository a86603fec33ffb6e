from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("ones")
@dataclass(frozen=True, slots=True)
class Ones(InitializerBase):
    """All one: for gains."""

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        return np.ones(parameter.shape)
