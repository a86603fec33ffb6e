from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from nncli.errors import ShapeError, SpecError
from nncli.fields import Count, Initializer, Pair
from nncli.kernels import direct_convolution, gemm_blocking, gemm_convolution
from nncli.kernels.window import Window
from nncli.layers._gemm import Gemm
from nncli.layers._window2d import Padding, check_image, geometry
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Traits, Work
from nncli.registry import layer


class Views(NamedTuple):
    """`gemm` is None where SciPy's direct sums do the work."""

    window: Window
    bias: Array | None
    gemm: Gemm | None = None


@layer("conv2d")
@dataclass(frozen=True, slots=True)
class Conv2d(Layer):
    """Convolution of each image with shared kernels: ``z[j,r,c] = b[j] + Σ x[i, r·s + a·d, c·s + b·d] W[j,i,a,b]``.

    The sum runs over the input channels i of the map's group and the taps a, b of the kernel, at stride s and dilation
    d; x is zero outside its borders. `filters` is the number of output maps, `kernel` the [height, width] of W.
    `stride` is the distance of neighbouring windows, `dilation` that of neighbouring taps. `groups` cuts channels and
    filters into as many parts that see nothing of each other. `padding` is `valid` (none), `same` (output size
    ceil(size / stride), the surplus at the end), `full` (every position that overlaps the image), a number of pixels
    for all sides, [vertical, horizontal], or [[top, bottom], [left, right]].

    `bias: false` leaves b out. `init` and `bias_init` are the initializers of W and b; null leaves them to the program:
    what suits the activation that follows, and zeros. `algorithm` `gemm` works by matrix products on blocks, `direct`
    by SciPy's sums (slow, a reference); `auto` leaves it to the plan.

    Shapes (N samples, C channels, F filters, G groups)
        x (C, H, W, N)   W (F, C/G, kh, kw)   b (F,)   ->   y (F, P, Q, N)

    Gradients (stride 1, no dilation; ∗ a convolution of one map with one kernel)
        dW[j,i,a,b] = Σ dy[j,r,c] x[i,r+a,c+b]        db[j] = Σ dy[j,r,c]        dx[i] = Σⱼ dy[j] ∗_full W[j,i]

    Raises ShapeError unless the input is an image that the kernel fits and whose channels the groups divide, SpecError
    where the groups do not divide the filters.

    Source: LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition"; for the algorithm see
    `nncli.kernels.gemm_convolution`.
    """

    filters: Count
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: Count = 1
    padding: Padding = "valid"
    bias: bool = True
    init: Initializer = None
    bias_init: Initializer = None
    algorithm: Literal["auto", "gemm", "direct"] = "auto"

    traits: ClassVar[Traits] = Traits(finishes=True)

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        check_image("conv2d", x)
        if self.filters % self.groups:
            hint = f"use a multiple of {self.groups} filters"
            raise SpecError(f"{self.groups} groups do not divide {self.filters} filters", hint=hint)
        if x[0] % self.groups:
            hint = f"each group reads as many channels as the others: use groups that divide {x[0]}"
            raise ShapeError(f"{self.groups} groups do not divide {x[0]} channels", hint=hint)
        _, (height, width) = self.geometry(x)
        kh, kw = self.kernel
        fan_in, fan_out = x[0] // self.groups * kh * kw, self.filters // self.groups * kh * kw
        axes = ("out", "in/groups", "kernel height", "kernel width")
        shape = (self.filters, x[0] // self.groups, kh, kw)
        parameters = {"W": Parameter(shape, axes, fan_in, fan_out, self.init)}
        if self.bias:
            parameters["b"] = Parameter((self.filters,), ("out",), fan_in, fan_out, self.bias_init, decay=False)
        flops = self.filters * height * width * (2 * fan_in + self.bias)
        return Declared((self.filters, height, width), parameters, flops=flops)

    def geometry(self, x: Shape) -> tuple[Window, tuple[int, int]]:
        """The window and the output's (height, width) for images of shape x."""
        return geometry(x, self.kernel, self.stride, self.dilation, self.padding)

    # -- plan and memory ---------------------------------------------------------------------------------------------

    def choose(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, Any]:
        if self.algorithm == "direct":
            return {"algorithm": "direct"}
        x = inputs[0]
        window, output = self.geometry(x)
        blocks = gemm_blocking.choose(x, (self.filters, *output), window, self.groups, n, itemsize)
        return {"algorithm": "gemm", **blocks}

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: Mapping[str, Any]) -> Mapping[str, Work]:
        plan = plan or self.choose(inputs, n, 4)
        if plan["algorithm"] == "direct":
            return {}
        x = inputs[0]
        window, output = self.geometry(x)
        sizes = gemm_blocking.buffers(x, (self.filters, *output), window, self.groups, n, plan)
        return {name: Work((size,), scratch=True) for name, size in sizes.items()}

    def prepare(self, f: Frame) -> Views:
        plan = f.plan or self.choose((f.x.shape[:3],), f.n, 4)
        window, _ = self.geometry(f.x.shape[:3])
        bias = f.p["b"][:, None, None, None] if self.bias else None
        if plan["algorithm"] == "direct":
            return Views(window, bias)
        return Views(window, bias, Gemm.of(f, window, self.groups, plan))

    # -- passes ------------------------------------------------------------------------------------------------------

    def forward(self, f: Frame) -> None:
        window, bias, gemm = f.views
        if gemm is not None:
            np.copyto(*gemm.weights)
            gemm_convolution.correlate(gemm.forward, bias, f.finish)
            return
        direct_convolution.correlate(f.x, f.p["W"], f.y, window)
        if bias is not None:
            np.add(f.y, bias, out=f.y)
        if f.finish is not None:
            f.finish(f.y)

    def backward(self, f: Frame) -> None:
        window, _, gemm = f.views
        if f.g is not None:
            if gemm is None:
                direct_convolution.weight_gradient(f.x, f.dy, f.g["W"], window)
            else:
                gemm_convolution.weight_gradient(gemm.weight, gemm.total, gemm.sums)
                np.copyto(*gemm.gradient)
            if self.bias:
                np.add.reduce(f.dy.reshape(self.filters, -1), axis=1, out=f.g["b"])
        if f.dx is None:
            return
        if gemm is None:
            direct_convolution.input_gradient(f.dy, f.p["W"], f.dx, window)
            return
        np.copyto(*gemm.back)
        if gemm.scatters:
            gemm_convolution.scatter(gemm.input, f.dx)
        else:
            gemm_convolution.correlate(gemm.input)
