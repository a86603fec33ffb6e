from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.parts import Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("softmax")
@dataclass(frozen=True, slots=True)
class Softmax(Layer):
    """Probabilities from scores: ``y[j] = exp(x[j]) / Σₖ exp(x[k])``, along the first axis of each sample.

    The largest score is subtracted first, so that no exponential overflows. Before a loss prefer
    `softmax_cross_entropy`, which works on the scores.

    Shapes (N samples, F scores; images have F channels)
        x (F, ..., N)   ->   y the same

    Gradients
        dx[j] = y[j] (dy[j] − Σₖ y[k] dy[k])

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, needs_y=True, suits="glorot")

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=5 * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        x = inputs[0]
        return {"product": Work((*x, n), scratch=True), "sum": Work((1, *x[1:], n), scratch=True)}

    def forward(self, f: Frame) -> None:
        along = f.work["sum"]
        np.maximum.reduce(f.x, axis=0, keepdims=True, out=along)
        np.subtract(f.x, along, out=f.y)
        np.exp(f.y, out=f.y)
        np.add.reduce(f.y, axis=0, keepdims=True, out=along)
        np.divide(f.y, along, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            product, along = f.work["product"], f.work["sum"]
            np.multiply(f.dy, f.y, out=product)
            np.add.reduce(product, axis=0, keepdims=True, out=along)
            np.subtract(f.dy, along, out=f.dx)
            np.multiply(f.dx, f.y, out=f.dx)
