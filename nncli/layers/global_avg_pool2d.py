from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


@layer("global_avg_pool2d")
@dataclass(frozen=True, slots=True)
class GlobalAvgPool2d(Layer):
    """Mean of each channel over all its positions.

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, N)

    Gradients
        dx = dy / (H·W) at every position

    Raises ShapeError unless the input is an image.

    Source: Lin, Chen & Yan 2014, "Network in network", arXiv:1312.4400, section 3.2.
    """

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"global_avg_pool2d takes images (channels, height, width), not {x}",
                hint="put it before `flatten` or `dense`, where there still are images",
            )
        return Declared((x[0],), flops=x[0] * x[1] * x[2])

    def prepare(self, f: Frame) -> tuple[Array, Array | None, Array | None]:
        flat = f.x.reshape(len(f.x), -1, f.n)
        if f.dx is None:
            return flat, None, None
        return flat, f.dy[:, None, :], f.dx.reshape(flat.shape)

    def forward(self, f: Frame) -> None:
        flat = f.views[0]
        np.add.reduce(flat, axis=1, out=f.y)
        np.multiply(f.y, 1 / flat.shape[1], out=f.y)

    def backward(self, f: Frame) -> None:
        _, dy, dx = f.views
        if dx is not None:
            np.multiply(dy, 1 / dx.shape[1], out=dx)
