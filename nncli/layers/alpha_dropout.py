from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Decay
from nncli.layers.selu import ALPHA, SCALE
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer

LOWEST = -SCALE * ALPHA
"""What SELU gives far below zero."""


@layer("alpha_dropout")
@dataclass(frozen=True, slots=True)
class AlphaDropout(Layer):
    """Dropout for networks of `selu`: keeps mean 0 and variance 1 while training; in evaluation it is the identity.

    Each number is set to α′ = −λα, the lowest that SELU gives, with probability `rate`; then all become a · x + b.

    Shapes
        x any   ->   y the same

    Gradients
        dx = a · dy where x was kept, else 0

    Source: Klambauer et al. 2017, "Self-normalizing neural networks", arXiv:1706.02515, section "New dropout
    technique": with q = 1 − rate, a = (q + α′² q (1 − q))^(−1/2) and b = −a (1 − q) α′.
    """

    rate: Decay = 0.5

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, random=True, evaluation="identity", suits="pass")

    @property
    def affine(self) -> tuple[float, float]:
        """a and b."""
        q = 1 - self.rate
        a = 1 / math.sqrt(q + LOWEST**2 * q * self.rate)
        return a, -a * self.rate * LOWEST

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=3 * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        count = math.prod(inputs[0])
        return {"factor": Work((count, n)), "noise": Work((n, count), dtype=np.float32, scratch=True)}

    def prepare(self, f: Frame) -> tuple[Array, Array]:
        return f.work["noise"].T, f.work["factor"].reshape(f.x.shape)

    def forward(self, f: Frame) -> None:
        """With d = 1 where x is kept, else 0: a (x d + α′ (1 − d)) + b = (x − α′) a d + (a α′ + b)."""
        noise, factor = f.views
        a, b = self.affine
        f.uniform(f.work["noise"])
        np.greater_equal(noise, self.rate, out=f.work["factor"])
        np.multiply(factor, a, out=factor)
        np.subtract(f.x, LOWEST, out=f.y)
        np.multiply(f.y, factor, out=f.y)
        np.add(f.y, a * LOWEST + b, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            np.multiply(f.dy, f.views[1], out=f.dx)
