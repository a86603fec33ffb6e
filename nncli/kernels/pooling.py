"""Pooling as passes over whole slices: for each tap of the window, the slice of the image that it reads.

`taps` gives these slices in the order of the window's rows. Without padding all of them have the shape of the output;
with padding a tap that reads beyond the image is cut, and `places` says which part of the output is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nncli.kernels.window import inside
from nncli.parts import Array

Place = tuple[slice, slice, slice]


def places(
    image: tuple[int, int],
    size: tuple[int, int],
    stride: tuple[int, int],
    output: tuple[int, int],
    before: tuple[int, int] = (0, 0),
) -> list[tuple[Place, Place]]:
    """For each tap of the window that reads the image anywhere: the parts of the output and of the image."""

    def along(axis: int, tap: int) -> tuple[slice, slice]:
        first, step = tap - before[axis], stride[axis]
        start, stop = inside(first, step, output[axis], image[axis])
        return slice(start, stop), slice(first + start * step, first + (stop - 1) * step + 1 if stop else 0, step)

    every = slice(None)
    found = []
    for a in range(size[0]):
        for b in range(size[1]):
            (rows, lines), (columns, across) = along(0, a), along(1, b)
            if rows.start < rows.stop and columns.start < columns.stop:
                found.append(((every, rows, columns), (every, lines, across)))
    return found


def taps(
    x: Array,
    size: tuple[int, int],
    stride: tuple[int, int],
    output: tuple[int, int],
    before: tuple[int, int] = (0, 0),
) -> list[Array]:
    """Views of x (C, H, W, N), one for each tap of the window."""
    return [x[read] for _, read in places((x.shape[1], x.shape[2]), size, stride, output, before)]


def maximum(inputs: Sequence[Array], y: Array, parts: Sequence[Array] | None = None) -> None:
    """Write the largest of the taps into y; `parts` of y are what the taps reach, None where that is all of it."""
    if parts is not None:
        y.fill(-np.inf)
        for tap, part in zip(inputs, parts, strict=True):
            np.maximum(part, tap, out=part)
        return
    if len(inputs) == 1:
        np.copyto(y, inputs[0])
        return
    np.maximum(inputs[0], inputs[1], out=y)
    for tap in inputs[2:]:
        np.maximum(y, tap, out=y)


class Claim(NamedTuple):
    """What a tap of the window may claim of the error: all arrays have the shape of the tap.

    `hit` and `left` (bool) say where the tap is the maximum, and where no tap before it was. Where windows overlap,
    `share` takes what goes to the tap before it is added to dx; else it is None.
    """

    x: Array
    y: Array
    dy: Array
    dx: Array
    hit: Array
    left: Array
    share: Array | None


def maximum_gradient(claims: Sequence[Claim], left: Array) -> None:
    """Send dy to the first tap that equals the maximum y. `left` is that of all taps, of the shape of y.

    Where windows overlap, dx starts as zeros; else each tap's part of it is written.
    """
    left.fill(True)
    for x, y, dy, dx, hit, free, share in claims:
        np.equal(x, y, out=hit)
        np.logical_and(hit, free, out=hit)
        if share is None:
            np.multiply(dy, hit, out=dx)
        else:
            np.multiply(dy, hit, out=share)
            np.add(dx, share, out=dx)
        np.greater(free, hit, out=free)


def average(inputs: Sequence[Array], y: Array, factor: float | Array, parts: Sequence[Array] | None = None) -> None:
    """Write the sum of the taps times `factor` into y; `parts` as for `maximum`."""
    if parts is not None:
        y.fill(0)
        for tap, part in zip(inputs, parts, strict=True):
            np.add(part, tap, out=part)
    elif len(inputs) == 1:
        np.copyto(y, inputs[0])
        return
    else:
        np.add(inputs[0], inputs[1], out=y)
        for tap in inputs[2:]:
            np.add(y, tap, out=y)
    np.multiply(y, factor, out=y)


def average_gradient(
    dy: Array, errors: Sequence[Array], gradients: Sequence[Array], factor: float | Array, overlap: bool
) -> None:
    """Give each tap its share of dy; `errors` are the parts of dy that the taps reach. Overwrites dy with one share.

    Where windows `overlap` it is added.
    """
    np.multiply(dy, factor, out=dy)
    for error, gradient in zip(errors, gradients, strict=True):
        if overlap:
            np.add(gradient, error, out=gradient)
        else:
            np.copyto(gradient, error)


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
