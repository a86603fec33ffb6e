from __future__ import annotations

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.losses.hinge import Hinge
from tests.losses.harness import Alone, difference, samples


@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("squared", [False, True])
def test_a_loop_over_samples_and_classes_gives_the_same(margin: float, squared: bool) -> None:
    x, t = samples(Hinge(), (6,), 11)
    expected, slope = 0.0, np.zeros_like(x)
    for n, true in enumerate(t):
        for k in range(6):
            inside = margin - x[true, n] + x[k, n]
            if k != true and inside > 0:
                expected += inside**2 if squared else inside
                slope[k, n] += 2 * inside if squared else 1
                slope[true, n] -= 2 * inside if squared else 1
    value, dx = Alone(Hinge(margin, squared), x, t, total=20).run()
    assert value == pytest.approx(expected, rel=1e-13)
    assert difference(dx, slope / 20) < 1e-13


def test_a_class_beyond_the_margin_costs_nothing() -> None:
    value, dx = Alone(Hinge(), np.array([[3.0, 0.0], [1.9, -1.0], [2.0, -9.0]]), np.array([0, 0])).run()
    assert value == 0
    assert not dx.any()


def test_all_classes_inside_the_margin_count_not_only_the_worst() -> None:
    """By Weston & Watkins 1 + 1; Crammer & Singer would say 1."""
    assert Alone(Hinge(), np.zeros((3, 1)), np.array([1])).sum() == 2


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least two scores"):
        Hinge().check((1,))
