"""Pooling as passes over whole slices: for each tap of the window, the slice of the image that it reads.

`taps` gives these slices in the order of the window's rows; all of them have the shape of the output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncli.parts import Array


def taps(x: Array, size: tuple[int, int], stride: tuple[int, int], output: tuple[int, int]) -> list[Array]:
    """Views (C, P, Q, N) of x (C, H, W, N), one for each tap of the window."""
    (kh, kw), (sh, sw), (rows, columns) = size, stride, output
    return [
        x[:, a : a + (rows - 1) * sh + 1 : sh, b : b + (columns - 1) * sw + 1 : sw]
        for a in range(kh)
        for b in range(kw)
    ]


def maximum(inputs: Sequence[Array], y: Array) -> None:
    """Write the largest of the taps into y."""
    if len(inputs) == 1:
        np.copyto(y, inputs[0])
        return
    np.maximum(inputs[0], inputs[1], out=y)
    for tap in inputs[2:]:
        np.maximum(y, tap, out=y)


def maximum_gradient(
    inputs: Sequence[Array],
    y: Array,
    dy: Array,
    gradients: Sequence[Array],
    hit: Array,
    left: Array,
    share: Array | None = None,
) -> None:
    """Send dy to the first tap that equals the maximum y.

    `hit` and `left` (bool) have the shape of y: where a tap is the maximum, and where no tap before it was. Where
    windows overlap, `share` (the shape of y) takes what goes to a tap before it is added to the gradient, which starts
    as zeros; else it is None and the gradient of each tap is written.
    """
    left.fill(True)
    for tap, gradient in zip(inputs, gradients, strict=True):
        np.equal(tap, y, out=hit)
        np.logical_and(hit, left, out=hit)
        if share is None:
            np.multiply(dy, hit, out=gradient)
        else:
            np.multiply(dy, hit, out=share)
            np.add(gradient, share, out=gradient)
        np.greater(left, hit, out=left)


def average(inputs: Sequence[Array], y: Array) -> None:
    """Write the mean of the taps into y."""
    if len(inputs) == 1:
        np.copyto(y, inputs[0])
        return
    np.add(inputs[0], inputs[1], out=y)
    for tap in inputs[2:]:
        np.add(y, tap, out=y)
    np.multiply(y, 1 / len(inputs), out=y)


def average_gradient(dy: Array, gradients: Sequence[Array], overlap: bool) -> None:
    """Spread dy evenly over the taps. Overwrites dy with one tap's share. Where windows `overlap` it is added."""
    np.multiply(dy, 1 / len(gradients), out=dy)
    for gradient in gradients:
        if overlap:
            np.add(gradient, dy, out=gradient)
        else:
            np.copyto(gradient, dy)


def weighted(inputs: Sequence[Array], weights: Sequence[Array], y: Array, product: Array) -> None:
    """Write the sum of the taps, each times its weights (C, 1, 1, 1), into y; `product` is scratch of its shape."""
    np.multiply(inputs[0], weights[0], out=y)
    for tap, weight in zip(inputs[1:], weights[1:], strict=True):
        np.multiply(tap, weight, out=product)
        np.add(y, product, out=y)


def weighted_gradient(
    dy: Array, weights: Sequence[Array], gradients: Sequence[Array], product: Array | None = None
) -> None:
    """Send dy times the weights to each tap. Where windows overlap, `product` (the shape of dy) takes what goes to a
    tap before it is added; else it is None and the gradient of each tap is written."""
    for weight, gradient in zip(weights, gradients, strict=True):
        if product is None:
            np.multiply(dy, weight, out=gradient)
        else:
            np.multiply(dy, weight, out=product)
            np.add(gradient, product, out=gradient)
