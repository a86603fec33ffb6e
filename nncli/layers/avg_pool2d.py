from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.kernels import pooling
from nncli.layers._pool2d import Pool2d
from nncli.parts import Frame, Traits
from nncli.registry import layer


@layer("avg_pool2d")
@dataclass(frozen=True, slots=True)
class AvgPool2d(Pool2d):
    """Mean of each window of each channel; incomplete windows at the end are dropped.

    `size` is the window's [height, width]. `stride` is the same unless it is given.

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, P, Q, N)

    Gradients
        dx = dy / (window's size) at each of its positions, summed over windows

    Raises ShapeError unless the input is an image at least as large as the window.

    Source: LeCun et al. 1989, "Handwritten digit recognition with a back-propagation network", section 3.
    """

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def forward(self, f: Frame) -> None:
        pooling.average(f.views.inputs, f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is None:
            return
        for part in f.views.zeros:
            part.fill(0)
        pooling.average_gradient(f.dy, f.views.gradients, self.overlapping)
