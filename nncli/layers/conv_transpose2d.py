from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from nncli.errors import ShapeError, SpecError
from nncli.fields import Count, Initializer, NaturalPair, Pair, Sides
from nncli.kernels import gemm_blocking, gemm_convolution
from nncli.kernels.row_sums import row_sums
from nncli.kernels.window import Window, extent
from nncli.layers._gemm import Gemm
from nncli.parts import Array, Declared, Frame, Layer, Parameter, Shape, Traits, Work
from nncli.registry import layer


class Views(NamedTuple):
    """`gemm` is that of the convolution whose adjoint this is: its image is y, its output x."""

    bias: Array | None
    gemm: Gemm
    bias_gradient: Callable[[], None] | None


@layer("conv_transpose2d")
@dataclass(frozen=True, slots=True)
class ConvTranspose2d(Layer):
    """Transposed convolution, which enlarges images: ``z[j, m·s + a·d, n·s + b·d] = b[j] + Σ x[i,m,n] W[i,j,a,b]``.

    Each position of the input adds its kernel to the output, s = `stride` apart, the taps d = `dilation` apart.
    `padding` is cut off the sides (one number, [vertical, horizontal] or [[top, bottom], [left, right]]),
    `output_padding` adds rows below and columns on the right, of those that a convolution with this stride does not
    reach. It is the adjoint of `conv2d` with the same weights and numeric `padding`:
    ⟨conv2d(v), x⟩ = ⟨v, conv_transpose2d(x)⟩.

    `filters` is the number of output maps, `kernel` the [height, width] of W. `groups` cuts channels and filters into
    as many parts that see nothing of each other. `bias: false` leaves b out. `init` and `bias_init` are the
    initializers of W and b; null leaves them to the program.

    Shapes (N samples, C channels, F filters, G groups; P = (H − 1)·s − top − bottom + (kh − 1)·d + 1 + output_padding)
        x (C, H, W, N)   W (C, F/G, kh, kw)   b (F,)   ->   y (F, P, Q, N)

    Gradients (of the convolution with the same weights, from y to x)
        dx = conv2d(dy)        dW[i,j,a,b] = Σ x[i,m,n] dy[j, m·s + a·d, n·s + b·d]        db[j] = Σ dy[j,r,c]

    Raises ShapeError unless the input is an image whose channels the groups divide and something is left of the
    output, SpecError where the groups do not divide the filters or `output_padding` is too large.

    Source: Zeiler et al. 2010, "Deconvolutional networks", section 2; Dumoulin & Visin 2016, arXiv:1603.07285,
    chapter 4.
    """

    filters: Count
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Sides = ((0, 0), (0, 0))
    output_padding: NaturalPair = (0, 0)
    groups: Count = 1
    dilation: Pair = (1, 1)
    bias: bool = True
    init: Initializer = None
    bias_init: Initializer = None

    traits: ClassVar[Traits] = Traits(finishes=True)

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"conv_transpose2d takes images (channels, height, width), not {x}",
                hint="put `reshape` before it to make images of vectors",
            )
        for count, what, error in ((self.filters, "filters", SpecError), (x[0], "channels", ShapeError)):
            if count % self.groups:
                hint = f"use groups that divide {count}"
                raise error(f"{self.groups} groups do not divide {count} {what}", hint=hint)
        _, (rows, columns) = self.geometry(x)
        kh, kw = self.kernel
        fan_in, fan_out = x[0] // self.groups * kh * kw, self.filters // self.groups * kh * kw
        axes = ("in", "out/groups", "kernel height", "kernel width")
        shape = (x[0], self.filters // self.groups, kh, kw)
        parameters = {"W": Parameter(shape, axes, fan_in, fan_out, self.init)}
        if self.bias:
            parameters["b"] = Parameter((self.filters,), ("out",), fan_in, fan_out, self.bias_init, decay=False)
        flops = 2 * x[0] * x[1] * x[2] * fan_out + self.bias * self.filters * rows * columns
        return Declared((self.filters, rows, columns), parameters, flops=flops)

    def geometry(self, x: Shape) -> tuple[Window, tuple[int, int]]:
        """The convolution's window, and the output's (height, width), for images of shape x."""
        output = []
        for axis, name in enumerate(("height", "width")):
            stride, dilation, more = self.stride[axis], self.dilation[axis], self.output_padding[axis]
            if more >= max(stride, dilation):
                hint = "it chooses among the sizes that one convolution maps to the input's"
                raise SpecError(f"an output_padding of {more} is not below stride and dilation", hint=hint)
            whole = (x[axis + 1] - 1) * stride + extent(self.kernel[axis], dilation) + more
            left = whole - sum(self.padding[axis])
            if left < 1:
                hint = f"use a padding below {whole} in sum, or a larger kernel or stride"
                raise ShapeError(f"a padding of {sum(self.padding[axis])} leaves nothing of {name} {whole}", hint=hint)
            output.append(left)
        before = self.padding[0][0], self.padding[1][0]
        return Window(self.kernel, self.stride, self.dilation, before), (output[0], output[1])

    # -- plan and memory ---------------------------------------------------------------------------------------------

    def choose(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, Any]:
        window, output = self.geometry(inputs[0])
        return gemm_blocking.choose((self.filters, *output), inputs[0], window, self.groups, n, itemsize)

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: Mapping[str, Any]) -> Mapping[str, Work]:
        plan = plan or self.choose(inputs, n, 4)
        window, output = self.geometry(inputs[0])
        sizes = gemm_blocking.buffers((self.filters, *output), inputs[0], window, self.groups, n, plan)
        return {name: Work((size,), scratch=True) for name, size in sizes.items()}

    def prepare(self, f: Frame) -> Views:
        plan = f.plan or self.choose((f.x.shape[:3],), f.n, 4)
        window, _ = self.geometry(f.x.shape[:3])
        adjoint = Frame(x=f.dy, y=f.dx, dx=f.y, dy=f.x, p=f.p, g=f.g, work=f.work)
        bias = f.p["b"][:, None, None, None] if self.bias else None
        sums = None
        if self.bias and f.g is not None:
            sums = row_sums(f.dy.reshape(self.filters, -1), f.g["b"])
        return Views(bias, Gemm.of(adjoint, window, self.groups, plan), sums)

    # -- passes ------------------------------------------------------------------------------------------------------

    def forward(self, f: Frame) -> None:
        bias, gemm, _ = f.views
        np.copyto(*gemm.back)
        if not gemm.scatters:
            gemm_convolution.correlate(gemm.input, bias, f.finish)
            return
        gemm_convolution.scatter(gemm.input, f.y)
        if bias is not None:
            np.add(f.y, bias, out=f.y)
        if f.finish is not None:
            f.finish(f.y)

    def backward(self, f: Frame) -> None:
        gemm = f.views.gemm
        if f.g is not None:
            gemm_convolution.weight_gradient(gemm.weight, gemm.total, gemm.sums)
            np.copyto(*gemm.gradient)
            if self.bias:
                f.views.bias_gradient()
        if f.dx is not None:
            np.copyto(*gemm.weights)
            gemm_convolution.correlate(gemm.forward)
