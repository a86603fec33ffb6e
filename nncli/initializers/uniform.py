from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import Interval
from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("uniform")
@dataclass(frozen=True, slots=True)
class Uniform(InitializerBase):
    """Evenly distributed values in `bounds`, [low, high); one number b stands for [−b, b).

    The default is Keras's, ±0.05 (PyTorch's uniform_: 0 to 1).
    """

    bounds: Interval = (-0.05, 0.05)

    def __post_init__(self) -> None:
        if not self.bounds[0] < self.bounds[1]:
            raise ValueError("the lower of the `bounds` comes first: [low, high]")

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        low, high = self.bounds
        return low + (high - low) * rng.random(parameter.shape)
