from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("he")
@dataclass(frozen=True, slots=True)
class He(InitializerBase):
    """Random values of variance 2 / fan_in: keeps the variance of signals through layers of rectifiers.

    `distribution` is `normal` or `uniform`.

    Source: He et al. 2015, "Delving deep into rectifiers" (arXiv:1502.01852), equation 10.
    """

    distribution: Literal["normal", "uniform"] = "normal"

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        deviation = math.sqrt(2 / parameter.fan_in)
        if self.distribution == "normal":
            return rng.standard_normal(parameter.shape) * deviation
        bound = deviation * math.sqrt(3)
        return rng.uniform(-bound, bound, parameter.shape)
