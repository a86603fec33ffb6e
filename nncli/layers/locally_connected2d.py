from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from nncli.fields import Count, Initializer, Pair
from nncli.kernels import local_connection
from nncli.kernels.local_connection import Rows
from nncli.kernels.window import Window
from nncli.layers._window2d import Padding, check_image, geometry
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Traits, Work
from nncli.registry import layer

BUDGET = 1 << 20
"""Bytes of a block's columns: a second-level cache."""


class Views(NamedTuple):
    """Weights as matrices (P, Q, F, K), the bias, and the blocks of each pass."""

    weights: Array
    bias: Array | None
    forward: list[Rows]
    weight: list[Rows]
    input: list[Rows]
    gradient: Array | None


@layer("locally_connected2d")
@dataclass(frozen=True, slots=True)
class LocallyConnected2d(Layer):
    """Kernels of its own at every position: ``z[j,r,c] = b[j,r,c] + Σ x[i, r·s + a, c·s + b] W[r,c,j,i,a,b]``.

    The sum runs over the input channels i and the taps a, b of the kernel, at stride s. It is `conv2d` without shared
    weights: with equal weights everywhere the two are equal. `filters` is the number of output maps, `kernel` the
    [height, width] of a kernel, `stride` the distance of neighbouring windows, `padding` is as there.

    `bias: false` leaves b out. `init` and `bias_init` are the initializers of W and b; null leaves them to the program.

    Shapes (N samples, C channels, F filters)
        x (C, H, W, N)   W (P, Q, F, C, kh, kw)   b (F, P, Q)   ->   y (F, P, Q, N)

    Gradients (stride 1)
        dW[r,c,j,i,a,b] = Σₙ dy[j,r,c] x[i,r+a,c+b]        db = Σₙ dy
        dx[i,m,n] = Σⱼ Σ dy[j,m−a,n−b] W[m−a,n−b,j,i,a,b]

    Raises ShapeError unless the input is an image that the kernel fits.

    Source: LeCun 1989, "Generalization and network design strategies" (net-3). PyTorch has no such layer.
    """

    filters: Count
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Padding = "valid"
    bias: bool = True
    init: Initializer = None
    bias_init: Initializer = None

    traits: ClassVar[Traits] = Traits(finishes=True)

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        check_image("locally_connected2d", x)
        _, output = self.geometry(x)
        taps = math.prod(self.kernel)
        fan_in, fan_out = x[0] * taps, self.filters * taps
        axes = ("row", "column", "out", "in", "kernel height", "kernel width")
        shape = (*output, self.filters, x[0], *self.kernel)
        parameters = {"W": Parameter(shape, axes, fan_in, fan_out, self.init)}
        if self.bias:
            parameters["b"] = Parameter(
                (self.filters, *output), ("out", "row", "column"), fan_in, fan_out, self.bias_init, decay=False
            )
        flops = math.prod(output) * self.filters * (2 * fan_in + self.bias)
        return Declared((self.filters, *output), parameters, flops=flops)

    def geometry(self, x: Shape) -> tuple[Window, tuple[int, int]]:
        """The window and the output's (height, width) for images of shape x."""
        return geometry(x, self.kernel, self.stride, (1, 1), self.padding)

    def choose(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, Any]:
        (x,) = inputs
        height, width = self.geometry(x)[1]
        return {"rows": max(1, min(height, BUDGET // (width * x[0] * math.prod(self.kernel) * n * itemsize)))}

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: Mapping[str, Any]) -> Mapping[str, Work]:
        plan = plan or self.choose(inputs, n, 4)
        (x,) = inputs
        height, width = self.geometry(x)[1]
        rows = min(plan["rows"], height)
        return {"columns": Work((rows * width * x[0] * math.prod(self.kernel) * n,), scratch=True)}

    def prepare(self, f: Frame) -> Views:
        count = (f.plan or self.choose((f.x.shape[:3],), f.n, 4))["rows"]
        window, output = self.geometry(f.x.shape[:3])
        matrices = (*output, self.filters, -1)

        def rows(x: Array, y: Array) -> list[Rows]:
            return local_connection.make_rows(x, y, window, count, f.work["columns"])

        return Views(
            f.p["W"].reshape(matrices),
            f.p["b"][..., None] if self.bias else None,
            rows(f.x, f.y),
            rows(f.x, f.dy) if f.g is not None else [],
            rows(f.dx, f.dy) if f.dx is not None else [],
            f.g["W"].reshape(matrices) if f.g is not None else None,
        )

    def forward(self, f: Frame) -> None:
        views = f.views
        local_connection.forward(views.forward, views.weights, f.y, views.bias, f.finish)

    def backward(self, f: Frame) -> None:
        views = f.views
        if f.g is not None:
            local_connection.weight_gradient(views.weight, views.gradient)
            if self.bias:
                np.add.reduce(f.dy, axis=3, out=f.g["b"])
        if f.dx is not None:
            local_connection.input_gradient(views.input, views.weights.swapaxes(2, 3), f.dx)
