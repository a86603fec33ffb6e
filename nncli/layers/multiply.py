from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from nncli.errors import ShapeError
from nncli.parts import Array, Declared, Frame, Layer, Shape, Traits, Work
from nncli.registry import layer


class Way(NamedTuple):
    """How an input's gradient is made: the product of dy and `others` in `product`, of which a gate takes the sum over
    positions, into `dx`; `rows` (C, positions, N) is the product then, and None where `product` is dx itself."""

    others: list[Array]
    product: Array
    rows: Array | None
    dx: Array


@layer("multiply")
@dataclass(frozen=True, slots=True)
class Multiply(Layer):
    """Product of two or more inputs, number by number; some may be gates, with one number for each channel.

    Inputs have one shape (C, ...), gates (C,) or (C, 1, 1): such as those that `global_avg_pool2d`, `dense` and
    `sigmoid` make of an image, to weigh its channels (squeeze and excitation).

    Shapes (N samples, C channels)
        x₁ (C, H, W, N), x₂ the same or (C, 1, 1, N) or (C, N), ...   ->   y (C, H, W, N)

    Gradients
        dxᵢ = dy Π_{j≠i} xⱼ, for a gate summed over the positions of a channel

    Raises ShapeError where the shapes are neither the same nor those of gates.

    Source: Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", arXiv:1709.01507, equation 4.
    """

    traits: ClassVar[Traits] = Traits(inputs=(2, None), suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        output = _largest(inputs)
        if any(shape != output and not _is_gate(shape, output) for shape in inputs):
            shapes = " and ".join(str(shape) for shape in dict.fromkeys(inputs))
            raise ShapeError(
                f"multiply takes inputs of one shape, or gates with one number for each channel, not {shapes}",
                hint="bring them to one shape, or to a vector of as many numbers as there are channels by `dense`",
            )
        return Declared(output, flops=(len(inputs) - 1) * math.prod(output))

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        output = _largest(inputs)
        return {"product": Work((*output, n), scratch=True)} if any(shape != output for shape in inputs) else {}

    def prepare(self, f: Frame) -> tuple[list[Array], list[Way]]:
        spread = (-1, *(1 for _ in f.y.shape[1:-1]), f.n)
        factors = [x if x.shape == f.y.shape else x.reshape(spread) for x in f.xs]
        ways = []
        for place, dx in enumerate(f.dxs):
            if dx is None:
                continue
            others = factors[:place] + factors[place + 1 :]
            if dx.shape == f.y.shape:
                ways.append(Way(others, dx, None, dx))
            else:
                product = f.work["product"]
                ways.append(Way(others, product, product.reshape(len(f.y), -1, f.n), dx.reshape(len(f.y), f.n)))
        return factors, ways

    def forward(self, f: Frame) -> None:
        _product(f.views[0][0], f.views[0][1:], f.y)

    def backward(self, f: Frame) -> None:
        for others, product, rows, dx in f.views[1]:
            _product(f.dy, others, product)
            if rows is not None:
                np.add.reduce(rows, axis=1, out=dx)


def _largest(inputs: tuple[Shape, ...]) -> Shape:
    return max(inputs, key=lambda shape: (math.prod(shape), len(shape)))


def _is_gate(shape: Shape, output: Shape) -> bool:
    """Whether a shape has one number for each channel: (C,), or (C, 1, ...) with as many axes as the output."""
    return shape == (output[0],) or shape == (output[0], *(1 for _ in output[1:]))


def _product(first: Array, others: list[Array], out: Array) -> None:
    np.multiply(first, others[0], out=out)
    for factor in others[1:]:
        np.multiply(out, factor, out=out)
