from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import Count, Initializer
from nncli.kernels.row_sums import row_sums
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Traits
from nncli.registry import layer


class Views(NamedTuple):
    bias: Array | None
    bias_gradient: Callable[[], None] | None
    x: Array
    """(N, I)"""
    W: Array
    """(I, O)"""


@layer("dense")
@dataclass(frozen=True, slots=True)
class Dense(Layer):
    """Affine map of each sample: ``y = W x + b``, with `units` outputs.

    `bias: false` leaves b out. `init` and `bias_init` are the initializers of W and b; null leaves them to the program:
    what suits the activation that follows, and zeros.

    Shapes (N samples, I inputs, O units)
        x (I, N)   W (O, I)   b (O,)   ->   y (O, N)

    Gradients, with dy = dL/dy of the batch's mean loss
        dW = dy xᵀ        db = Σₙ dy        dx = Wᵀ dy

    Raises ShapeError unless the input is a vector; the hint names `flatten`.

    Source: Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors".
    """

    units: Count
    bias: bool = True
    init: Initializer = None
    bias_init: Initializer = None

    traits: ClassVar[Traits] = Traits(finishes=True)

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 1:
            raise ShapeError(f"dense takes a vector, not {x}", hint="put `flatten` before it")
        parameters = {"W": Parameter((self.units, x[0]), ("out", "in"), x[0], self.units, self.init)}
        if self.bias:
            parameters["b"] = Parameter((self.units,), ("out",), x[0], self.units, self.bias_init, decay=False)
        return Declared((self.units,), parameters, flops=self.units * (2 * x[0] + self.bias))

    def prepare(self, f: Frame) -> Views:
        if not self.bias:
            return Views(None, None, f.x.T, f.p["W"].T)
        sums = None if f.g is None else row_sums(f.dy, f.g["b"])
        return Views(f.p["b"][:, None], sums, f.x.T, f.p["W"].T)

    def forward(self, f: Frame) -> None:
        np.matmul(f.p["W"], f.x, out=f.y)
        if self.bias:
            np.add(f.y, f.views.bias, out=f.y)
        if f.finish is not None:
            f.finish(f.y)

    def backward(self, f: Frame) -> None:
        if f.g is not None:
            np.matmul(f.dy, f.views.x, out=f.g["W"])
            if self.bias:
                f.views.bias_gradient()
        if f.dx is not None:
            np.matmul(f.views.W, f.dy, out=f.dx)
