"""Samples that stay in their file: blocks of rows are read into a buffer, and batches gathered from that."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from nncli.parts import Array, Shape
from nncli.randomness import generator

_BLOCK = 2**19
"""Bytes of a block, about: large enough that reading it in one go is fast, small enough that a window has many."""
_BLOCKS = 64
"""Blocks that the buffer has room for at least, unless rows that can only be read together ask for larger ones."""
LEAST_BLOCKS = 4
"""Room that there must be in any case: for one block that is wanted, and for those that threads are reading."""
_BEING_READ = np.iinfo(np.int64).max
"""In the place of the time when a slot was last used."""


class Rows(Protocol):
    """An array (N, …) in a file. `together` is the number of rows that are read at no more cost than one of them."""

    @property
    def shape(self) -> Shape: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def together(self) -> int: ...

    def read(self, start: int, out: Array) -> None:
        """Write rows from `start` on to `out` (n, …); several threads may call it. Raises DataError."""


class Streamed:
    """An array (N, …) in a file, as far as a `Dataset` and a `Loader` need one.

    All views of it share one `Buffer`.
    """

    def __init__(self, rows: Rows, memory: int) -> None:
        """`memory` are the bytes that its buffer may take."""
        self.buffer = Buffer(rows, memory)
        self.shape = rows.shape

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.buffer.dtype

    def reshape(self, n: int, *shape: int) -> Streamed:
        """Another view of the same rows; one length may be −1."""
        assert n == len(self)
        row = math.prod(self.shape[1:])
        view = object.__new__(Streamed)
        view.buffer = self.buffer
        view.shape = n, *(row // -math.prod(shape) if length == -1 else length for length in shape)
        assert math.prod(view.shape) == self.size
        return view

    def blocks(self) -> Iterator[Array]:
        """All rows in order, (n, …) at a time; what is given is overwritten by the next. The buffer stays as it is."""
        rows = self.buffer.rows
        out = np.empty((min(self.buffer.each, len(self)), *rows.shape[1:]), self.dtype)
        for start in range(0, len(self), len(out)):
            part = out[: len(self) - start]
            rows.read(start, part)
            yield part.reshape(len(part), *self.shape[1:])

    def take(self, rows: Array, out: Array) -> None:
        """Write the rows with these numbers (n,) to contiguous `out` (n, …)."""
        self.buffer.take(rows, out.reshape(len(rows), -1))

    def order(self, seed: int, epoch: int, rows: Array | None = None) -> Array:
        """The order of an epoch, as `Buffer.order`."""
        return self.buffer.order(seed, epoch, rows)


class Buffer:
    """Blocks of rows, some of them in memory.

    Shapes (N rows of F numbers, B rows in a block, K blocks in memory)
        data (K B, F)   slot (⌈N / B⌉,), the place of a block in `data`, −1 where it is not there

    An epoch is shuffled by windows: the blocks are put into an order that is drawn, and cut into windows of so many as
    fill half of the buffer; then the rows of each window are mixed. So every batch is drawn from blocks of all of the
    file, and while one window is used a thread reads the next into the other half. All rows of a block come within one
    window. If rows that lie together are of one class, its share in a window of W blocks is p ± √(p (1 − p) / W), where
    p is that in the data; batches of a window share that.

    Whatever rows are asked for are given. What the thread reads depends on how far the order that was given last has
    been followed, and makes a difference to time only.
    """

    def __init__(self, rows: Rows, memory: int) -> None:
        self.rows, self.dtype = rows, rows.dtype
        n, size = rows.shape[0], math.prod(rows.shape[1:])
        row = size * self.dtype.itemsize
        together = max(1, min(rows.together, n))
        self.each = together * max(1, min(_BLOCK, memory // _BLOCKS) // (together * row))
        count = -(-n // self.each)
        slots = min(count, memory // (self.each * row))
        assert slots >= min(count, LEAST_BLOCKS)
        self.window = max(1, (slots - 1) // 2)
        self._edges = np.minimum(np.arange(count + 1) * self.each, n)
        self._data = np.empty((slots * self.each, size), self.dtype)
        self._slot = np.full(count, -1)
        self._block = np.full(slots, -1)
        self._used = np.zeros(slots, np.int64)
        self._clock = 2
        self._turn = threading.Lock()
        self._state = threading.Condition()
        self._windows: list[Array] = []
        self._window_of = np.full(count, -2)
        self._now: int | None = None
        self._reading = False

    # -- the order of an epoch ---------------------------------------------------------------------------------------

    def order(self, seed: int, epoch: int, rows: Array | None = None) -> Array:
        """Places 0 … n−1 in `rows` (n,), which ascend, in the order of this epoch; None: all rows.

        It follows from the seed, the epoch, and the numbers of rows of a block and of blocks of a window.
        """
        starts = self._edges if rows is None else np.searchsorted(rows, self._edges)
        rng = generator(seed, "shuffle", epoch)
        blocks = rng.permutation(np.flatnonzero(np.diff(starts)))
        count = -(-len(blocks) // self.window)
        windows = np.array_split(blocks, count)
        order = np.empty(starts[-1], np.intp)
        begin = end = 0
        for window in windows:
            for block in window:
                first, last = starts[block : block + 2]
                order[end : end + last - first] = np.arange(first, last)
                end += last - first
            rng.shuffle(order[begin:end])
            begin = end
        with self._state:
            self._windows, self._now = windows, None
            self._window_of[:] = -2
            for number, window in enumerate(windows):
                self._window_of[window] = number
        return order

    # -- rows --------------------------------------------------------------------------------------------------------

    def take(self, rows: Array, out: Array) -> None:
        """Write the rows with these numbers (n,) to contiguous `out` (n, F)."""
        blocks = rows // self.each
        wanted = np.unique(blocks)
        with self._turn:
            self._follow(wanted)
            most = max(1, len(self._block) - 2)  # one is left for the block that is read ahead, one more to be safe
            for start in range(0, len(wanted), most):
                part = wanted[start : start + most]
                self._bring(part)
                if len(part) == len(wanted):
                    np.take(self._data, self._slot[blocks] * self.each + rows % self.each, 0, out, mode="clip")
                else:
                    here = (blocks >= part[0]) & (blocks <= part[-1])
                    out[here] = self._data[self._slot[blocks[here]] * self.each + rows[here] % self.each]

    def _bring(self, blocks: Array) -> None:
        """Read those of the blocks that are not there; afterwards all of them are."""
        with self._state:
            self._clock += 2
            slots = self._slot[blocks]
            there = (slots >= 0) & (self._used[slots] != _BEING_READ)
            self._used[slots[there]] = self._clock
        for block in blocks[~there]:
            with self._state:
                while self._slot[block] >= 0 and self._used[self._slot[block]] == _BEING_READ:
                    self._state.wait()
                if self._slot[block] >= 0:
                    self._used[self._slot[block]] = self._clock
                    continue
                slot = int(np.argmin(self._used))
                self._reserve(int(block), slot)
            self._read(int(block), slot, self._clock)

    def _reserve(self, block: int, slot: int) -> None:
        if self._block[slot] >= 0:
            self._slot[self._block[slot]] = -1
        self._slot[block], self._block[slot], self._used[slot] = slot, block, _BEING_READ

    def _read(self, block: int, slot: int, used: int) -> None:
        """Fill a slot that is reserved; from then on it was `used` at that time."""
        start, stop = (int(edge) for edge in self._edges[block : block + 2])
        part = self._data[slot * self.each :][: stop - start].reshape(stop - start, *self.rows.shape[1:])
        try:
            self.rows.read(start, part)
        except BaseException:
            with self._state:
                self._slot[block] = self._block[slot] = -1
                self._used[slot] = 0
                self._state.notify_all()
            raise
        with self._state:
            self._used[slot] = used
            self._state.notify_all()

    # -- reading ahead -----------------------------------------------------------------------------------------------

    def _follow(self, blocks: Array) -> None:
        """See how far the order has come, when these blocks are wanted."""
        windows = self._window_of[blocks]
        first, last = int(windows.min()), int(windows.max())
        if first < 0 or last > first + 1 or self._now not in (None, first - 1):
            return
        with self._state:
            self._now = first
            own = self._window_of[self._block]
            over = (self._block < 0) | (own < first) | (own > first + 1)
            self._used[over & (self._used != _BEING_READ)] = 0
            begin = not self._reading and first + 1 < len(self._windows)
            self._reading |= begin
        if begin:
            threading.Thread(target=self._read_ahead, name="nncli-reader").start()

    def _read_ahead(self) -> None:
        """Read the window after the one in use into slots whose blocks are over, until it is there."""
        try:
            while (found := self._next()) is not None:
                self._read(*found)
        except Exception:  # whoever needs the block meets the error
            with self._state:
                self._reading = False

    def _next(self) -> tuple[int, int, int] | None:
        """The block that is to be read ahead, its slot, which is reserved, and a time before that of what is in use."""
        with self._state:
            coming = None if self._now is None else self._now + 1
            window = self._windows[coming] if coming is not None and coming < len(self._windows) else ()
            missing = [block for block in window if self._slot[block] < 0]
            slot = int(np.argmin(self._used))
            if not missing or self._used[slot]:
                self._reading = False
                return None
            self._reserve(int(missing[0]), slot)
            return int(missing[0]), slot, self._clock - 1
