"""Convolution by the fast Fourier transform: its cost hardly depends on the size of the kernel.

All three passes are linear convolutions of two maps along rows and columns, of which some positions are wanted:

    y = (x ∗ W turned by 180°)[stride·r + reach − before]        reach = dilation·(kernel − 1)
    dW = Σₙ (x ∗ dy turned by 180°)[dilation·a + last − before]    last = stride·(P − 1)
    dx = (dy ∗ W)[h + before]

with zeros between the taps of a dilated W, and between the errors dy where the stride is above 1. Maps are transformed
along the rows that hold something only, then along all columns; the channels are summed by one product of matrices for
each frequency, before the way back. That needs inverse transforms of the wanted rows alone.

SciPy's transforms have no `out=`: samples and kernels are worked through in chunks of fixed size, so that what is
allocated does not grow with the batch, and is small (with two threads, pages fresh from the system cost more than the
transforms: 19 ms against 9 for 16 → 16 channels of 64×64 with 31×31).

Source: Mathieu, Henaff & LeCun 2014, "Fast training of convolutional networks through FFTs", arXiv:1312.5851. We
deviate: transforms no longer than what wraps around may do no harm to what is wanted, instead of those of the whole
convolution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nncli.kernels.window import Window, extent, inside
from nncli.parts import Array, Shape

CHUNK = 1 << 16
"""Numbers of the spectra of kernels that are made at a time."""


class Axis(NamedTuple):
    """One axis of a pass: length of the transforms, and for the result's positions (how many, first index of the
    convolution, step, size of the convolution)."""

    length: int
    wanted: int
    first: int
    step: int
    whole: int


def fast_length(least: int, step: int = 1) -> int:
    """The smallest multiple of `step` from `least` without prime factors above 5."""
    length = -(-least // step) * step
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += step


def _axis(one: int, other: int, count: int, first: int, step: int, even: bool) -> Axis:
    """For the convolution of lengths `one` and `other` of which `count` positions from `first` are wanted."""
    whole = one + other - 1
    least, most = max(first, 0), min(first + (count - 1) * step, whole - 1)
    return Axis(fast_length(max(one, other, whole - least, most + 1), 1 + even), count, first, step, whole)


def axes(x: Shape, y: Shape, window: Window, which: str) -> tuple[Axis, Axis]:
    """Rows and columns of a pass for images x and outputs y (channels, height, width)."""
    made = []
    for axis in (0, 1):
        kernel, stride, dilation, before = (part[axis] for part in window)
        size, reach, last = x[axis + 1], extent(kernel, dilation), stride * (y[axis + 1] - 1) + 1
        if which == "forward":
            made.append(_axis(size, reach, y[axis + 1], reach - 1 - before, stride, axis == 1))
        elif which == "weight":
            made.append(_axis(size, last, kernel, last - 1 - before, dilation, axis == 1))
        else:
            made.append(_axis(last, reach, size, before, 1, axis == 1))
    return made[0], made[1]


def spectrum_shape(weights: Shape, lengths: tuple[Axis, Axis]) -> Shape:
    """That of the spectrum of weights (G, F/G, C/G, kh, kw): (G, T, T'/2 + 1, F/G, C/G)."""
    return weights[0], lengths[0].length, lengths[1].length // 2 + 1, *weights[1:3]


def _spread(maps: Array, step: tuple[int, int], rows: int, columns: int) -> Array:
    """The maps (K, rows, columns, N) with zeros between rows and columns so that they are `step` apart."""
    if step == (1, 1):
        return maps
    shape = len(maps), extent(maps.shape[rows], step[0]), extent(maps.shape[columns], step[1]), *maps.shape[3:]
    spread = np.zeros(shape, maps.dtype)
    spread[:, :: step[0], :: step[1]] = maps
    return spread


def _transform(maps: Array, lengths: tuple[Axis, Axis]) -> Array:
    """The spectrum (K, T, T'/2 + 1, N) of maps (K, rows, columns, N)."""
    from scipy import fft

    half = fft.rfft(maps, lengths[1].length, axis=2)
    return fft.fft(half, lengths[0].length, axis=1, overwrite_x=True)  # type: ignore[no-any-return]


def _transform_back(spectrum: Array, lengths: tuple[Axis, Axis], result: Array) -> None:
    """Write the wanted positions into a result (K, rows, columns, N)."""
    from scipy import fft

    (rows, lines), (columns, across) = (_wanted(axis) for axis in lengths)
    if rows.stop - rows.start < result.shape[1] or columns.stop - columns.start < result.shape[2]:
        result.fill(0)
    if rows.start == rows.stop or columns.start == columns.stop:
        return
    half = fft.ifft(spectrum, axis=1, overwrite_x=True)[:, lines]
    maps = fft.irfft(half, lengths[1].length, axis=2, overwrite_x=True)
    np.copyto(result[:, rows, columns], maps[:, :, across])


def _wanted(axis: Axis) -> tuple[slice, slice]:
    """Which positions of the result are not zero, and where they lie in the convolution."""
    start, stop = inside(axis.first, axis.step, axis.wanted, axis.whole)
    first = axis.first + start * axis.step
    return slice(start, stop), slice(first, first + (stop - start - 1) * axis.step + 1, axis.step)


def _matrices(spectrum: Array, groups: int) -> Array:
    """(G, T, T', K/G, N) of a spectrum (K, T, T', N)."""
    return spectrum.reshape(groups, -1, *spectrum.shape[1:]).transpose(0, 2, 3, 1, 4)


def _transform_weights(
    weights: Array, window: Window, lengths: tuple[Axis, Axis], turned: bool, spectrum: Array
) -> None:
    """Write the spectrum of weights (G, F/G, C/G, kh, kw)."""
    channels = weights.shape[2]
    filters = max(1, CHUNK // spectrum[0, ..., 0, :].size)
    for g in range(len(weights)):
        for part in _chunks(weights.shape[1], filters):
            maps = weights[g, part].reshape(1, -1, *weights.shape[3:]).transpose(0, 2, 3, 1)
            maps = _spread(maps, window.dilation, 1, 2)
            found = _transform(maps[:, ::-1, ::-1] if turned else maps, lengths)
            np.copyto(spectrum[g, :, :, part], found.reshape(*found.shape[1:3], -1, channels))


def _chunks(n: int, samples: int) -> list[slice]:
    return [slice(start, min(start + samples, n)) for start in range(0, n, samples)]


def correlate(x: Array, weights: Array, y: Array, window: Window, samples: int, spectrum: Array) -> None:
    """Write y (F, P, Q, N) from x (C, H, W, N) and weights (G, F/G, C/G, kh, kw), without a bias.

    `samples` are worked through at a time; `spectrum` is scratch for that of the weights.
    """
    lengths = axes(x.shape, y.shape, window, "forward")
    _transform_weights(weights, window, lengths, True, spectrum)
    _passed(x, (1, 1), spectrum, y, lengths, samples)


def input_gradient(dy: Array, weights: Array, dx: Array, window: Window, samples: int, spectrum: Array) -> None:
    """Write dx (C, H, W, N) from the errors dy of the output."""
    lengths = axes(dx.shape, dy.shape, window, "input")
    _transform_weights(weights, window, lengths, False, spectrum)
    _passed(dy, window.stride, spectrum.swapaxes(3, 4), dx, lengths, samples)


def _passed(
    source: Array, step: tuple[int, int], matrices: Array, result: Array, lengths: tuple[Axis, Axis], samples: int
) -> None:
    groups = len(matrices)
    for chunk in _chunks(source.shape[3], samples):
        spectrum = _transform(_spread(source[..., chunk], step, 1, 2), lengths)
        product = np.empty((len(result), *spectrum.shape[1:]), spectrum.dtype)
        np.matmul(matrices, _matrices(spectrum, groups), out=_matrices(product, groups))
        _transform_back(product, lengths, result[..., chunk])


def weight_gradient(x: Array, dy: Array, dw: Array, window: Window, samples: int, spectrum: Array) -> None:
    """Write dw (G, F/G, C/G, kh, kw) from x and the errors dy of the output; `spectrum` is scratch for that of dw."""
    lengths = axes(x.shape, dy.shape, window, "weight")
    rows = max(1, CHUNK // spectrum[:, 0].size)
    for chunk in _chunks(x.shape[3], samples):
        errors = _transform(_spread(dy[..., chunk], window.stride, 1, 2)[:, ::-1, ::-1], lengths)
        images = _transform(x[..., chunk], lengths)
        left, right = _matrices(errors, len(dw)), _matrices(images, len(dw)).swapaxes(3, 4)
        if chunk.start == 0:
            np.matmul(left, right, out=spectrum)
            continue
        for part in _chunks(spectrum.shape[1], rows):
            np.add(spectrum[:, part], np.matmul(left[:, part], right[:, part]), out=spectrum[:, part])
    count = max(1, CHUNK // spectrum[0, ..., 0, :].size)
    for g in range(len(dw)):
        for part in _chunks(dw.shape[1], count):
            maps = dw[g, part].reshape(1, -1, *dw.shape[3:]).transpose(0, 2, 3, 1)
            found = spectrum[g, :, :, part].reshape(1, *spectrum.shape[1:3], maps.shape[3])
            _transform_back(found, lengths, maps)
