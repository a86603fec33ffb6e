from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Decay
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("dropout")
@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    """Zero each number with probability `rate` while training and scale the others by 1 / (1 − rate).

    So the expected value is kept, and in evaluation the layer is the identity.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy / (1 − rate) where x was kept, else 0

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"; we scale while
    training instead of in evaluation.
    """

    rate: Decay = 0.5

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, random=True, evaluation="identity", suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        count = math.prod(inputs[0])
        return {"factor": Work((count, n)), "noise": Work((n, count), dtype=np.float32, scratch=True)}

    def prepare(self, f: Frame) -> tuple[Array, Array]:
        return f.work["noise"].T, f.work["factor"].reshape(f.x.shape)

    def forward(self, f: Frame) -> None:
        noise, factor = f.views
        f.uniform(f.work["noise"])
        np.greater_equal(noise, self.rate, out=f.work["factor"])
        np.multiply(factor, 1 / (1 - self.rate), out=factor)
        np.multiply(f.x, factor, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            np.multiply(f.dy, f.views[1], out=f.dx)
