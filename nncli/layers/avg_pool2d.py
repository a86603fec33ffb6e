from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from nncli.kernels import pooling
from nncli.layers._pool2d import PaddedPool2d, Taps
from nncli.parts import Array, Frame, Traits
from nncli.registry import layer


class Views(NamedTuple):
    """`factor` is what sums are multiplied by: one number, or one for each window (P, Q, 1)."""

    taps: Taps
    errors: list[Array]
    factor: float | Array


@layer("avg_pool2d")
@dataclass(frozen=True, slots=True)
class AvgPool2d(PaddedPool2d):
    """Mean of each window of each channel; incomplete windows at the end are dropped.

    `size` is the window's [height, width], `stride` the same unless it is given. `padding` (one number,
    [vertical, horizontal] or [[top, bottom], [left, right]], each below the window's size) lets windows begin and end
    outside the image. There they read zeros that count as numbers of the window, unless `count_padding` is false
    (PyTorch's `count_include_pad`, with its default).

    Shapes (N samples, C channels)
        x (C, H, W, N)   ->   y (C, P, Q, N)

    Gradients
        dx = dy / (how many numbers the window counts) at each of its positions, summed over windows

    Raises ShapeError unless the input is an image that, padded, is at least as large as the window, SpecError where a
    window could lie in the padding alone.

    Source: LeCun et al. 1989, "Handwritten digit recognition with a back-propagation network", section 3.
    """

    count_padding: bool = True

    traits: ClassVar[Traits] = Traits(needs_x=False, suits="pass")

    def prepare(self, f: Frame) -> Views:
        taps = self.taps(f)
        errors = [f.dy[place] for place in taps.places] if f.dx is not None else []
        factor: float | Array = 1 / (self.size[0] * self.size[1])
        if taps.parts is not None and not self.count_padding:
            counts = np.zeros((*f.y.shape[1:3], 1), f.y.dtype)
            for place in taps.places:
                counts[place[1:]] += 1
            factor = 1 / counts
        return Views(taps, errors, factor)

    def forward(self, f: Frame) -> None:
        taps, _, factor = f.views
        pooling.average(taps.inputs, f.y, factor, taps.parts)

    def backward(self, f: Frame) -> None:
        if f.dx is None:
            return
        taps, errors, factor = f.views
        for part in taps.zeros:
            part.fill(0)
        pooling.average_gradient(f.dy, errors, taps.gradients, factor, self.overlapping)
