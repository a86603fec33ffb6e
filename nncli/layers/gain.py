from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.fields import Initializer
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Traits, Work
from nncli.registry import layer


@layer("gain")
@dataclass(frozen=True, slots=True)
class Gain(Layer):
    """One trained factor for each feature map (the first axis): ``y[j] = g[j] x[j]``. It starts at 1.

    It stands after an activation, as the gain of its feature map. `init` is another initializer of g. Weight decay
    leaves it out unless told.

    Shapes (N samples, C channels or features)
        x (C, ..., N)   g (C,)   ->   y the same

    Gradients
        dg[j] = Σ dy[j] x[j]        dx[j] = g[j] dy[j]

    Source: LeCun, Kavukcuoglu & Farabet 2010, "Convolutional networks and applications in vision" (the trained
    gain coefficients).
    """

    init: Initializer = None

    traits: ClassVar[Traits] = Traits(in_place=True, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        init = 1.0 if self.init is None else self.init
        gain = Parameter((x[0],), ("channel",), init=init, decay=False)
        return Declared(x, {"g": gain}, flops=math.prod(x))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"product": Work((*inputs[0], n), scratch=True)}

    def prepare(self, f: Frame) -> tuple[Array, Array]:
        gain = f.p["g"].reshape(-1, *[1] * (f.x.ndim - 1))
        return gain, f.work["product"].reshape(len(f.x), -1)

    def forward(self, f: Frame) -> None:
        np.multiply(f.x, f.views[0], out=f.y)

    def backward(self, f: Frame) -> None:
        gain, flat = f.views
        if f.g is not None:
            np.multiply(f.dy, f.x, out=f.work["product"])
            np.add.reduce(flat, axis=1, out=f.g["g"])
        if f.dx is not None:
            np.multiply(f.dy, gain, out=f.dx)
