"""Images read at other places than their pixels: bilinear interpolation at given coordinates, batch last."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from nncli.parts import Array, Shape, Work

Border: TypeAlias = Literal["edge", "zero", "reflect"]
"""What lies outside an image: its nearest pixel, zeros, or its mirror image (once, then the nearest pixel)."""
_BEFORE, _AFTER = 1, 2
"""Zeros around the copy that is read from: a pixel outside and its neighbours lie in it."""


class Grid(NamedTuple):
    """Arrays for images (C, H, W, n).

    y, x      coordinates (H, W, n) in pixels of where each pixel of the result is read; used up by `resample`
    source    (C, H + 3, W + 3, n), zeros around the image      lane    (n,) where each sample begins in it
    at        (H, W, n) places in it                            a, b    (H, W, n) scratch
    """

    y: Array
    x: Array
    source: Array
    lane: Array
    at: Array
    a: Array
    b: Array

    @staticmethod
    def works(shape: Shape, n: int) -> dict[str, Work]:
        channels, height, width = shape
        plane, margin = (height, width, n), _BEFORE + _AFTER
        return {
            "y": Work(plane),
            "x": Work(plane),
            "source": Work((channels, height + margin, width + margin, n), zero=True),
            "lane": Work((n,), dtype=np.intp, zero=True),
            "at": Work(plane, dtype=np.intp),
            "a": Work(plane),
            "b": Work(plane),
        }

    def prepare(self) -> None:
        """To be called once."""
        n, across = len(self.lane), self.source.shape[2]
        self.lane[...] = np.arange(n) + (_BEFORE * across + _BEFORE) * n


def resample(grid: Grid, x: Array, border: Border, whole: bool) -> None:
    """Replace images (C, H, W, n) by what they are at the coordinates of the grid.

    With `whole` all coordinates are whole numbers, and there is nothing to interpolate.
    """
    channels, height, width, n = x.shape
    y, across, row = grid.y, grid.x, grid.source.shape[2]
    np.copyto(grid.source[:, _BEFORE : _BEFORE + height, _BEFORE : _BEFORE + width], x)
    _confine(y, height, border, grid.a)
    _confine(across, width, border, grid.a)
    if whole:  # rounded, because sums of whole and half numbers may have been taken
        np.rint(y, out=y)
        np.rint(across, out=grid.b)
        np.multiply(y, row, out=grid.a)
    else:
        np.floor(y, out=grid.a)
        np.floor(across, out=grid.b)
        np.subtract(y, grid.a, out=y)
        np.subtract(across, grid.b, out=across)
        np.multiply(grid.a, row, out=grid.a)
    np.add(grid.a, grid.b, out=grid.a)  # exact in float32 up to 2²⁴ pixels
    np.copyto(grid.at, grid.a, casting="unsafe")
    np.multiply(grid.at, n, out=grid.at)
    np.add(grid.at, grid.lane, out=grid.at)
    for channel in range(channels):
        flat = grid.source[channel].reshape(-1)
        if whole:
            flat.take(grid.at, out=x[channel], mode="clip")
        else:
            _interpolate(grid, flat, row * n, x[channel])


def _confine(at: Array, size: int, border: Border, spare: Array) -> None:
    """Bring coordinates to where there are pixels, or the zeros beside them."""
    if border == "zero":
        np.clip(at, -1, size, out=at)
        return
    if border == "reflect":
        np.abs(at, out=at)
        np.subtract(size - 1, at, out=spare)
        np.abs(spare, out=spare)
        np.subtract(size - 1, spare, out=at)
    np.clip(at, 0, size - 1, out=at)


def _interpolate(grid: Grid, flat: Array, row: int, out: Array) -> None:
    """Of four neighbours; a number that is not between two others is taken as it is. `mode="clip"` because "raise"
    would buffer `out`; the places are within bounds."""
    n, a, b = len(grid.lane), grid.a, grid.b
    flat.take(grid.at, out=out, mode="clip")
    flat[n:].take(grid.at, out=a, mode="clip")
    np.subtract(a, out, out=a)
    np.multiply(a, grid.x, out=a)
    np.add(out, a, out=out)
    flat[row:].take(grid.at, out=a, mode="clip")
    flat[row + n :].take(grid.at, out=b, mode="clip")
    np.subtract(b, a, out=b)
    np.multiply(b, grid.x, out=b)
    np.add(a, b, out=a)
    np.subtract(a, out, out=a)
    np.multiply(a, grid.y, out=a)
    np.add(out, a, out=out)
