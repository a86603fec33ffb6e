from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


@layer("concat")
@dataclass(frozen=True, slots=True)
class Concat(Layer):
    """Two or more inputs side by side along the first axis: channels of images, numbers of vectors.

    Shapes (N samples)
        x₁ (C₁, H, W, N), x₂ (C₂, H, W, N), ...   ->   y (C₁ + C₂ + ..., H, W, N)

    Gradients
        each dx = its part of dy

    Raises ShapeError where the shapes differ in more than the first axis.

    Source: Huang et al. 2017, "Densely connected convolutional networks", arXiv:1608.06993, equation 2.
    """

    traits: ClassVar[Traits] = Traits(needs_x=False, inputs=(2, None), suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        if len({shape[1:] for shape in inputs}) > 1:
            shapes = " and ".join(str(shape) for shape in dict.fromkeys(inputs))
            raise ShapeError(
                f"concat takes inputs that differ in the first axis only, not {shapes}",
                hint="bring images to one height and width (pooling, `padding: same`), or `flatten` all inputs",
            )
        return Declared((sum(shape[0] for shape in inputs), *inputs[0][1:]))

    def prepare(self, f: Frame) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
        forward, backward, start = [], [], 0
        for x, dx in zip(f.xs, f.dxs, strict=True):
            part = slice(start, start + len(x))
            forward.append((f.y[part], x))
            if dx is not None:
                backward.append((dx, f.dy[part]))
            start = part.stop
        return forward, backward

    def forward(self, f: Frame) -> None:
        for part, x in f.views[0]:
            np.copyto(part, x)

    def backward(self, f: Frame) -> None:
        for dx, part in f.views[1]:
            np.copyto(dx, part)
