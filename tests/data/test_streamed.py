"""Rows that are gathered from blocks of a file, against the array itself; orders of epochs; threads; memory."""

from __future__ import annotations

import re
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nncli.data.batches import Loader, Preprocessing, order
from nncli.data.dataset import Dataset, Origin, Target
from nncli.data.draws import draw
from nncli.data.fingerprint import fingerprint
from nncli.data.streamed import Streamed
from nncli.errors import DataError
from nncli.parts import Array
from tests.data.files import step


class Kept:
    """Rows of an array, which notes what is read of it."""

    def __init__(self, array: Array, together: int = 1) -> None:
        self.array, self.together = array, together
        self.shape, self.dtype = array.shape, array.dtype
        self.reads: list[tuple[int, int, str]] = []
        self.bad = -1
        self.wait = 0.0

    def read(self, start: int, out: Array) -> None:
        self.reads.append((start, len(out), threading.current_thread().name))
        time.sleep(self.wait)
        if start <= self.bad < start + len(out):
            raise DataError("this part is damaged")
        out[...] = self.array[start : start + len(out)]


def streamed(n: int = 1000, shape: tuple[int, ...] = (4,), memory: int = 4096, **more: Any) -> Streamed:
    x = np.random.default_rng(5).integers(0, 2**31, (n, *shape)).astype(np.int32)
    return Streamed(Kept(x, **more), memory)


def kept(x: Streamed) -> Kept:
    assert isinstance(x.buffer.rows, Kept)
    return x.buffer.rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_take_against_the_array(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 400))
    together = data.draw(st.integers(1, 8))
    x = streamed(n, (3, 2), data.draw(st.integers(4 * 24 * together, 20_000)), together=together)
    for _ in range(4):
        if data.draw(st.booleans()):
            x.order(0, data.draw(st.integers(0, 3)))
        rows = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=60)))
        out = np.empty((len(rows), 3, 2), np.int32)
        x.take(rows, out)
        np.testing.assert_array_equal(out, kept(x).array[rows])


def test_it_has_the_shapes_of_an_array() -> None:
    x = streamed(30, (3, 4, 2))
    assert (len(x), x.ndim, x.size, x.shape, x.dtype) == (30, 4, 720, (30, 3, 4, 2), np.int32)
    assert x.reshape(30, -1).shape == (30, 24)
    assert x.reshape(30, 2, -1).shape == (30, 2, 12)
    assert x.reshape(30, 1, 3, 4, 2).buffer is x.buffer
    blocks = [block.copy() for block in x.reshape(30, 8, 3).blocks()]
    np.testing.assert_array_equal(np.concatenate(blocks), kept(x).array.reshape(30, 8, 3))
    numbers = streamed(30, ())
    np.testing.assert_array_equal(np.concatenate([b.copy() for b in numbers.blocks()]), kept(numbers).array)


