from __future__ import annotations

import numpy as np
import pytest

from nncli.metrics.macro_f1 import MacroF1
from tests.metrics.test_accuracy import measure


def test_by_hand() -> None:
    """Class 0: 2 of 2 guesses right, 2 of 3 found; 1: 1 of 2, all found; 2 is guessed once and never occurs; 3 is
    absent and does not count."""
    guess, t = [0, 0, 1, 1, 2], np.array([0, 0, 0, 1, 1])
    found = measure(MacroF1(), (np.eye(4)[:, guess], t))
    assert found == pytest.approx((0.8 + 2 * 0.5 * 0.5 + 0) / 3)


def test_a_class_that_is_never_guessed_counts_zero() -> None:
    y = np.zeros((2, 10))
    t = np.array([0] * 9 + [1])
    assert measure(MacroF1(), (y, t)) == pytest.approx(0.5 * 18 / 19)
