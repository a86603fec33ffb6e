from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Initializer
from nncli.kernels.rectify import rectify
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Traits, Work
from nncli.registry import layer


@layer("prelu")
@dataclass(frozen=True, slots=True)
class Prelu(Layer):
    """Rectified linear unit with a trained slope for negative inputs: ``y = x`` for x > 0, else ``a[j] x``.

    Each channel (the first axis) has a slope of its own; with `shared` there is one for all. Slopes start at 0.25
    unless there is another initializer `init`, and weight decay leaves them out unless told.

    Shapes (N samples, C channels or features)
        x (C, ..., N)   a (C,) or (1,)   ->   y the same

    Gradients
        dx = dy where x > 0, else a · dy (so too at the kink x = 0)        da = Σ dy · min(0, x)

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852, section 2.1 (channel-wise). PyTorch shares
    one slope unless told how many channels there are.
    """

    shared: bool = False
    init: Initializer = None

    traits: ClassVar[Traits] = Traits(in_place=True, suits="he")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        init = 0.25 if self.init is None else self.init
        slopes = Parameter((1 if self.shared else x[0],), ("channel",), init=init, decay=False)
        return Declared(x, {"a": slopes}, flops=3 * math.prod(x))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        shape = (*inputs[0], n)
        return {"part": Work(shape, scratch=True), "mask": Work(shape, dtype=bool, scratch=True)}

    def prepare(self, f: Frame) -> tuple[Array, Array]:
        slopes = f.p["a"].reshape(-1, *[1] * (f.x.ndim - 1))
        return slopes, f.work["part"].reshape(len(slopes), -1)

    def forward(self, f: Frame) -> None:
        part = f.work["part"]
        rectify(f.x, part)
        np.subtract(f.x, part, out=f.y)
        np.multiply(f.y, f.views[0], out=f.y)
        np.add(f.y, part, out=f.y)

    def backward(self, f: Frame) -> None:
        slopes, flat = f.views
        part, mask = f.work["part"], f.work["mask"]
        if f.g is not None:
            np.minimum(f.x, 0, out=part)
            np.multiply(part, f.dy, out=part)
            np.add.reduce(flat, axis=1, out=f.g["a"])
        if f.dx is not None:
            np.greater(f.x, 0, out=mask)
            np.multiply(f.dy, mask, out=part)
            np.subtract(f.dy, part, out=f.dx)
            np.multiply(f.dx, slopes, out=f.dx)
            np.add(f.dx, part, out=f.dx)
