from __future__ import annotations

import numpy as np
import pytest

from nncli.kernels.rectify import rectify


@pytest.mark.parametrize("shape", [(5,), (7, 1), (20, 24, 24, 64), (3, 9000), (20000,), (2, 3, 8192)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_positive_part(shape: tuple[int, ...], dtype: type) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    y = np.full_like(x, np.nan)
    rectify(x, y)
    assert np.array_equal(y, np.where(x > 0, x, 0))
    rectify(x, x)
    assert np.array_equal(x, y)


def test_parts_of_a_larger_array() -> None:
    x = np.random.default_rng(0).normal(size=(4, 6, 6, 5))
    kept = x.copy()
    rectify(x[:, 1:4, 2:5], x[:, 1:4, 2:5])
    kept[:, 1:4, 2:5] = np.where(kept[:, 1:4, 2:5] > 0, kept[:, 1:4, 2:5], 0)
    assert np.array_equal(x, kept)
