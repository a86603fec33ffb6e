from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nncli.metrics.r2 import R2
from nncli.parts import Array
from tests.metrics.test_metrics import cut, measure


def exactly(y: Array, t: Array) -> float:
    """In rational numbers."""
    a, b = [Fraction(float(v)) for v in y], [Fraction(float(v)) for v in t]
    mean = sum(b) / len(b)
    ratio = sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / sum((q - mean) ** 2 for q in b)
    return float(1 - ratio)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, -3.7, 1e3, 1e6, -123456.7])
def test_a_large_mean_costs_no_digits(mean: float, dtype: type) -> None:
    """6,000 targets in unequal batches; Σ t² less (Σ t)² / n would have no digit right at a million."""
    rng = np.random.default_rng(4)
    t = (mean + rng.normal(size=(1, 6000))).astype(dtype)
    y = (t + 0.5 * rng.normal(size=t.shape)).astype(dtype)
    sizes = [1, 31, 968, *[50] * 100]
    assert measure(R2(), *cut(y, t, sizes)) == pytest.approx(exactly(y[0], t[0]), abs=2e-8)


def test_batches_far_apart() -> None:
    """Sorted targets: the batches' means differ far more than what is in them."""
    t = np.sort(np.random.default_rng(5).normal(size=(1, 2000)) * 1e4)
    y = t + np.random.default_rng(6).normal(size=t.shape)
    assert measure(R2(), *cut(y, t, [20] * 100)) == pytest.approx(exactly(y[0], t[0]), rel=1e-12)


def test_each_output_counts_the_same() -> None:
    """1 − 2/2 = 0 for the first, 1 for the second."""
    t = np.array([[0.0, 2.0], [0.0, 2000.0]])
    y = np.array([[1.0, 1.0], [0.0, 2000.0]])
    assert measure(R2(), (y, t)) == 0.5


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1])
def test_targets_that_are_all_equal(value: float) -> None:
    t = np.full((1, 30), value)
    batches = cut(t, t, [7, 23])
    assert measure(R2(), *batches) == 1
    assert measure(R2(), *[(y + 0.5, t) for y, t in batches]) == 0


def test_one_sample_has_none() -> None:
    assert np.isnan(measure(R2(), (np.ones((1, 1)), np.zeros((1, 1)))))
