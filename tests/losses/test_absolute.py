from __future__ import annotations

import numpy as np

from nncli.losses.absolute import Absolute
from tests.losses.harness import Alone


def test_is_the_sum_of_absolute_errors() -> None:
    x, t = np.array([[1.0, -4.0], [0.5, 0.0]]), np.array([[3.0, -1.0], [0.5, 0.25]])
    value, dx = Alone(Absolute(), x, t).run()
    assert value == 2 + 3 + 0.25
    assert np.array_equal(dx, [[-0.5, -0.5], [0.0, -0.5]])


def test_right_outputs_have_no_slope() -> None:
    value, dx = Alone(Absolute(), np.ones((3, 2)), np.ones((3, 2))).run()
    assert value == 0
    assert not dx.any()
