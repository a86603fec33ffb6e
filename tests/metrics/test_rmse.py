from __future__ import annotations

import math

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.metrics.rmse import Rmse
from tests.metrics.test_accuracy import measure


def test_is_over_all_numbers_and_not_a_mean_of_batches() -> None:
    """Errors 3 and 4 in one batch, three of 1 in another: √(28/5), whereas the batches' mean would be less."""
    one = np.array([[3.0, -4.0]]), np.zeros((1, 2))
    two = np.array([[1.0, 1.0, -1.0]]), np.zeros((1, 3))
    assert measure(Rmse(), one, two) == pytest.approx(math.sqrt(28 / 5), rel=1e-15)


def test_is_in_the_unit_of_the_targets() -> None:
    rng = np.random.default_rng(0)
    y, t = rng.normal(size=(2, 3, 9)), rng.normal(size=(2, 3, 9))
    assert measure(Rmse(), (1000 * y, 1000 * t)) == pytest.approx(1000 * measure(Rmse(), (y, t)), rel=1e-13)


def test_float32_outputs_have_totals_in_float64() -> None:
    """A thousand batches of the error 0.1: in float32 the totals would have lost the fifth digit."""
    batch = np.full((1, 64), 0.1, np.float32), np.zeros((1, 64), np.float32)
    assert measure(Rmse(), *[batch] * 1000) == pytest.approx(float(np.float32(0.1)), rel=1e-6)


def test_nan_is_not_hidden() -> None:
    y = np.zeros((2, 4))
    bad = y.copy()
    bad[1, 2] = np.nan
    assert measure(Rmse(), (y, y)) == 0
    assert np.isnan(measure(Rmse(), (bad, y), (y, y)))


def test_class_numbers_are_refused() -> None:
    with pytest.raises(ShapeError, match="values") as caught:
        Rmse().check((3,), "classes")
    assert "accuracy" in caught.value.faults[0].hint
