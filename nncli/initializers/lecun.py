from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("lecun")
@dataclass(frozen=True, slots=True)
class LeCun(InitializerBase):
    """Random values of variance 1 / fan_in: sums of inputs of variance 1 have variance 1, as SELU's fixed point asks.

    `distribution` is `normal` or `uniform`.

    Source: LeCun et al. 1998, "Efficient BackProp", equation 16; Klambauer et al. 2017, "Self-normalizing neural
    networks" (arXiv:1706.02515), "Initialization" (normal).
    """

    distribution: Literal["normal", "uniform"] = "normal"

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        deviation = math.sqrt(1 / parameter.fan_in)
        if self.distribution == "normal":
            return rng.standard_normal(parameter.shape) * deviation
        bound = deviation * math.sqrt(3)
        return rng.uniform(-bound, bound, parameter.shape)
