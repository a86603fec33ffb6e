from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.fields import Count, NaturalPair
from nncli.layers._line import Line
from nncli.layers.max_pool2d import MaxPool2d
from nncli.parts import Traits
from nncli.registry import layer


@layer("max_pool1d")
@dataclass(frozen=True, slots=True)
class MaxPool1d(Line):
    """Largest value of each window of each channel of a sequence; an incomplete window at the end is dropped.

    `size` is the window's length, `stride` the same unless it is given. `padding` (one number or [left, right], each
    below the window's size) lets windows begin and end outside the sequence, where nothing is the largest.

    Shapes (N samples, C channels, L positions)
        x (C, L, N)   ->   y (C, P, N)

    Gradients
        dx = dy at the window's maximum (the first one on ties), summed over windows; else 0

    Raises ShapeError unless the input is a sequence that, padded, is at least as long as the window, SpecError where a
    window could lie in the padding alone.

    Source: that of `max_pool2d`, which does the work on images of height 1.
    """

    size: Count = 2
    stride: Count | None = None
    padding: NaturalPair = (0, 0)

    traits: ClassVar[Traits] = MaxPool2d.traits

    @property
    def image(self) -> MaxPool2d:
        return MaxPool2d((1, self.size), (1, self.stride) if self.stride else None, ((0, 0), self.padding))
