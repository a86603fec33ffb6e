"""Local connections: a convolution whose kernel differs from position to position, as one matrix product for each.

The columns of a block of output rows, (rows, columns, K taps, N), are what its positions read of the image, in the
order of the weights' axes (C, kh, kw), so that the weights are used where they lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nncli.kernels.window import Window, inside
from nncli.parts import Array


class Rows(NamedTuple):
    """Some rows of the output, as views made once.

    zeros     parts of the columns that lie outside the image
    copies    pairs (part of the columns, part of the image)
    columns   (P, Q, K, N), and `turned` (P, Q, N, K)
    place     which rows
    part      (P, Q, F, N), those rows of the output, or of its errors
    """

    zeros: tuple[Array, ...]
    copies: tuple[tuple[Array, Array], ...]
    columns: Array
    turned: Array
    place: slice
    part: Array


def make_rows(x: Array, y: Array, window: Window, count: int, buffer: Array) -> list[Rows]:
    """Blocks of at most `count` rows of an output y (F, P, Q, N) of an image x (C, H, W, N).

    `buffer` is a vector that holds the columns of one block: rows · Q · K · N elements.
    """
    _, height, width, n = y.shape
    channels, (kh, kw) = len(x), window.kernel
    made = []
    for top in range(0, height, count):
        place = slice(top, min(top + count, height))
        shape = place.stop - top, width, channels, kh, kw, n
        unrolled = buffer[: math.prod(shape)].reshape(shape)
        zeros, copies = _gather(x, unrolled, window, top)
        columns = unrolled.reshape(*shape[:2], -1, n)
        part = y[:, place].transpose(1, 2, 0, 3)
        made.append(Rows(zeros, copies, columns, columns.swapaxes(2, 3), place, part))
    return made


def _gather(
    x: Array, unrolled: Array, window: Window, top: int
) -> tuple[tuple[Array, ...], tuple[tuple[Array, Array], ...]]:
    """What is zeroed and what is copied to fill the columns of the rows from `top`."""
    zeros, copies = [], []
    for a, b in np.ndindex(window.kernel):
        tap = unrolled[:, :, :, a, b]
        first = top * window.stride[0] + a * window.dilation[0] - window.before[0]
        left = b * window.dilation[1] - window.before[1]
        rows = inside(first, window.stride[0], tap.shape[0], x.shape[1])
        columns = inside(left, window.stride[1], tap.shape[1], x.shape[2])
        zeros += [tap[: rows[0]], tap[rows[1] :], tap[:, : columns[0]], tap[:, columns[1] :]]
        if rows[0] < rows[1] and columns[0] < columns[1]:
            image = x[:, _run(first, window.stride[0], rows), _run(left, window.stride[1], columns)]
            copies.append((tap[slice(*rows), slice(*columns)], image.transpose(1, 2, 0, 3)))
    return tuple(zero for zero in zeros if zero.size), tuple(copies)


def _run(first: int, step: int, span: tuple[int, int]) -> slice:
    """Where the positions `span` (start, stop) read."""
    return slice(first + span[0] * step, first + (span[1] - 1) * step + 1, step)


def fill(rows: Rows) -> None:
    """Write the columns."""
    for zero in rows.zeros:
        zero.fill(0)
    for columns, image in rows.copies:
        np.copyto(columns, image)


def forward(
    blocks: Sequence[Rows],
    weights: Array,
    y: Array,
    bias: Array | None = None,
    finish: Callable[[Array], None] | None = None,
) -> None:
    """Write y, the blocks' output, from weights (P, Q, F, K), plus the bias (F, P, Q, 1).

    `finish` is called with each part while the cache still holds it.
    """
    for rows in blocks:
        fill(rows)
        np.matmul(weights[rows.place], rows.columns, out=rows.part)
        part = y[:, rows.place]
        if bias is not None:
            np.add(part, bias[:, rows.place], out=part)
        if finish is not None:
            finish(part)


def weight_gradient(blocks: Sequence[Rows], dw: Array) -> None:
    """Write dw (P, Q, F, K); the blocks are made of the image and the errors."""
    for rows in blocks:
        fill(rows)
        np.matmul(rows.part, rows.turned, out=dw[rows.place])


def input_gradient(blocks: Sequence[Rows], turned: Array, dx: Array) -> None:
    """Write dx from the weights as `turned` (P, Q, K, F); the blocks are made of dx and the errors."""
    dx.fill(0)
    for rows in blocks:
        np.matmul(turned[rows.place], rows.part, out=rows.columns)
        for columns, image in rows.copies:
            np.add(image, columns, out=image)
