from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.parts import Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("log_softmax")
@dataclass(frozen=True, slots=True)
class LogSoftmax(Layer):
    """Logarithms of softmax: ``y[j] = x[j] − log Σₖ exp(x[k])``, along the first axis of each sample.

    The largest score is subtracted first, so that no exponential overflows. Before a loss prefer
    `softmax_cross_entropy`, which works on the scores.

    Shapes (N samples, F scores; images have F channels)
        x (F, ..., N)   ->   y the same

    Gradients
        dx[j] = dy[j] − exp(y[j]) Σₖ dy[k]

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="glorot")

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=5 * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        x = inputs[0]
        return {"shares": Work((*x, n), scratch=True), "sum": Work((1, *x[1:], n), scratch=True)}

    def forward(self, f: Frame) -> None:
        shares, along = f.work["shares"], f.work["sum"]
        np.maximum.reduce(f.x, axis=0, keepdims=True, out=along)
        np.subtract(f.x, along, out=f.y)
        np.exp(f.y, out=shares)
        np.add.reduce(shares, axis=0, keepdims=True, out=along)
        np.log(along, out=along)
        np.subtract(f.y, along, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            shares, along = f.work["shares"], f.work["sum"]
            np.exp(f.y, out=shares)
            np.add.reduce(f.dy, axis=0, keepdims=True, out=along)
            np.multiply(shares, along, out=shares)
            np.subtract(f.dy, shares, out=f.dx)
