from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from nncli.kernels import pooling
from nncli.layers._pool2d import Pool2d, Taps
from nncli.parts import Array, Declared, Frame, Parameter, Shape, Traits, Work
from nncli.registry import layer


class Views(NamedTuple):
    """`weights` (C, 1, 1, 1): the coefficients, or those of each tap; `flat` is the product as (C, any)."""

    taps: Taps
    weights: list[Array]
    bias: Array | None
    flat: Array
    gradients: list[Array]


@layer("learned_pool2d")
@dataclass(frozen=True, slots=True)
class LearnedPool2d(Pool2d):
    """Average pooling with trained weights for each channel; incomplete windows at the end are dropped.

    `weights: per_map` has one coefficient g (starts at 1) on the window's mean and one bias b (starts at 0) for each
    channel; `per_position` has a weight for each position of the window (starts at 1 / the window's size) and no bias.
    So both start as average pooling. Weight decay leaves these parameters out unless told. `size` is the window's
    [height, width], `stride` the same unless it is given.

    Shapes (N samples, C channels)
        x (C, H, W, N)   g (C,)   b (C,)   or   W (C, kh, kw)   ->   y (C, P, Q, N)

    Gradients
        per_map        dg[j] = Σ dy[j] mean[j]        db[j] = Σ dy[j]
                       dx[j] = g[j] dy[j] / (window's size), summed over windows
        per_position   dW[j,a,b] = Σ dy[j,r,c] x[j, r·s + a, c·s + b]
                       dx[j, r·s + a, c·s + b] = Σ W[j,a,b] dy[j,r,c]

    Raises ShapeError unless the input is an image at least as large as the window.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B (LeNet-5's
    subsampling, `per_map`; there the coefficient is on the sum). `per_position` is its generalisation.
    """

    weights: Literal["per_map", "per_position"] = "per_map"

    traits: ClassVar[Traits] = Traits(suits="pass")

    def declare(self, *inputs: Shape) -> Declared:
        declared = Pool2d.declare(self, *inputs)
        (channels, rows, columns), taps = declared.output, self.size[0] * self.size[1]
        if self.weights == "per_position":
            axes = ("channel", "window height", "window width")
            parameters = {"W": Parameter((channels, *self.size), axes, init=1 / taps, decay=False)}
            return Declared(declared.output, parameters, flops=2 * declared.flops)
        parameters = {
            "g": Parameter((channels,), ("channel",), init=1.0, decay=False),
            "b": Parameter((channels,), ("channel",), decay=False),
        }
        return Declared(declared.output, parameters, flops=declared.flops + 2 * channels * rows * columns)

    def workspace(self, inputs: tuple[Shape, ...], n: int, plan: object) -> dict[str, Work]:
        return {"product": Work((*self.declare(*inputs).output, n), scratch=True)}

    def prepare(self, f: Frame) -> Any:
        taps = self.taps(f)
        flat = f.work["product"].reshape(len(f.x), -1)
        if self.weights == "per_map":
            return Views(taps, [_column(f.p["g"])], _column(f.p["b"]), flat, [])
        places = list(np.ndindex(self.size))
        gradients = [f.g["W"][:, a, b] for a, b in places] if f.g is not None else []
        return Views(taps, [_column(f.p["W"][:, a, b]) for a, b in places], None, flat, gradients)

    def forward(self, f: Frame) -> None:
        taps, weights, bias, _, _ = f.views
        if bias is not None:
            pooling.average(taps.inputs, f.y, 1 / len(taps.inputs))
            np.multiply(f.y, weights[0], out=f.y)
            np.add(f.y, bias, out=f.y)
            return
        pooling.weighted(taps.inputs, weights, f.y, f.work["product"])

    def backward(self, f: Frame) -> None:
        taps, weights, bias, flat, gradients = f.views
        product = f.work["product"]
        if f.g is not None and bias is not None:
            np.add.reduce(f.dy.reshape(flat.shape), axis=1, out=f.g["b"])
            pooling.average(taps.inputs, product, 1 / len(taps.inputs))
            np.multiply(product, f.dy, out=product)
            np.add.reduce(flat, axis=1, out=f.g["g"])
        for tap, gradient in zip(taps.inputs if gradients else [], gradients, strict=True):
            np.multiply(f.dy, tap, out=product)
            np.add.reduce(flat, axis=1, out=gradient)
        if f.dx is None:
            return
        for part in taps.zeros:
            part.fill(0)
        if bias is not None:
            np.multiply(f.dy, weights[0], out=f.dy)
            errors = [f.dy] * len(taps.gradients)
            pooling.average_gradient(f.dy, errors, taps.gradients, 1 / len(errors), self.overlapping)
        else:
            pooling.weighted_gradient(f.dy, weights, taps.gradients, product if self.overlapping else None)


def _column(values: Array) -> Array:
    """(C,) as (C, 1, 1, 1)."""
    return values[:, None, None, None]
