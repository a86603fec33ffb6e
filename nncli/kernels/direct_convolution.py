"""Convolution by SciPy, one sample and one feature map at a time: slow, and a reference for the others.

    z = bias + correlate(x, W, valid)      dW = correlate(x, dz, valid)      dx = convolve(dz, W, full)

with zeros between the taps of W where it is dilated and between the errors dz where the stride is above 1. SciPy's
three-dimensional routines sum over the channels. Only arrays of one sample's size are allocated.

SciPy's `valid` mode swaps its operands when the second is the larger, so the image is cut or padded to what the
positions read first.

`direct` sums take the formula's word; `overlapping` ones are by Fourier transforms of the kernel's order of size, laid
over the image one beside the other (Oppenheim & Schafer 1975, overlap-add), which sum no channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nncli.kernels.window import Window, extent
from nncli.parts import Array

Sum: TypeAlias = Callable[[Array, Array, str], Array]


def direct(image: Array, kernel: Array, mode: str) -> Array:
    """The convolution of maps (C, H, W) with a kernel (C, kh, kw), or with `valid` their correlation."""
    from scipy import signal

    combine = signal.correlate if mode == "valid" else signal.convolve
    return combine(image, kernel, mode=mode, method="direct")  # type: ignore[no-any-return]


def overlapping(image: Array, kernel: Array, mode: str) -> Array:
    """The same for single maps (1, H, W), or one that is convolved with several kernels."""
    from scipy import signal

    if mode == "valid":
        kernel = kernel[:, ::-1, ::-1]
    return signal.oaconvolve(image, kernel, mode=mode, axes=(1, 2))  # type: ignore[no-any-return]


def _reach(window: Window, output: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the padded image that the output's positions read."""
    rows, columns = (
        (count - 1) * stride + extent(kernel, dilation)
        for count, stride, kernel, dilation in zip(output, window.stride, window.kernel, window.dilation, strict=True)
    )
    return rows, columns


def _overlap(before: int, size: int, padded: int) -> tuple[slice, slice]:
    """The part of an image and the part of its padded copy that hold the same values."""
    start, stop = max(0, -before), min(size, padded - before)
    stop = max(start, stop)
    return slice(start, stop), slice(start + before, stop + before)


def _spread(taps: Array, step: tuple[int, int]) -> Array:
    """The array with zeros between its last two axes' elements, so that they are `step` apart."""
    *lead, rows, columns = taps.shape
    spread = np.zeros((*lead, extent(rows, step[0]), extent(columns, step[1])), taps.dtype)
    spread[..., :: step[0], :: step[1]] = taps
    return spread


def _parts(window: Window, image: Array, output: Array) -> tuple[Array, tuple[slice, ...], tuple[slice, ...]]:
    """Zeros for one padded sample, and where the image and the padded sample hold the same."""
    reach = _reach(window, output.shape[1:3])
    (rows, padded_rows), (columns, padded_columns) = (
        _overlap(before, size, padded)
        for before, size, padded in zip(window.before, image.shape[1:3], reach, strict=True)
    )
    every = slice(None)
    return np.zeros((len(image), *reach), image.dtype), (every, rows, columns), (every, padded_rows, padded_columns)


def correlate(x: Array, weights: Array, y: Array, window: Window, combine: Sum = direct) -> None:
    """Write y (F, P, Q, N) from x (C, H, W, N) and weights (F, C/G, kh, kw), without a bias."""
    padded, inner, place = _parts(window, x, y)
    taps = _spread(weights, window.dilation)
    per_group = taps.shape[1]
    for sample in range(x.shape[3]):
        padded[place] = x[..., sample][inner]
        for j, kernel in enumerate(taps):
            first = j // (len(taps) * per_group // len(x)) * per_group
            full = combine(padded[first : first + per_group], kernel, "valid")
            y[j, ..., sample] = full[0, :: window.stride[0], :: window.stride[1]]


def weight_gradient(x: Array, dy: Array, dw: Array, window: Window, combine: Sum = direct) -> None:
    """Write dw (F, C/G, kh, kw) from x and the errors dy of the output."""
    padded, inner, place = _parts(window, x, dy)
    per_group = dw.shape[1]
    dw.fill(0)
    for sample in range(x.shape[3]):
        padded[place] = x[..., sample][inner]
        for j in range(len(dw)):
            first = j // (len(dw) * per_group // len(x)) * per_group
            error = _spread(dy[None, j, ..., sample], window.stride)
            full = combine(padded[first : first + per_group], error, "valid")
            dw[j] += full[:, :: window.dilation[0], :: window.dilation[1]]


def input_gradient(dy: Array, weights: Array, dx: Array, window: Window, combine: Sum = direct) -> None:
    """Write dx (C, H, W, N) from the errors dy of the output."""
    padded, inner, place = _parts(window, dx, dy)
    taps = _spread(weights, window.dilation)
    per_group = taps.shape[1]
    dx.fill(0)
    for sample in range(dx.shape[3]):
        padded.fill(0)
        for j, kernel in enumerate(taps):
            first = j // (len(taps) * per_group // len(dx)) * per_group
            error = _spread(dy[None, j, ..., sample], window.stride)
            padded[first : first + per_group] += combine(error, kernel, "full")
        dx[..., sample][inner] = padded[place]
