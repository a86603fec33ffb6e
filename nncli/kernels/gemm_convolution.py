"""Convolution as matrix products on blocks of columns that fit the cache.

The columns of a block are unrolled along the width only, as (rows, channels, horizontal taps, positions): then the
matrix of one output row, (vertical taps · channels · horizontal taps, positions), is a run of consecutive memory, and
the matrices of neighbouring rows overlap. Memory and copying are those of im2col divided by the kernel's height.

Source: Chellapilla, Puri & Simard 2006, "High performance convolutional neural networks for document processing"
(im2col); Cho & Brand 2017, "MEC: memory-efficient convolution", arXiv:1706.06873 (unrolling along one axis). We
deviate: blocks of rows and columns of the output instead of the whole image, the batch as the last axis, and padding
is written as zeros into the block, so that there is no padded copy of the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nncli.kernels.window import Window, inside
from nncli.parts import Array, Shape


class Block(NamedTuple):
    """A part of the output with its columns, as views made once.

    zeros     parts of the columns that lie outside the image
    copies    pairs (part of the columns, part of the image)
    columns   (G, R, K, L): for each group and output row a matrix of K taps and L positions
    rows      (G, R, M, L): the same positions of the output
    part      (M·G, R, columns, N): the same as a slice of the output
    """

    zeros: tuple[Array, ...]
    copies: tuple[tuple[Array, Array], ...]
    columns: Array
    rows: Array
    part: Array


Product = tuple[Array, Array, Array]
"""A stack of matrix products: left, right, result."""


def shares_rows(window: Window) -> bool:
    """Whether neighbouring output rows use the same unrolled input rows."""
    return window.dilation[0] == 1 and window.stride[0] < window.kernel[0]


def is_plain(window: Window, x: Shape, y: Shape) -> bool:
    """Whether the image is its own matrix of columns, as it is for a 1×1 kernel at every position."""
    return window.kernel == window.stride == (1, 1) and window.before == (0, 0) and x[1:3] == y[1:3]


def buffer_size(channels: int, window: Window, block: tuple[int, int], n: int, shared: bool) -> int:
    """Elements of the columns of a block of (rows, columns) output positions."""
    rows, columns = block
    kh, kw = window.kernel
    lines = (rows - 1) * window.stride[0] + kh if shared else rows * kh
    return lines * channels * kw * pitch(columns * n)


def pitch(length: int) -> int:
    """Elements from one row of the columns to the next: rows start at cache lines, and not all in the same cache set,
    as they would at multiples of 1 KiB."""
    pitch = -(-length // 16) * 16
    return pitch + 16 if pitch % 256 == 0 else pitch


def make_blocks(
    x: Array, y: Array, window: Window, block: tuple[int, int], buffer: Array, groups: int = 1, adjoint: bool = False
) -> list[Block]:
    """The blocks of an output y (F, P, Q, N) of an image x (C, H, W, N).

    `block` is (rows, columns) of output positions, `buffer` a vector that holds the columns of one block. `adjoint`
    gives copies that can be added back to the image one after the other (no part of the image twice in one copy).
    """
    count, height, width, n = y.shape
    if is_plain(window, x.shape, y.shape):
        return list(_plain_blocks(x, y, block, groups))
    rows, columns = min(block[0], height), min(block[1], width)
    image = x.reshape(groups, len(x) // groups, *x.shape[1:]).transpose(0, 2, 1, 3, 4)
    output = y.reshape(groups, count // groups, *y.shape[1:])
    shared = shares_rows(window) and not adjoint
    made = []
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            place = slice(top, min(top + rows, height)), slice(left, min(left + columns, width))
            size = place[0].stop - top, place[1].stop - left
            unrolled = _unrolled(image, window, size, buffer, shared)
            zeros, copies = _gather(image, unrolled, window, (top, left), shared, merge=not adjoint)
            matrix = _matrices(unrolled, window, size[0], shared)
            part = output[:, :, *place].reshape(groups, count // groups, size[0], size[1] * n)
            part = part.transpose(0, 2, 1, 3)
            assert np.shares_memory(part, y)
            made.append(Block(zeros, copies, matrix, part, y[:, *place]))
    return made


def _plain_blocks(x: Array, y: Array, block: tuple[int, int], groups: int) -> Iterator[Block]:
    """Blocks of a 1×1 kernel: the image is its own matrix of columns."""
    positions = x.shape[1] * x.shape[2]
    flat_x, flat_y = (a.reshape(groups, 1, len(a) // groups, positions, a.shape[3]) for a in (x, y))
    for start in range(0, positions, block[0] * block[1]):
        place = slice(start, min(start + block[0] * block[1], positions))
        matrix, rows = (a[:, :, :, place].reshape(*a.shape[:3], -1) for a in (flat_x, flat_y))
        part = y.reshape(len(y), 1, positions, y.shape[3])[:, :, place]
        yield Block((), (), matrix, rows, part)


def _unrolled(image: Array, window: Window, size: tuple[int, int], buffer: Array, shared: bool) -> Array:
    """The columns of a block in the buffer: (G, rows of the image, C/G, horizontal taps, columns, N)."""
    groups, _, channels, _, n = image.shape
    kh, kw = window.kernel
    lines = (size[0] - 1) * window.stride[0] + kh if shared else size[0] * kh
    length = size[1] * n
    shape = groups, lines, channels, kw, pitch(length)
    return buffer[: math.prod(shape)].reshape(shape)[..., :length].reshape(*shape[:4], size[1], n)


def _matrices(unrolled: Array, window: Window, rows: int, shared: bool) -> Array:
    """The (G, R, K, L) matrices of the output's rows; where rows are shared they overlap."""
    groups, lines, channels, kw, columns, n = unrolled.shape
    kh = window.kernel[0]
    row = pitch(columns * n) * unrolled.itemsize
    line = channels * kw * row
    step = (window.stride[0] if shared else kh) * line
    shape = groups, rows, kh * channels * kw, columns * n
    return as_strided(unrolled, shape, (lines * line, step, row, unrolled.itemsize))


