from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncli.fields import NonNegative
from nncli.parts import Array, InitializerBase, Parameter
from nncli.registry import initializer


@initializer("normal")
@dataclass(frozen=True, slots=True)
class Normal(InitializerBase):
    """Normally distributed values around 0 with the deviation `std`, whatever the fans.

    Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks",
    section 5, whose 0.01 is the default (PyTorch's normal_: 1).
    """

    std: NonNegative = 0.01

    def draw(self, rng: np.random.Generator, parameter: Parameter) -> Array:
        return rng.standard_normal(parameter.shape) * self.std
