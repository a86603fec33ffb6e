from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("glorot")
@dataclass(frozen=True, slots=True)
class Glorot(InitializerBase):
    """Random values of variance 2 / (fan_in + fan_out).

    It keeps the variance of signals and of errors alike through linear layers and those like tanh.
    `distribution` is `normal` or `uniform`.

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
    equation 16 (uniform).
    """

    distribution: Literal["normal", "uniform"] = "uniform"

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        deviation = math.sqrt(2 / (parameter.fan_in + parameter.fan_out))
        if self.distribution == "normal":
            return rng.standard_normal(parameter.shape) * deviation
        bound = deviation * math.sqrt(3)
        return rng.uniform(-bound, bound, parameter.shape)
