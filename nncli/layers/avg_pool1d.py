from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.fields import Count, NaturalPair
from nncli.layers._line import Line
from nncli.layers.avg_pool2d import AvgPool2d
from nncli.parts import Traits
from nncli.registry import layer


@layer("avg_pool1d")
@dataclass(frozen=True, slots=True)
class AvgPool1d(Line):
    """Mean of each window of each channel of a sequence; an incomplete window at the end is dropped.

    `size` is the window's length, `stride` the same unless it is given. `padding` (one number or [left, right], each
    below the window's size) lets windows begin and end outside the sequence. There they read zeros that count as
    numbers of the window, unless `count_padding` is false (PyTorch's `count_include_pad`, with its default).

    Shapes (N samples, C channels, L positions)
        x (C, L, N)   ->   y (C, P, N)

    Gradients
        dx = dy / (how many numbers the window counts) at each of its positions, summed over windows

    Raises ShapeError unless the input is a sequence that, padded, is at least as long as the window, SpecError where a
    window could lie in the padding alone.

    Source: that of `avg_pool2d`, which does the work on images of height 1.
    """

    size: Count = 2
    stride: Count | None = None
    padding: NaturalPair = (0, 0)
    count_padding: bool = True

    traits: ClassVar[Traits] = AvgPool2d.traits

    @property
    def image(self) -> AvgPool2d:
        stride = (1, self.stride) if self.stride else None
        return AvgPool2d((1, self.size), stride, ((0, 0), self.padding), self.count_padding)
