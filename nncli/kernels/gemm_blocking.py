"""Sizes of blocks and of the products in them, for the convolution by matrix products; what buffers they need.

Measured with OpenBLAS 0.3.31 on one core with AVX-512: its routine for small products reaches 100 GFLOP/s where the
general one reaches 30 to 80 on the flat matrices of convolutions. It is used up to M·N·K = 10⁶, is best at results of
64 columns or multiples of that, and with a transposed operand it needs results of up to 1200 elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nncli.kernels.gemm_convolution import buffer_size, is_plain, shares_rows
from nncli.kernels.window import Window, extent
from nncli.parts import Shape

PASSES = "forward", "weight", "input"
BUDGET = 1 << 20
"""Bytes of a block's columns: a second-level cache. Twice as much is as fast where fewer blocks save calls."""
LEAST = 512
"""Positions that a product for the weights' gradient should sum over at least."""
SHORT_RUN = 512
"""What starting a run of a copy costs, in bytes copied."""
SMALL = 1_000_000
"""Largest M·N·K of the routine for small products."""
SMALL_RESULT = 1200
"""Largest result of that routine with a transposed operand."""
PARTIAL = 1 << 15
"""Elements. Results of products that wait to be summed stay in the cache."""
COPY, ADD = 8.0, 16.0
"""What copying and adding an element of the columns costs, in multiplications of a matrix product."""


def product_tile(m: int, k: int) -> tuple[int, int]:
    """(rows, columns) of the results into which a product of (m, k) and (k, any) matrices is cut."""
    rows = SMALL // (64 * k) // 4 * 4
    if rows >= min(m, 8):
        count = -(-m // rows)
        rows = min(m, -(-m // count // 4) * 4) if count > 1 else m
        return rows, max(64, SMALL // (rows * k) // 64 * 64)
    if SMALL // (32 * k) >= 24 and m >= 24:
        return 24, 32
    return m, 1 << 62


def gradient_tile(m: int, k: int) -> tuple[int, int, int]:
    """The same for an (m, L) matrix times the transpose of a (k, L) one, and how much of L one product sums over."""
    rows = min(m, 64)
    columns = max(1, SMALL_RESULT // rows)
    columns = -(-k // -(-k // columns))
    return rows, columns, max(64, SMALL // (rows * columns) // 64 * 64)


def full_window(window: Window) -> Window | None:
    """The window of the full convolution that gives the input's gradient; None where the stride is above 1."""
    if window.stride != (1, 1):
        return None
    before = tuple(
        extent(kernel, dilation) - 1 - padding
        for kernel, dilation, padding in zip(window.kernel, window.dilation, window.before, strict=True)
    )
    return Window(window.kernel, (1, 1), window.dilation, (before[0], before[1]))


def choose(x: Shape, y: Shape, window: Window, groups: int, n: int, itemsize: int) -> dict[str, Any]:
    """Rows and columns of each pass's blocks, for n samples of images x and outputs y (channels, height, width).

    `input` says how the input's gradient is made: by the `full` convolution, or by a `scatter` of products.
    """
    unit = n * itemsize
    forward = block_size(x[0], y[1:], window, unit, shares_rows(window), BUDGET)
    weight = block_size(x[0], y[1:], window, unit, shares_rows(window), 2 * BUDGET, -(-LEAST // n))
    backward = block_size(x[0], y[1:], window, unit, False, 2 * BUDGET)
    back = full_window(window)
    way = "scatter"
    if back is not None:
        full = block_size(y[0], x[1:], back, unit, shares_rows(back), BUDGET)
        if _full_cost(x, y, back, full, groups) < _scatter_cost(x, y, window, groups):
            way, backward = "full", full
    sizes = zip(PASSES, (forward, weight, backward), strict=True)
    plan = {f"{name}_{axis}": size[i] for name, size in sizes for i, axis in enumerate(("rows", "columns"))}
    return {"input": way, **plan}


def _full_cost(x: Shape, y: Shape, window: Window, block: tuple[int, int], groups: int) -> float:
    """Of one sample, in multiplications: products at every position of the image, and columns to copy."""
    kh, kw = window.kernel
    positions = x[1] * x[2]
    lines = (block[0] + kh - 1) / block[0] if shares_rows(window) else kh
    return positions * y[0] * kw * (kh * x[0] / groups + COPY * lines)


def _scatter_cost(x: Shape, y: Shape, window: Window, groups: int) -> float:
    """Of one sample, in multiplications: products at every position of the output, and columns to add."""
    taps = x[0] * window.kernel[0] * window.kernel[1]
    return y[1] * y[2] * taps * (y[0] / groups + ADD)


def buffers(
    x: Shape,
    y: Shape,
    window: Window,
    groups: int,
    n: int,
    plan: Mapping[str, Any],
    passes: Sequence[str] = PASSES,
) -> dict[str, int]:
    """Elements of each buffer of these passes: columns of a block, arranged weights, partial results and their sum."""
    kh, kw = window.kernel
    weights = y[0] * (x[0] // groups) * kh * kw
    back = full_window(window)
    columns, partial = [], 0
    for name in passes:
        block = min(plan[f"{name}_rows"], y[1]), min(plan[f"{name}_columns"], y[2])
        if name != "input":
            columns.append(buffer_size(x[0], window, block, n, shares_rows(window)))
        elif plan["input"] == "full" and back is not None:
            block = min(plan["input_rows"], x[1]), min(plan["input_columns"], x[2])
            columns.append(buffer_size(y[0], back, block, n, shares_rows(back)))
        else:
            columns.append(buffer_size(x[0], window, block, n, False))
        if name == "weight":
            if is_plain(window, x, y):
                block = 1, min(plan["weight_rows"] * plan["weight_columns"], y[1] * y[2])
            parts = -(-block[1] * n // gradient_tile(y[0] // groups, weights // y[0])[2])
            partial = max(parts * weights, PARTIAL)
    return {"columns": max(columns), "weights": weights, "partial": partial, "sums": weights}


def gradient_rows(m: int, k: int, groups: int, length: int) -> int:
    """Rows of a block whose products for the weights' gradient wait to be summed together."""
    parts = -(-length // gradient_tile(m, k)[2])
    return max(1, PARTIAL // (parts * m * k * groups))


def block_size(
    channels: int, output: Shape, window: Window, unit: int, shared: bool, budget: int, least: int = 1
) -> tuple[int, int]:
    """(rows, columns) of output positions whose columns take at most about `budget` bytes.

    `unit` is the size of one position of the whole shard in bytes. Of the ways to cut the width into equal parts of
    at least `least` columns it takes the one that costs least: fewer rows in a block mean that more of them are
    unrolled twice, and short runs are slow to copy.
    """
    kh, kw = window.kernel
    best: tuple[float, tuple[int, int]] | None = None
    for parts in range(1, output[1] + 1):
        columns = -(-output[1] // parts)
        if columns < least and best is not None:
            break
        line = channels * kw * columns * unit
        lines = budget // line
        rows = (lines - kh) // window.stride[0] + 1 if shared else lines // kh
        rows = max(1, min(rows, output[0]))
        rows = -(-output[0] // -(-output[0] // rows))
        lines = (rows - 1) * window.stride[0] + kh if shared else rows * kh
        cost = lines / rows * (1 + SHORT_RUN / (columns * unit)) * max(1.0, lines * line / budget)
        if best is None or cost < best[0]:
            best = cost, (rows, columns)
    assert best is not None
    return best[1]
