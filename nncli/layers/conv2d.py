from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from nncli.errors import ShapeError, SpecError
from nncli.fields import Count, Initializer, Pair, Positive
from nncli.kernels.convolution_choice import ERRORS, Convolution, allowed, alternatives, buffers, choose, declines
from nncli.kernels.window import Window
from nncli.layers._convolution import Passes, make_passes
from nncli.layers._window2d import Padding, check_image, geometry
from nncli.parts import Declared, Frame, Layer, Parameter, Plain, Shape, Traits, Work
from nncli.registry import layer


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
    what suits the activation that follows, and zeros.

    `algorithm` is left to the plan with `auto`: the fastest for each pass (forward and both gradients) by a cost model
    of the shapes, stored with a run. `gemm` works by matrix products on blocks, `winograd` (3×3, stride 1) with 2 to 4
    times fewer multiplications, `fft` by Fourier transforms (large kernels), `oaconvolve` by SciPy's transforms laid
    over large images (one channel in each group), `direct` by SciPy's sums (slow, a reference).

    `tolerance` is the largest relative error of a pass that `auto` accepts: of the difference to exact arithmetic, the
    norm over that of the result. Measured in float32, at most: gemm and direct 6e-7 (always accepted), fft and
    oaconvolve 5e-7, winograd 5e-7 with tiles of 2×2 outputs and 1.5e-6 with 4×4. A gradient depends on the number of
    shards by about as much, so 1e-5 takes nothing from training; below 1.5e-6 tiles of 4×4 are out, below 5e-7 all but
    gemm. Float64 errs 2²⁹ times less. PyTorch has no such bound.

    Shapes (N samples, C channels, F filters, G groups)
        x (C, H, W, N)   W (F, C/G, kh, kw)   b (F,)   ->   y (F, P, Q, N)

    Gradients (stride 1, no dilation; ∗ a convolution of one map with one kernel)
        dW[j,i,a,b] = Σ dy[j,r,c] x[i,r+a,c+b]        db[j] = Σ dy[j,r,c]        dx[i] = Σⱼ dy[j] ∗_full W[j,i]

    Raises ShapeError unless the input is an image that the kernel fits, whose channels the groups divide and that the
    `algorithm` can work on, SpecError where the groups do not divide the filters or a named `algorithm` rounds beyond
    the tolerance in float32.

    Source: LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition"; for the algorithms see
    `gemm_convolution`, `winograd`, `fft_convolution` and `direct_convolution` in `nncli.kernels`.
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
    algorithm: Literal["auto", "gemm", "winograd", "fft", "oaconvolve", "direct"] = "auto"
    tolerance: Positive = 1e-5

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
        self._check_algorithm(x)
        kh, kw = self.kernel
        fan_in, fan_out = x[0] // self.groups * kh * kw, self.filters // self.groups * kh * kw
        axes = ("out", "in/groups", "kernel height", "kernel width")
        shape = (self.filters, x[0] // self.groups, kh, kw)
        parameters = {"W": Parameter(shape, axes, fan_in, fan_out, self.init)}
        if self.bias:
            parameters["b"] = Parameter((self.filters,), ("out",), fan_in, fan_out, self.bias_init, decay=False)
        flops = self.filters * height * width * (2 * fan_in + self.bias)
        return Declared((self.filters, height, width), parameters, flops=flops)

    def _check_algorithm(self, x: Shape) -> None:
        """Raise where the algorithm that is asked for cannot do it, or rounds more than the tolerance allows."""
        reason = declines(self.algorithm, self.convolution(x))
        if reason is not None:
            raise ShapeError(reason, hint="use `algorithm: auto`, which takes the fastest that can")
        name = "winograd2" if self.algorithm == "winograd" else self.algorithm
        if not allowed(name, self.tolerance):
            text = f"{self.algorithm} errs by {ERRORS[name]} in float32, above the tolerance of {self.tolerance}"
            raise SpecError(text, hint="use `algorithm: auto`, which keeps to the tolerance, or a larger one")

    def geometry(self, x: Shape) -> tuple[Window, tuple[int, int]]:
        """The window and the output's (height, width) for images of shape x."""
        return geometry(x, self.kernel, self.stride, self.dilation, self.padding)

    def convolution(self, x: Shape, n: int = 1, itemsize: int = 4) -> Convolution:
        """What the plan follows from, for n samples."""
        window, output = self.geometry(x)
        return Convolution(x, (self.filters, *output), window, self.groups, n, itemsize)

    # -- plan and memory ---------------------------------------------------------------------------------------------

    def choose(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, Any]:
        return choose(self.convolution(inputs[0], n, itemsize), self.algorithm, self.tolerance)

    def alternatives(self, inputs: tuple[Shape, ...], n: int, itemsize: int) -> Mapping[str, tuple[Plain, ...]]:
        return alternatives(self.convolution(inputs[0], n, itemsize), self.algorithm, self.tolerance)

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: Mapping[str, Any]) -> Mapping[str, Work]:
        plan = plan or self.choose(inputs, n, 4)
        sizes = buffers(self.convolution(inputs[0], n), plan)
        return {name: Work((size,), scratch=True) for name, size in sizes.items()}

    def prepare(self, f: Frame) -> Passes:
        plan = f.plan or self.choose((f.x.shape[:3],), f.n, 4)
        window, _ = self.geometry(f.x.shape[:3])
        bias = f.p["b"][:, None, None, None] if self.bias else None
        return make_passes(f, window, self.groups, bias, plan)

    # -- passes ------------------------------------------------------------------------------------------------------

    def forward(self, f: Frame) -> None:
        f.views.forward()

    def backward(self, f: Frame) -> None:
        if f.g is not None:
            f.views.weight()
            if self.bias:
                f.views.bias()
        if f.dx is not None:
            f.views.input()
