"""The phases of an enlarged axis, against the matrix that the definition gives."""

from __future__ import annotations

import numpy as np
import pytest

from nncli.kernels import interpolation
from nncli.parts import Array


def matrix(size: int, scale: int) -> Array:
    """Row r holds the weights of output r."""
    rows = np.zeros((scale * size, size))
    for r in range(scale * size):
        at = min(max((r + 0.5) / scale - 0.5, 0.0), size - 1.0)
        low = int(at)
        rows[r, low] += 1 - (at - low)
        rows[r, min(low + 1, size - 1)] += at - low
    return rows


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("axis", [0, 1])
def test_both_ways(size: int, scale: int, axis: int) -> None:
    shape = (size, 3) if axis == 0 else (3, size)
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=shape), matrix(size, scale)
    y = np.full((scale * size, 3) if axis == 0 else (3, scale * size), np.nan)
    along = interpolation.stretch(size, scale, axis, np.full_like(x, np.nan))
    interpolation.enlarge(along, x, y)
    expected = weights @ x if axis == 0 else x @ weights.T
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)
    dy, dx = rng.normal(size=y.shape), np.full_like(x, np.nan)
    interpolation.gather(along, dy, dx)
    np.testing.assert_allclose(dx, weights.T @ dy if axis == 0 else dy @ weights, rtol=0, atol=1e-14)
