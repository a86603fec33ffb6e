from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("lecun")
@dataclass(frozen=True, slots=True)
class Lecun(InitializerBase):
    """Random values of variance 1 / fan_in: keeps the variance of signals through linear layers, and with `selu`.

    Source: LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", equation 16; Klambauer et al. 2017
    (arXiv:1706.02515) for SELU.
    """

    distribution: Literal["normal", "uniform"] = "normal"

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        deviation = math.sqrt(1 / parameter.fan_in)
        if self.distribution == "normal":
            return rng.standard_normal(parameter.shape) * deviation
        bound = deviation * math.sqrt(3)
        return rng.uniform(-bound, bound, parameter.shape)
