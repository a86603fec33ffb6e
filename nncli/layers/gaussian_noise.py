from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import NonNegative
from nncli.kernels.normal import box_muller
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


@layer("gaussian_noise")
@dataclass(frozen=True, slots=True)
class GaussianNoise(Layer):
    """Adds normal random numbers of mean 0 and standard deviation `std` while training; else it is the identity.

    Shapes
        x any   ->   y the same

    Gradients
        dx = dy

    Source: Bishop 1995, "Training with noise is equivalent to Tikhonov regularization". The normal numbers are made
    from pairs of uniform ones of float32 (`nncli.kernels.normal`), so that none is beyond 5.77 std.
    """

    std: NonNegative = 0.1

    traits: ClassVar[Traits] = Traits(in_place=True, needs_x=False, random=True, evaluation="identity", suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        return Declared(inputs[0], flops=10 * math.prod(inputs[0]))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        half = -(-math.prod(inputs[0]) // 2)
        return {
            "noise": Work((n, 2 * half), dtype=np.float32, scratch=True),
            "spare": Work((n, half), dtype=np.float32, scratch=True),
        }

    def prepare(self, f: Frame) -> Array:
        count = math.prod(f.x.shape[:-1])
        return f.work["noise"][:, :count].T.reshape(f.x.shape)

    def forward(self, f: Frame) -> None:
        noise = f.work["noise"]
        f.uniform(noise)
        box_muller(noise, f.work["spare"])
        np.multiply(noise, self.std, out=noise)
        np.add(f.x, f.views, out=f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is not None:
            np.copyto(f.dx, f.dy)
