"""Rows of a table by their numbers, and the sum of what goes back to each row.

Work is done in blocks of at most BLOCK numbers, so that what NumPy allocates on the way is bounded.
"""

from __future__ import annotations

import numpy as np

from nncli.parts import Array

BLOCK = 1 << 15
"""Numbers of the table read or added at a time (128 KiB in float32)."""


def block_length(size: int) -> int:
    """How many rows of `size` numbers a block holds."""
    return max(1, BLOCK // size)


def gather(table: Array, rows: Array, y: Array, block: Array) -> None:
    """Write y (size, M) from a table (count, size): column m is row `rows[m]`. `block` is (block_length, size)."""
    for start in range(0, len(rows), len(block)):
        part = rows[start : start + len(block)]
        taken = block[: len(part)]
        # With mode="raise", NumPy would copy the whole output first.
        np.take(table, part, axis=0, out=taken, mode="clip")
        np.copyto(y[:, start : start + len(part)], taken.T)


def scatter(rows: Array, dy: Array, total: Array, keys: Array, block: Array) -> None:
    """Write into total (count, size) for each row the sum of the columns of dy (size, M) that were read from it.

    `keys` (2, M) is scratch of int64, `block` is (size, block_length).

    Columns are sorted by their rows (as row · M + column, in place), and neighbours are added. Measured on one core for
    64 × 12800 float32: 4.7 ms for 5000 rows and 1.9 ms for 100, where `np.add.at` takes 7.5 and 10.8 ms.
    """
    total.fill(0)
    count = len(rows)
    order, column = keys
    np.multiply(rows, count, out=order)
    np.add(order, _counting(column), out=order)
    order.sort()
    np.remainder(order, count, out=column)
    np.floor_divide(order, count, out=order)
    for start in range(0, count, block.shape[1]):
        row, part = order[start : start + block.shape[1]], column[start : start + block.shape[1]]
        taken = block[:, : len(part)]
        np.take(dy, part, axis=1, out=taken, mode="clip")
        firsts = np.flatnonzero(np.diff(row, prepend=-1))
        total[row[firsts]] += np.add.reduceat(taken, firsts, axis=1).T


def _counting(out: Array) -> Array:
    """0, 1, 2, … written into a vector, by doubling."""
    out[:1] = 0
    done = 1
    while done < len(out):
        more = out[done : 2 * done]
        np.add(out[: len(more)], done, out=more)
        done *= 2
    return out