def _gather(
    image: Array, unrolled: Array, window: Window, corner: tuple[int, int], shared: bool, merge: bool
) -> tuple[tuple[Array, ...], tuple[tuple[Array, Array], ...]]:
    """What is zeroed and what is copied to fill the columns of the block whose first output position is `corner`."""
    zeros: list[Array] = []
    copies: list[tuple[Array, Array]] = []
    kh = window.kernel[0]
    first = corner[0] * window.stride[0] - window.before[0]
    if shared:
        parts = [(unrolled, first, 1)]
    else:
        taps = unrolled.reshape(unrolled.shape[0], -1, kh, *unrolled.shape[2:])
        parts = [(taps[:, :, a], first + a * window.dilation[0], window.stride[0]) for a in range(kh)]
    for columns, row, step in parts:
        start, stop = inside(row, step, columns.shape[1], image.shape[1])
        zeros += [columns[:, :start], columns[:, stop:]]
        if start < stop:
            row += start * step
            lines = image[:, row : row + (stop - start - 1) * step + 1 : step]
            _gather_taps(lines, columns[:, start:stop], window, corner[1], merge, zeros, copies)
    return tuple(zero for zero in zeros if zero.size), tuple(copies)


def _gather_taps(
    lines: Array,
    columns: Array,
    window: Window,
    left: int,
    merge: bool,
    zeros: list[Array],
    copies: list[tuple[Array, Array]],
) -> None:
    """The same along the width: `lines` (G, R, C/G, W, N) into `columns` (G, R, C/G, taps, positions, N)."""
    taps, positions = columns.shape[3:5]
    step, dilation = window.stride[1], window.dilation[1]
    first = left * step - window.before[1]
    width = lines.shape[3]
    whole = first >= 0 and first + (taps - 1) * dilation + (positions - 1) * step < width
    if merge and whole:
        s = lines.strides
        view = as_strided(lines[:, :, :, first:], columns.shape, (*s[:3], dilation * s[3], step * s[3], s[4]))
        copies.append((columns, view))
        return
    for b in range(taps):
        column = first + b * dilation
        start, stop = inside(column, step, positions, width)
        zeros += [columns[:, :, :, b, :start], columns[:, :, :, b, stop:]]
        if start < stop:
            column += start * step
            source = lines[:, :, :, column : column + (stop - start - 1) * step + 1 : step]
            copies.append((columns[:, :, :, b, start:stop], source))


def tiles(length: int, size: int) -> Iterator[tuple[slice, int, int]]:
    """Cut a length into tiles of one size, and what remains: (where, number of tiles, size of each)."""
    count, rest = divmod(length, size)
    if count:
        yield slice(0, count * size), count, size
    if rest:
        yield slice(count * size, length), 1, rest


