from __future__ import annotations

import itertools

import pytest

from nncli.kernels.window import extent, inside, overlap, positions, same_padding

SIZES = list(itertools.product((1, 2, 5, 8), (1, 2, 3, 4), (1, 2, 3)))


@pytest.mark.parametrize(("size", "reach", "stride"), SIZES)
def test_positions_are_the_complete_windows(size: int, reach: int, stride: int) -> None:
    assert positions(size, reach, stride) == len([r for r in range(0, size, stride) if r + reach <= size])


@pytest.mark.parametrize(("size", "reach", "stride"), SIZES)
def test_same_padding_is_the_least_that_covers(size: int, reach: int, stride: int) -> None:
    before, after = same_padding(size, reach, stride)
    wanted = -(-size // stride)
    assert after - before in (0, 1)
    assert positions(size + before + after, reach, stride) >= wanted
    if before + after:
        assert positions(size + before + after - 1, reach, stride) < wanted


def test_extent_counts_the_gaps() -> None:
    assert [extent(3, dilation) for dilation in (1, 2, 3)] == [3, 5, 7]


@pytest.mark.parametrize(
    ("first", "step", "count", "size"), list(itertools.product(range(-7, 8), (1, 2, 3), (1, 4), (1, 5)))
)
def test_inside_is_the_range_that_lies_in_the_image(first: int, step: int, count: int, size: int) -> None:
    start, stop = inside(first, step, count, size)
    assert list(range(start, stop)) == [u for u in range(count) if 0 <= first + u * step < size]
    assert 0 <= start <= stop <= count


def test_overlap() -> None:
    assert overlap((3, 2), (2, 2))
    assert overlap((2, 3), (2, 2))
    assert not overlap((2, 2), (2, 3))
