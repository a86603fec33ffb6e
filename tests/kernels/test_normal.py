"""Box and Muller's transform against its formula in float64, and at the ends of [0, 1)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncli.kernels.normal import box_muller


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_formula(dtype: type) -> None:
    numbers = np.random.default_rng(0).random((50, 8)).astype(dtype)
    u, v = numbers[:, :4].astype(np.float64), numbers[:, 4:].astype(np.float64)
    box_muller(numbers, np.empty((50, 4), dtype))
    radius = np.sqrt(-2 * np.log(1 - u))
    expected = np.concatenate([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)], axis=1)
    np.testing.assert_allclose(numbers, expected, rtol=0, atol=20 * np.finfo(dtype).eps)


def test_ends_of_the_range_are_finite() -> None:
    last = np.nextafter(np.float32(1), np.float32(0))
    numbers = np.array([[0, 0], [last, 0], [0, last], [last, last]], np.float32)
    with np.errstate(all="raise"):
        box_muller(numbers, np.empty((4, 1), np.float32))
    assert np.isfinite(numbers).all()
    assert np.abs(numbers).max() == pytest.approx(math.sqrt(48 * math.log(2)), rel=1e-6)
