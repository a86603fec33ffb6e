from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.kernels import pooling
from nncli.layers._pool2d import Pool2d
from nncli.parts import Frame, Shape, Traits, Work
from nncli.registry import layer


@layer("max_pool2d")
@dataclass(frozen=True, slots=True)
class MaxPool2d(Pool2d):
    """Largest value of each window of each channel; incomplete windows at the end are dropped.

    `size` is the window's [height, width]. `stride` is the same unless it is given.

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, P, Q, N)

    Gradients
        dx = dy at the window's maximum (the first one in row order on ties), summed over windows; else 0

    Raises ShapeError unless the input is an image at least as large as the window.

    Source: Ranzato et al. 2007, "Unsupervised learning of invariant feature hierarchies with applications to object
    recognition", section 3.
    """

    traits: ClassVar[Traits] = Traits(needs_y=True, suits="pass")

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        shape = (*self.declare(*inputs).output, n)
        works = {name: Work(shape, dtype=bool, scratch=True) for name in ("hit", "left")}
        if self.overlapping:
            works["share"] = Work(shape, scratch=True)
        return works

    def forward(self, f: Frame) -> None:
        pooling.maximum(f.views.inputs, f.y)

    def backward(self, f: Frame) -> None:
        if f.dx is None:
            return
        inputs, gradients, zeros = f.views
        for part in zeros:
            part.fill(0)
        pooling.maximum_gradient(inputs, f.y, f.dy, gradients, f.work["hit"], f.work["left"], f.work.get("share"))
