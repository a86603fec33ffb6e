"""Where each array of a program lies in one block of memory.

An array is needed from one moment of a step to another (its first writing to its last reading). Arrays whose times
do not overlap share memory, so that a step touches as little of it as can be, and the caches hold more.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nncli.graph.graph import ALIGNMENT
from nncli.memory import claim
from nncli.parts import Array, Shape


@dataclass(slots=True)
class Span:
    """Bytes needed from the moment `start` to the moment `end`, both included."""

    size: int
    start: int
    end: int
    offset: int = -1


class Layout:
    """Collects what is needed and when, then places it."""

    def __init__(self) -> None:
        self.spans: dict[Hashable, Span] = {}

    def need(self, key: Hashable, size: int, start: int, end: int | None = None) -> None:
        """`key` needs `size` bytes from `start` to `end`; a key that is known is widened."""
        end = start if end is None else end
        span = self.spans.setdefault(key, Span(0, start, end))
        span.size = max(span.size, -(-size // ALIGNMENT) * ALIGNMENT)
        span.start, span.end = min(span.start, start), max(span.end, end)

    def place(self) -> int:
        """Give every span an offset, the largest first, each in the lowest gap that is free in its time.

        Returns the size of the whole block in bytes.
        """
        spans = sorted(self.spans.values(), key=lambda s: (-s.size, s.start))
        # of those that are placed, in the order of their offsets: first and last time, first and last byte
        placed = np.empty((4, len(spans)), np.int64)
        for count, span in enumerate(spans):
            start, end, low, high = placed[:, :count]
            at_once = np.flatnonzero((start <= span.end) & (end >= span.start))
            tops = np.zeros(len(at_once) + 1, np.int64)
            np.maximum.accumulate(high[at_once], out=tops[1:])
            fits = np.flatnonzero(low[at_once] - tops[:-1] >= span.size)
            span.offset = int(tops[fits[0] if len(fits) else -1])
            place = int(np.searchsorted(low, span.offset, side="right"))
            placed[:, place + 1 : count + 1] = placed[:, place:count]
            placed[:, place] = span.start, span.end, span.offset, span.offset + span.size
        return max((span.offset + span.size for span in spans), default=0)


class Arena:
    """A block of memory that several programs use in turn; what one leaves in it is lost when another runs."""

    def __init__(self) -> None:
        self._block = np.empty(0, np.uint8)

    def reserve(self, size: int) -> Array:
        """A block of at least `size` bytes that starts at a cache line. Programs made before keep their own.

        Raises MemoryError.
        """
        if self._block.size < size:
            claim(size)
            raw = np.empty(size + ALIGNMENT, np.uint8)
            skip = -raw.ctypes.data % ALIGNMENT
            self._block = raw[skip : skip + size]
        return self._block


def carve(block: Array, offset: int, shape: Shape, dtype: DTypeLike) -> Array:
    """The array of this shape that begins at `offset` bytes of the block."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    return block[offset : offset + size].view(dtype).reshape(shape)


def size_of(shape: Shape, dtype: DTypeLike) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize
