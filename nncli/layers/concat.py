from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncli.errors import ShapeError
from nncli.fields import Natural
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits
from nncli.registry import layer


@layer("concat")
@dataclass(frozen=True, slots=True)
class Concat(Layer):
    """Two or more inputs side by side along an `axis` of a sample, counted from 0.

    The first axis holds the channels of images and the numbers of vectors.

    Shapes (N samples), for axis 0
        x₁ (C₁, H, W, N), x₂ (C₂, H, W, N), ...   ->   y (C₁ + C₂ + ..., H, W, N)

    Gradients
        each dx = its part of dy

    Raises ShapeError where the shapes differ in another axis or lack this one.

    Source: Huang et al. 2017, "Densely connected convolutional networks", arXiv:1608.06993, equation 2.
    """

    axis: Natural = 0

    traits: ClassVar[Traits] = Traits(needs_x=False, inputs=(2, None), suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        shapes = " and ".join(str(shape) for shape in dict.fromkeys(inputs))
        if any(len(shape) <= self.axis for shape in inputs):
            hint = "axes count from 0, and the batch does not count"
            raise ShapeError(f"there is no axis {self.axis} in {shapes}", hint=hint)
        before, after = slice(self.axis), slice(self.axis + 1, None)
        if len({(shape[before], shape[after]) for shape in inputs}) > 1:
            raise ShapeError(
                f"concat takes inputs that differ in axis {self.axis} only, not {shapes}",
                hint="bring images to one height and width (pooling, `padding: same`), or `flatten` all inputs",
            )
        length = sum(shape[self.axis] for shape in inputs)
        return Declared((*inputs[0][before], length, *inputs[0][after]))

    def prepare(self, f: Frame) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
        forward, backward, start = [], [], 0
        for x, dx in zip(f.xs, f.dxs, strict=True):
            part = (slice(None),) * self.axis + (slice(start, start + x.shape[self.axis]),)
            forward.append((f.y[part], x))
            if dx is not None:
                backward.append((dx, f.dy[part]))
            start = part[-1].stop
        return forward, backward

    def forward(self, f: Frame) -> None:
        for part, x in f.views[0]:
            np.copyto(part, x)

    def backward(self, f: Frame) -> None:
        for dx, part in f.views[1]:
            np.copyto(dx, part)
