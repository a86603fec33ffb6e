from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nncli.layers._line import Line
from nncli.layers.global_max_pool2d import GlobalMaxPool2d
from nncli.parts import Traits
from nncli.registry import layer


@layer("global_max_pool1d")
@dataclass(frozen=True, slots=True)
class GlobalMaxPool1d(Line):
    """Largest value of each channel of a sequence over all its positions.

    Shapes (N samples, C channels, L positions)
        x (C, L, N)   ->   y (C, N)

    Gradients
        dx = dy at the maximum (the first one on ties), else 0

    Raises ShapeError unless the input is a sequence.

    Source: that of `global_max_pool2d`, which does the work on images of height 1.
    """

    traits: ClassVar[Traits] = GlobalMaxPool2d.traits

    @property
    def image(self) -> GlobalMaxPool2d:
        return GlobalMaxPool2d()