def products(left: Array, right: Array, result: Array, tile: tuple[int, int]) -> list[Product]:
    """Stacks of products of tiles: left (G, 1, M, K) times right (G, R, K, L) into result (G, R, M, L).

    `tile` is (rows, columns) of the result.
    """
    groups, rows, depth, _ = right.shape
    made = []
    for along_m, count_m, m in tiles(left.shape[2], tile[0]):
        a = left[:, :, along_m].reshape(groups, 1, count_m, 1, m, depth)
        for along_l, count_l, length in tiles(right.shape[3], tile[1]):
            b = right[..., along_l].reshape(groups, rows, 1, depth, count_l, length).swapaxes(3, 4)
            c = result[:, :, along_m, along_l].reshape(groups, rows, count_m, m, count_l, length).swapaxes(3, 4)
            assert np.shares_memory(b, right)
            assert np.shares_memory(c, result)
            made.append((a, b, c))
    return made


def gradient_products(
    errors: Array, columns: Array, partial: Array, tile: tuple[int, int, int]
) -> tuple[list[Product], Array]:
    """Stacks of products of tiles: errors (G, R, M, L) times columns (G, R, K, L) transposed.

    `tile` is (rows, columns) of the result, and the positions that one product sums over. Returns them with the array
    of their results, (G, parts, M, K) in the vector `partial`, still to be summed over the parts.
    """
    groups, rows, count, length = errors.shape
    depth = columns.shape[2]
    parts = -(-length // tile[2])
    results = partial[: groups * rows * parts * count * depth].reshape(groups, rows, parts, count, depth)
    made = []
    first = 0
    for along_l, count_l, size in tiles(length, tile[2]):
        into = results[:, :, first : first + count_l]
        first += count_l
        for along_m, count_m, m in tiles(count, tile[0]):
            a = errors[:, :, along_m, along_l].reshape(groups, rows, count_m, m, count_l, size)
            a = a.transpose(0, 1, 4, 2, 3, 5)[:, :, :, :, None]
            for along_k, count_k, k in tiles(depth, tile[1]):
                b = columns[:, :, along_k, along_l].reshape(groups, rows, count_k, k, count_l, size)
                b = b.transpose(0, 1, 4, 2, 5, 3)[:, :, :, None]
                c = into[..., along_m, along_k].reshape(groups, rows, count_l, count_m, m, count_k, k).swapaxes(4, 5)
                assert np.shares_memory(c, partial)
                made.append((a, b, c))
    return made, results.reshape(groups, rows * parts, count, depth)


def fill(block: Block) -> None:
    """Write the block's columns."""
    for zero in block.zeros:
        zero.fill(0)
    for columns, image in block.copies:
        np.copyto(columns, image)


def correlate(
    blocks: Sequence[tuple[Block, list[Product]]],
    bias: Array | None = None,
    finish: Callable[[Array], None] | None = None,
) -> None:
    """Write each block's part of the output: the weights times its columns, plus the bias (F, 1, 1, 1).

    `finish` is called with each part while the cache still holds it.
    """
    for block, stacks in blocks:
        fill(block)
        for weights, columns, rows in stacks:
            np.matmul(weights, columns, out=rows)
        if bias is not None:
            np.add(block.part, bias, out=block.part)
        if finish is not None:
            finish(block.part)


def weight_gradient(
    blocks: Sequence[tuple[Block, list[tuple[list[Product], Array]]]], total: Array, sums: Array
) -> None:
    """Write into total (G, M, K) the products of errors and columns, summed over all positions.

    `sums` is scratch of the same shape.
    """
    total.fill(0)
    for block, runs in blocks:
        fill(block)
        for stacks, results in runs:
            for errors, columns, result in stacks:
                np.matmul(errors, columns, out=result)
            if results.shape[1] == 1:
                np.add(total, results[:, 0], out=total)
            else:
                np.add.reduce(results, axis=1, out=sums)
                np.add(total, sums, out=total)


def scatter(blocks: Sequence[tuple[Block, list[Product]]], dx: Array) -> None:
    """Write the input's gradient dx: the transposed weights times the errors, added where the columns came from.

    The blocks are made with `adjoint`, the errors in the place of the output.
    """
    dx.fill(0)
    for block, stacks in blocks:
        for weights, errors, columns in stacks:
            np.matmul(weights, errors, out=columns)
        for columns, image in block.copies:
            np.add(image, columns, out=image)
