from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.kernels import pooling
from nncli.kernels.pooling import Claim
from nncli.layers._pool2d import PaddedPool2d, Taps
from nncli.parts import Frame, Shape, Traits, Work
from nncli.registry import layer


@layer("max_pool2d")
@dataclass(frozen=True, slots=True)
class MaxPool2d(PaddedPool2d):
    """Largest value of each window of each channel; incomplete windows at the end are dropped.

    `size` is the window's [height, width], `stride` the same unless it is given. `padding` (one number,
    [vertical, horizontal] or [[top, bottom], [left, right]], each below the window's size) lets windows begin and end
    outside the image, where nothing is the largest.

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, P, Q, N)

    Gradients
        dx = dy at the window's maximum (the first one in row order on ties), summed over windows; else 0

    Raises ShapeError unless the input is an image that, padded, is at least as large as the window, SpecError where a
    window could lie in the padding alone.

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

    def prepare(self, f: Frame) -> tuple[Taps, list[Claim]]:
        taps = self.taps(f)
        hit, left, share = f.work["hit"], f.work["left"], f.work.get("share")
        claims = [
            Claim(x, f.y[place], f.dy[place], dx, hit[place], left[place], share[place] if share is not None else None)
            for place, x, dx in zip(taps.places, taps.inputs, taps.gradients, strict=False)
        ]
        return taps, claims

    def forward(self, f: Frame) -> None:
        taps, _ = f.views
        pooling.maximum(taps.inputs, f.y, taps.parts)

    def backward(self, f: Frame) -> None:
        if f.dx is None:
            return
        taps, claims = f.views
        for part in taps.zeros:
            part.fill(0)
        pooling.maximum_gradient(claims, f.work["left"])
