"""Convolution with 3×3 kernels by Winograd's minimal filtering: fewer multiplications, paid for with transforms.

A tile of m×m outputs is Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A of a kernel w and the α×α inputs x that it reads, α = m + 2. Summed
over channels, the middle is one product of matrices for each of the α² points. With the Kronecker squares of Bᵀ, G and
Aᵀ each transform is a product of matrices too, so that the work is three products for each block of tiles:

    d = tiles of x        V = (BᵀxBᵀ) d        M[p] = U[p] V[p], U = (GxG) w        y's tiles = (AᵀxAᵀ) M

The weights' gradient is the transpose of this: dU[p] = Σ over tiles D[p] V[p]ᵀ with D = (AxA) of the tiles of dy, and
dw = (GxG)ᵀ dU. That of the input is the convolution of dy with the kernels turned by 180°.

Source: Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", arXiv:1509.09308; the matrices by the
construction of Toom and Cook. We deviate: Kronecker squares instead of transforms along one axis after the other
(products of 36×36 matrices run at 100 GFLOP/s where those of 6×6 run at 15), but as products of even and of odd rows
and a butterfly, which for points of both signs takes half the multiplications; the batch as the last axis of the
tiles; and for m = 4 the points 0, ±3/4, ±3/2, ∞. With matrices they cost no more than the usual 0, ±1, ±2, ∞, and err
half as much: in float32 by 9e-7 of the output's norm, where those err by 1.8e-6, m = 2 by 2.7e-7 and im2col by 3e-7
(64 channels, normal numbers).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nncli.kernels.gemm_blocking import gradient_tile, product_tile
from nncli.kernels.gemm_convolution import Product, gradient_products, products
from nncli.kernels.window import inside
from nncli.parts import Array

KERNEL = 3
POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 0.75, 1.5, -0.75, -1.5)}
"""Where polynomials are evaluated, besides at infinity, by size of the tiles' outputs: 0, some, and their negatives."""


class Transforms(NamedTuple):
    """Kronecker squares: inputs (2, α²/2, α²/2) and outputs (2, m²/2, α²/2) as the halves of even and odd rows, kernel
    (α², 9)."""

    inputs: Array
    kernel: Array
    outputs: Array


def matrices(m: int) -> tuple[Array, Array, Array]:
    """Bᵀ (α, α), G (α, 3) and Aᵀ (m, α) of tiles of m×m outputs."""
    points = POINTS[m]
    size = len(points) + 1
    inputs, kernel, outputs = np.zeros((size, size)), np.zeros((size, KERNEL)), np.zeros((m, size))
    for row, point in enumerate(points):
        others = [other for other in points if other != point]
        inputs[row, :-1] = np.poly(others)[::-1]
        kernel[row] = point ** np.arange(KERNEL) / math.prod(point - other for other in others)
        outputs[:, row] = point ** np.arange(m)
    inputs[-1] = np.poly(points)[::-1]
    kernel[-1, -1] = outputs[-1, -1] = 1
    return inputs, kernel, outputs


@lru_cache
def transforms(m: int, dtype: np.dtype[Any]) -> Transforms:
    """Those of tiles of m×m outputs."""
    inputs, kernel, outputs = matrices(m)
    half = len(inputs) // 2
    even, odd = [*range(half)], [*range(1, half), 2 * half - 1]
    halves_in = [np.kron(inputs[even, ::2], inputs), np.kron(inputs[odd, 1::2], inputs)]
    halves_out = [np.kron(outputs[::2, even], outputs), np.kron(outputs[1::2, odd], outputs)]
    return Transforms(*(np.array(part).astype(dtype) for part in (halves_in, np.kron(kernel, kernel), halves_out)))


class Butterfly(NamedTuple):
    """plus, minus = plus + minus, plus − minus; `spare` is scratch of their shape."""

    plus: Array
    minus: Array
    spare: Array


Pairs = tuple[tuple[Array, Array], ...]
"""(destination, source) of copies."""