# -- orders ------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 500), st.integers(0, 2**40), st.integers(0, 9), st.integers(64, 4096), st.integers(1, 99))
@settings(max_examples=60, deadline=None)
def test_every_row_comes_once_and_blocks_stay_together(n: int, seed: int, epoch: int, memory: int, part: int) -> None:
    x = streamed(n, (), memory)
    rows = np.sort(np.random.default_rng(1).permutation(n)[: -(-n * part // 100)])
    for picked in (None, rows):
        places = x.order(seed, epoch, picked)
        assert sorted(places.tolist()) == list(range(n if picked is None else len(rows)))
        assert np.array_equal(places, streamed(n, (), memory).order(seed, epoch, picked))
        blocks = (places if picked is None else rows[places]) // x.buffer.each
        window = [blocks[0]]  # the naive reader: no more blocks at a time than a window and the next one
        for block in blocks:
            if block not in window:
                window.append(block)
        most = x.buffer.window
        cut = np.array_split(window, -(-len(window) // most))
        number = {int(block): place for place, own in enumerate(cut) for block in own}
        assert all(a <= b for a, b in zip(*[[number[int(b)] for b in blocks][s:] for s in (0, 1)], strict=False))


def test_orders_differ_by_seed_and_epoch() -> None:
    x = streamed(200, (), 512)
    assert len({x.order(seed, epoch).tobytes() for seed in range(10) for epoch in range(10)}) == 100


def test_what_is_sorted_by_class_is_mixed() -> None:
    """Ten classes one after the other, a buffer of a sixteenth of the data: in batches of 50 the counts of classes
    spread as those of draws from 31 of 1024 blocks must.

    The share of a class in a window has the variance v = p q / 31 (1 − 31 / 1024), in a batch of a window whose share
    is P it has P (1 − P) / 50: together p q / 50 + v (1 − 1 / 50), where a shuffle of the whole has p q / 50.
    """
    n, batch = 63 * 1024, 50
    x = streamed(n, (), n // 16 * 4)
    assert (x.buffer.each, len(x.buffer._block), x.buffer.window) == (63, 64, 31)
    classes = np.arange(n) * 10 // n
    spread = {}
    for name in ("streamed", "whole"):
        counts = []
        for epoch in range(3):
            rows = x.order(3, epoch) if name == "streamed" else order(3, epoch, n)
            batches = classes[rows[: n // batch * batch]].reshape(-1, batch)
            counts += [np.bincount(own, minlength=10) for own in batches]
        spread[name] = np.var(np.array(counts) / batch, axis=0).mean()
    assert spread["whole"] == pytest.approx(0.09 / batch, rel=0.05)
    assert spread["streamed"] == pytest.approx(0.09 / batch + 0.09 / 31 * (1 - 31 / 1024) * 0.98, rel=0.15)


# -- reading -----------------------------------------------------------------------------------------------------------


def followed(x: Streamed, places: Array, batch: int, pause: float = 0.0) -> None:
    out = np.empty((batch, *x.shape[1:]), x.dtype)
    for start in range(0, len(places), batch):
        rows = places[start : start + batch]
        x.take(rows, out[: len(rows)])
        np.testing.assert_array_equal(out[: len(rows)], kept(x).array[rows])
        time.sleep(pause)


def test_each_block_is_read_once_in_an_epoch_and_many_of_them_ahead() -> None:
    x = streamed(4000, memory=8000)
    followed(x, x.order(0, 0), 20, pause=0.0005)
    reads = kept(x).reads
    assert sorted(start for start, _, _ in reads) == list(range(0, 4000, x.buffer.each))
    ahead = sum(name == "nncli-reader" for _, _, name in reads)
    assert ahead > len(reads) / 4


def test_rows_in_order_are_read_once() -> None:
    x = streamed(4000, memory=8000)
    x.order(0, 0)
    followed(x, np.arange(4000), 64)
    assert [start for start, _, _ in kept(x).reads if start >= 0] == sorted(range(0, 4000, x.buffer.each))


def test_validation_between_epochs_and_random_rows_in_between() -> None:
    x = streamed(3000, memory=5000)
    rng = np.random.default_rng(0)
    for epoch in range(3):
        places = x.order(1, epoch)
        for start in range(0, 3000, 500):
            followed(x, places[start : start + 500], 30)
            followed(x, rng.integers(0, 3000, 90), 90)
        followed(x, np.arange(0, 3000, 7), 50)


def test_threads_that_take_at_once() -> None:
    """As shards of a batch do, with little time for reading ahead and other orders begun in between."""
    x = streamed(2000, memory=4096)
    kept(x).wait = 0.0001

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        for _ in range(2):
            if number == 0:
                x.order(0, int(rng.integers(9)))
            places = x.order(2, number)[:400] if number == 1 else rng.permutation(2000)[:400]
            followed(x, places, 40)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_a_part_that_cannot_be_read() -> None:
    """An error for whoever wants it, from whichever thread, and for nobody else."""
    x = streamed(2000, memory=8000)
    kept(x).bad = 1234
    places, out = x.order(0, 0), np.empty((10, 4), np.int32)
    bad = 1234 // x.buffer.each
    for rows in places.reshape(-1, 10):
        if bad in rows // x.buffer.each:
            with pytest.raises(DataError, match="this part is damaged"):
                x.take(rows, out)
        else:
            x.take(rows, out)
            np.testing.assert_array_equal(out, kept(x).array[rows])
    kept(x).bad = -1
    followed(x, np.arange(2000), 50)


def test_memory_is_what_was_given() -> None:
    x = np.zeros((8_000, 500), np.float32)
    tracemalloc.start()
    data = Streamed(Kept(x), 2**20)
    followed(data, data.order(0, 0), 64)
    for _ in data.blocks():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.buffer._data.nbytes <= 2**20
    assert peak < 2**21


def test_rows_that_lie_together_are_read_together() -> None:
    x = streamed(1000, memory=4096, together=7)
    assert x.buffer.each % 7 == 0
    followed(x, x.order(0, 0), 30)
    assert all(start % 7 == 0 for start, _, _ in kept(x).reads)


# -- datasets ----------------------------------------------------------------------------------------------------------


def pair(n: int = 600, shape: tuple[int, ...] = (1, 4, 3)) -> tuple[Dataset, Dataset]:
    """The same samples with labels, in memory and streamed."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(n, *shape)).astype(np.float32), rng.integers(0, 3, n)
    origin = Origin("made.h5", "x")
    held, read = (
        Dataset.with_targets(part, origin, {"y": Target(y, Origin("made.h5", "y"))})
        for part in (x, Streamed(Kept(x), 4096))
    )
    return held, read


def test_loaders_fill_the_same() -> None:
    steps = (step("standardize", per="feature"), step("scale", factor=3.0), step("quantile"))
    rows, _ = draw(600, 0.2, 0, "validation", Origin(""))
    batches = []
    for data in pair():
        split = data.labelled().subset(rows).shaped((12,), "")
        fitted = Preprocessing.fit(steps, split)
        loader = Loader(split, fitted, np.float32)
        x, t = np.empty((12, 50), np.float32), np.empty(50, np.intp)
        loader.fill(np.arange(400, 450)[::-1], x, {"y": t})
        batches.append((x, t, fitted.state()["0_standardize"]["mean"]))
    for held, read in zip(*batches, strict=True):
        np.testing.assert_array_equal(held, read)


def test_samples_are_picked_out() -> None:
    places = np.array([5, 399, 0])
    for data in pair():
        rows = np.arange(100, 500)
        np.testing.assert_array_equal(data.subset(rows).samples(places), pair()[0].x[rows[places]])
        np.testing.assert_array_equal(data.samples(places), pair()[0].x[places])


def test_a_loader_orders_by_its_rows() -> None:
    held, read = (Loader(data.subset(np.arange(1, 600, 2)), Preprocessing(), "f4") for data in pair())
    assert np.array_equal(held.order(1, 2), order(1, 2, 300))
    assert sorted(read.order(1, 2).tolist()) == list(range(300))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e39])
def test_a_number_that_is_none_is_found_far_down(bad: float) -> None:
    x = np.zeros((5000, 6))
    x[4321, 3] = bad
    with pytest.raises(
        DataError, match=rf"^made.h5: x, row 4321: the number at \[3\] is {re.escape(format(bad, 'g'))}"
    ):
        Dataset.with_targets(Streamed(Kept(x), 9000), Origin("made.h5", "x"), {})


def test_an_index_that_is_none_is_found_far_down() -> None:
    x = np.zeros((5000, 6), np.uint8)
    x[4321, 3] = 9
    data = Dataset.with_targets(Streamed(Kept(x), 9000), Origin("made.h5", "x"), {})
    data.check_indices(10)
    with pytest.raises(DataError, match=r"^made.h5: x, row 4321: the number 9 is no index"):
        data.check_indices(9)


def test_their_digest_is_that_of_the_array() -> None:
    held, read = (fingerprint({"train": data}) for data in pair())
    assert held == read
