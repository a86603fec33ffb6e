from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.layers._line import Line
from nncli.layers.global_avg_pool2d import GlobalAvgPool2d
from nncli.parts import Traits
from nncli.registry import layer


@layer("global_avg_pool1d")
@dataclass(frozen=True, slots=True)
class GlobalAvgPool1d(Line):
    """Mean of each channel of a sequence over all its positions.

    Shapes (N samples, C channels, L positions)
        x (C, L, N)   ->   y (C, N)

    Gradients
        dx = dy / L at every position

    Raises ShapeError unless the input is a sequence.

    Source: that of `global_avg_pool2d`, which does the work on images of height 1.
    """

    traits: ClassVar[Traits] = GlobalAvgPool2d.traits

    @property
    def image(self) -> GlobalAvgPool2d:
        return GlobalAvgPool2d()
