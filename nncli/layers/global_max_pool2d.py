from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


class Views(NamedTuple):
    """x and dx with one axis for all positions, y and dy with one position, and whether one follows a maximum."""

    x: Array
    y: Array
    dx: Array | None
    dy: Array | None
    others: Array
    passed: Array


@layer("global_max_pool2d")
@dataclass(frozen=True, slots=True)
class GlobalMaxPool2d(Layer):
    """Largest value of each channel over all its positions.

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, N)

    Gradients
        dx = dy at the maximum (the first one in row order on ties), else 0

    Raises ShapeError unless the input is an image.

    Source: Oquab et al. 2015, "Is object localization for free?", section 3.
    """

    traits: ClassVar[Traits] = Traits(needs_y=True, suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        (x,) = inputs
        if len(x) != 3:
            raise ShapeError(
                f"global_max_pool2d takes images (channels, height, width), not {x}",
                hint="put it before `flatten` or `dense`, where there still are images",
            )
        return Declared((x[0],), flops=x[0] * x[1] * x[2])

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        channels, height, width = inputs[0]
        return {name: Work((channels, height * width, n), dtype=bool, scratch=True) for name in ("hit", "seen")}

    def prepare(self, f: Frame) -> Views:
        flat = f.x.reshape(len(f.x), -1, f.n)
        others, passed = f.work["hit"][:, 1:], f.work["seen"][:, :-1]
        if f.dx is None:
            return Views(flat, f.y[:, None], None, None, others, passed)
        return Views(flat, f.y[:, None], f.dx.reshape(flat.shape), f.dy[:, None], others, passed)

    def forward(self, f: Frame) -> None:
        np.maximum.reduce(f.views.x, axis=1, out=f.y)

    def backward(self, f: Frame) -> None:
        x, y, dx, dy, others, passed = f.views
        if dx is None:
            return
        np.equal(x, y, out=f.work["hit"])
        np.logical_or.accumulate(f.work["hit"], axis=1, out=f.work["seen"])
        np.greater(others, passed, out=others)
        np.multiply(dy, f.work["hit"], out=dx)