class Block(NamedTuple):
    """Some tiles of an image, as views made once.

    zeros      parts of the tiles that lie outside the image
    gather     copies that fill the tiles
    steps      stacks of products and butterflies, one after the other
    scatter    copies of the results to the output (none for the weights' gradient)
    part       (F, rows, columns, N), the output or the errors of these tiles
    """

    zeros: tuple[Array, ...]
    gather: Pairs
    steps: list[Product | Butterfly]
    scatter: Pairs
    part: Array


class GradientBlock(NamedTuple):
    """Tiles of the image, those of the errors, and the products of both, (α²·G, parts, F/G, C/G), to be summed."""

    inputs: Block
    errors: Block
    results: Array


def points(m: int) -> int:
    """Products for each tile, channel and filter: α²."""
    return (m + KERNEL - 1) ** 2


def grid(m: int, size: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of tiles that cover an output of this size."""
    return -(-size[0] // m), -(-size[1] // m)


def transform_weights(weights: Array, m: int, result: Array, turned: bool = False) -> Product:
    """The product that transforms weights (K, 9) into `result` (α², K); `turned` turns the kernels by 180°."""
    kernel = transforms(m, weights.dtype).kernel
    return (np.ascontiguousarray(kernel[:, ::-1]) if turned else kernel), weights.T, result


def turn_weights_back(gradient: Array, m: int, result: Array) -> Product:
    """The product that turns the gradient (α², K) of transformed weights into that of the weights, (K, 9)."""
    return gradient.T, transforms(m, gradient.dtype).kernel, result


def make_blocks(
    x: Array,
    y: Array,
    weights: Array,
    before: tuple[int, int],
    m: int,
    block: tuple[int, int],
    buffers: Sequence[Array],
) -> list[Block]:
    """The blocks of an output y (F, P, Q, N) of an image x (C, H, W, N), from transformed weights (α², G, F/G, C/G).

    Each of two `buffers` holds α² · max(C, F) numbers for each tile of a block and sample.
    """
    filters, inputs = weights.shape[2:]
    of = transforms(m, x.dtype)
    alpha = m + KERNEL - 1
    made = []
    for corner, (rows, columns) in _places(m, y.shape[1:3], block):
        length = rows * columns * x.shape[3]
        tiles = _carve(buffers[0], 2, alpha // 2, alpha, len(x), rows, columns, x.shape[3])
        spectrum = _carve(buffers[1], alpha, alpha, len(x), length)
        summed = _carve(buffers[0], alpha, alpha, len(y), length)
        outputs = _carve(buffers[1], 2, m // 2, m, len(y), rows, columns, x.shape[3])
        zeros, gather = _gather(x, tiles, (corner[0] - before[0], corner[1] - before[1]), m)
        steps: list[Product | Butterfly] = [*_transform(of.inputs, tiles, spectrum), _butterfly(spectrum, buffers[0])]
        steps += products(
            weights.reshape(-1, 1, filters, inputs),
            spectrum.reshape(-1, 1, inputs, length),
            summed.reshape(-1, 1, filters, length),
            product_tile(filters, inputs),
        )
        steps += [_butterfly(summed, buffers[1]), *_transform(of.outputs, summed, outputs)]
        part = y[:, corner[0] : corner[0] + m * rows, corner[1] : corner[1] + m * columns]
        made.append(Block(zeros, gather, steps, tuple(_scatter(part, outputs)), part))
    return made


def make_gradient_blocks(
    x: Array,
    dy: Array,
    groups: int,
    before: tuple[int, int],
    m: int,
    block: tuple[int, int],
    buffers: Sequence[Array],
    partial: Array,
) -> list[GradientBlock]:
    """Blocks for the gradient of transformed weights. Three `buffers` hold α² numbers for each tile of a block and
    sample: of max(C, F) channels, of C and of F; `partial` the results of a block."""
    filters, inputs = len(dy) // groups, len(x) // groups
    of = transforms(m, x.dtype)
    alpha = m + KERNEL - 1
    made = []
    for corner, (rows, columns) in _places(m, dy.shape[1:3], block):
        length = rows * columns * x.shape[3]
        tiles = _carve(buffers[0], 2, alpha // 2, alpha, len(x), rows, columns, x.shape[3])
        spectrum = _carve(buffers[1], alpha, alpha, len(x), length)
        zeros, gather = _gather(x, tiles, (corner[0] - before[0], corner[1] - before[1]), m)
        steps = [*_transform(of.inputs, tiles, spectrum), _butterfly(spectrum, buffers[0])]
        first = Block(zeros, gather, steps, (), x)
        part = dy[:, corner[0] : corner[0] + m * rows, corner[1] : corner[1] + m * columns]
        tiles = _carve(buffers[0], 2, m // 2, m, len(dy), rows, columns, x.shape[3])
        spread = _carve(buffers[2], alpha, alpha, len(dy), length)
        zeros, gather = _gather(dy, tiles, corner, m)
        outward = np.ascontiguousarray(of.outputs.swapaxes(1, 2))
        steps = [*_transform(outward, tiles, spread), _butterfly(spread, buffers[0])]
        runs, results = gradient_products(
            spread.reshape(-1, 1, filters, length),
            spectrum.reshape(-1, 1, inputs, length),
            partial,
            gradient_tile(filters, inputs),
        )
        made.append(GradientBlock(first, Block(zeros, gather, steps + runs, (), part), results))
    return made


def _places(m: int, size: tuple[int, ...], block: tuple[int, int]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The first output (row, column) of each block, and its (rows, columns) of tiles."""
    rows, columns = grid(m, size)
    for top in range(0, rows, block[0]):
        for left in range(0, columns, block[1]):
            yield (m * top, m * left), (min(block[0], rows - top), min(block[1], columns - left))


def _carve(buffer: Array, *shape: int) -> Array:
    return buffer[: math.prod(shape)].reshape(shape)


def _transform(halves: Array, source: Array, result: Array) -> list[Product]:
    """Products of the halves (2, R, K) of a matrix with what lies along the first axes of both halves of `source`."""
    _, rows, depth = halves.shape
    right, out = source.reshape(2, 1, depth, -1), result.reshape(2, 1, rows, -1)
    return products(halves.reshape(2, 1, rows, depth), right, out, product_tile(rows, depth))


def _butterfly(spectrum: Array, spare: Array) -> Butterfly:
    """That of points (α, α, …) and their negatives: even and odd parts to values, or these to sum and difference."""
    half = len(spectrum) // 2
    plus, minus = spectrum[1:half].reshape(-1), spectrum[half:-1].reshape(-1)
    return Butterfly(plus, minus, spare[: plus.size])


def _gather(image: Array, tiles: Array, first: tuple[int, int], step: int) -> tuple[tuple[Array, ...], Pairs]:
    """What is zeroed and what is copied to fill tiles (2, a // 2, b, C, rows, columns, N) that are `step` apart.

    Their even rows a come before their odd ones.
    """
    parts = [_gather_rows(image, tiles[odd], (first[0] + odd, first[1]), step) for odd in (0, 1)]
    return tuple(zero for zeros, _ in parts for zero in zeros), tuple(copy for _, copies in parts for copy in copies)


def _gather_rows(
    image: Array, tiles: Array, first: tuple[int, int], step: int
) -> tuple[list[Array], list[tuple[Array, Array]]]:
    zeros: list[Array] = []
    copies: list[tuple[Array, Array]] = []
    for taps_a, rows in _runs(first[0], 2, step, len(tiles), tiles.shape[3], image.shape[1]):
        zeros += [tiles[taps_a, :, :, : rows[0]], tiles[taps_a, :, :, rows[1] :]]
        if rows[0] == rows[1]:
            continue
        for taps_b, columns in _runs(first[1], 1, step, tiles.shape[1], tiles.shape[4], image.shape[2]):
            part = tiles[taps_a, taps_b, :, slice(*rows)]
            zeros += [part[..., : columns[0], :], part[..., columns[1] :, :]]
            if columns[0] == columns[1]:
                continue
            part = part[..., slice(*columns), :]
            start = image[
                :, first[0] + 2 * taps_a.start + rows[0] * step :, first[1] + taps_b.start + columns[0] * step :
            ]
            c, h, w, n = image.strides
            copies.append((part, as_strided(start, part.shape, (2 * h, w, c, step * h, step * w, n))))
    return [zero for zero in zeros if zero.size], copies


def _runs(
    first: int, apart: int, step: int, taps: int, count: int, size: int
) -> Iterator[tuple[slice, tuple[int, int]]]:
    """Neighbouring taps that read the image for the same tiles, and (start, stop) of these."""
    spans = [inside(first + tap * apart, step, count, size) for tap in range(taps)]
    start = 0
    for tap in range(1, taps + 1):
        if tap == taps or spans[tap] != spans[start]:
            yield slice(start, tap), spans[start]
            start = tap


def _scatter(part: Array, tiles: Array) -> Iterator[tuple[Array, Array]]:
    """Copies from tiles (2, m / 2, m, F, rows, columns, N) to a part of the output, whose last tiles may be cut."""
    m = tiles.shape[2]
    for rows in _whole_and_rest(part.shape[1], m):
        for columns in _whole_and_rest(part.shape[2], m):
            place = part[:, rows[0] : rows[1], columns[0] : columns[1]]
            height, width = min(m, place.shape[1]), min(m, place.shape[2])
            cut = place.reshape(len(place), -1, height, place.shape[2] // width, width, place.shape[3])
            assert np.shares_memory(cut, part)
            for odd in range(min(2, height)):
                output = cut[:, :, odd::2].transpose(2, 4, 0, 1, 3, 5)
                found = tiles[odd, : len(output), :width, :, rows[0] // m :, columns[0] // m :]
                yield output, found[:, :, :, : cut.shape[1], : cut.shape[3]]


def _whole_and_rest(size: int, m: int) -> list[tuple[int, int]]:
    whole = size // m * m
    return [span for span in ((0, whole), (whole, size)) if span[0] < span[1]]


def multiply(steps: Sequence[Product | Butterfly]) -> None:
    for step in steps:
        if isinstance(step, Butterfly):
            plus, minus, spare = step
            np.subtract(plus, minus, out=spare)
            np.add(plus, minus, out=plus)
            np.copyto(minus, spare)
        else:
            np.matmul(step[0], step[1], out=step[2])


def _work(block: Block) -> None:
    for zero in block.zeros:
        zero.fill(0)
    for tiles, image in block.gather:
        np.copyto(tiles, image)
    multiply(block.steps)


def correlate(
    blocks: Sequence[Block], bias: Array | None = None, finish: Callable[[Array], None] | None = None
) -> None:
    """Write each block's part of the output, plus the bias (F, 1, 1, 1).

    `finish` is called with each part while the cache still holds it.
    """
    for block in blocks:
        _work(block)
        for output, tiles in block.scatter:
            np.copyto(output, tiles)
        if bias is not None:
            np.add(block.part, bias, out=block.part)
        if finish is not None:
            finish(block.part)


def weight_gradient(blocks: Sequence[GradientBlock], total: Array, sums: Array) -> None:
    """Write into total (α²·G, F/G, C/G) the gradient of the transformed weights; `sums` is scratch of its shape."""
    total.fill(0)
    for inputs, errors, results in blocks:
        _work(inputs)
        _work(errors)
        if results.shape[1] == 1:
            np.add(total, results[:, 0], out=total)
        else:
            np.add.reduce(results, axis=1, out=sums)
            np.add(total, sums, out=total)
