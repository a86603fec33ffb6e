from __future__ import annotations

import math

import numpy as np
import pytest

from nncli.kernels.row_sums import LEAST, MOST, row_sums


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [(1, 1), (3, 5), (256, 128), (2, MOST), (3, 2 * MOST), (20, 24 * 24 * 32), (2, 2 * 5003), (2, MOST + 3), (0, 4)],
)
def test_rows_are_summed(shape: tuple[int, int], dtype: type) -> None:
    x, out = np.random.default_rng(0).standard_normal(shape).astype(dtype), np.full(shape[0], np.nan, dtype)
    row_sums(x, out)()
    exact = [math.fsum(map(float, row)) for row in x]
    bound = 4 * np.finfo(dtype).eps * math.sqrt(shape[1]) * max(1.0, np.log2(shape[1]))
    np.testing.assert_allclose(out, exact, rtol=0, atol=bound)


def test_a_call_sees_what_was_written_since() -> None:
    x, out = np.zeros((2, 3 * MOST), np.float32), np.empty(2, np.float32)
    call = row_sums(x, out)
    x[1] = 0.5
    call()
    assert out.tolist() == [0.0, 1.5 * MOST]


def test_lengths_without_a_fit_part_are_summed_at_once() -> None:
    prime = 10007
    assert prime > MOST > LEAST
    x, out = np.ones((2, prime), np.float32), np.empty(2, np.float32)
    row_sums(x, out)()
    assert out.tolist() == [prime, prime]
