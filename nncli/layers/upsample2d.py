from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import Pair
from nncli.kernels import interpolation, pooling
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


class Views(NamedTuple):
    """For `nearest` the pair (y as blocks, x once for each block), and `taps`: the slices of dy at each place of a
    block. For `bilinear` the interpolation along the height (`rows`), then along the width (`columns`)."""

    repeated: tuple[Array, Array] | None = None
    taps: list[Array] | None = None
    rows: interpolation.Stretch | None = None
    columns: interpolation.Stretch | None = None


@layer("upsample2d")
@dataclass(frozen=True, slots=True)
class Upsample2d(Layer):
    """Images `scale` times as high and wide: each number repeated, or interpolated.

    `mode` is `nearest` (repeated) or `bilinear` (interpolated).

    Bilinear interpolation takes the numbers as means of areas: output position r lies at (r + ½) / scale − ½ of the
    input, and beyond the outermost positions the image goes on as it is there (PyTorch's `align_corners=False`).

    Shapes (N samples, C channels, s × t the scale)
        x (C, H, W, N)   ->   y (C, s·H, t·W, N)

    Gradients
        dx = the adjoint of the same linear map: every dy goes where its x came from, with the same weight

    Raises ShapeError unless the input is an image.

    Source: Odena, Dumoulin & Olah 2016, "Deconvolution and checkerboard artifacts", for its use before a convolution.
    """

    scale: Pair = (2, 2)
    mode: Literal["nearest", "bilinear"] = "nearest"

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"upsample2d takes images (channels, height, width), not {x}",
                hint="put `reshape` before it to make images of vectors",
            )
        output = x[0], x[1] * self.scale[0], x[2] * self.scale[1]
        return Declared(output, flops=6 * math.prod(output) if self.mode == "bilinear" else 0)

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        if self.mode == "nearest":
            return {}
        channels, height, width = inputs[0]
        shape = channels, height * self.scale[0], width, n
        return {name: Work(shape, scratch=True) for name in ("high", "part")}

    def prepare(self, f: Frame) -> Views:
        (channels, height, width, n), (down, across) = f.x.shape, self.scale
        if self.mode == "nearest":
            blocks = f.y.reshape(channels, height, down, width, across, n)
            taps = pooling.taps(f.dy, self.scale, self.scale, (height, width)) if f.dx is not None else None
            return Views((blocks, f.x[:, :, None, :, None]), taps)
        part = f.work["part"]
        rows = interpolation.stretch(height, down, 1, part.reshape(-1)[: f.x.size].reshape(f.x.shape))
        return Views(rows=rows, columns=interpolation.stretch(width, across, 2, part))

    def forward(self, f: Frame) -> None:
        repeated, _, rows, columns = f.views
        if repeated is not None:
            np.copyto(*repeated)
            return
        interpolation.enlarge(rows, f.x, f.work["high"])
        interpolation.enlarge(columns, f.work["high"], f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is None:
            return
        _, taps, rows, columns = f.views
        if taps is not None:
            np.copyto(f.dx, taps[0])
            for tap in taps[1:]:
                np.add(f.dx, tap, out=f.dx)
            return
        interpolation.gather(columns, f.dy, f.work["high"])
        interpolation.gather(rows, f.work["high"], f.dx)
