from __future__ import annotations

import math

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.losses.cross_entropy import CrossEntropy
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.losses.harness import Alone, difference, samples


def test_is_the_logarithm_of_the_true_class_s_probability() -> None:
    x = np.array([[0.5, 0.125], [0.25, 0.75], [0.25, 0.125]])
    value, dx = Alone(CrossEntropy(), x, np.array([1, 2])).run()
    assert value == pytest.approx(math.log(4) + math.log(8), rel=1e-15)
    assert np.array_equal(dx, [[0, 0], [-2, 0], [0, -4]])


def test_weights_of_classes() -> None:
    """(3 log 2 + 1 log 8) / 4."""
    x, t = np.array([[0.5, 0.875], [0.5, 0.125]]), np.array([0, 1])
    alone = Alone(CrossEntropy(class_weights=(3, 1)), x, t)
    assert float(alone.forward()) == pytest.approx((3 * math.log(2) + math.log(8)) / 4, rel=1e-15)
    assert np.array_equal(alone.backward(), [[-3 / 4 / 0.5, 0], [0, -1 / 4 / 0.125]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("probability", [0.0, 1e-320, -0.5])
def test_a_probability_of_zero_has_a_finite_loss_and_slope(dtype: type, probability: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        value, dx = Alone(CrossEntropy((1.0, 2.0)), np.array([[1.0], [probability]]), np.array([1]), dtype=dtype).run()
    assert value == pytest.approx(-2 * math.log(np.finfo(dtype).tiny), rel=1e-6)
    assert np.isfinite(dx).all()
    assert dx[1, 0] < 0
    assert dx[0, 0] == 0


def test_behind_a_softmax_it_is_the_fused_loss() -> None:
    weights = (1.0, 3.0, 0.5, 2.0, 1.0)
    x, t = samples(SoftmaxCrossEntropy(), (5,), 6)
    q = np.exp(x) / np.exp(x).sum(axis=0)
    value, dq = Alone(CrossEntropy(weights), q, t).run()
    expected, dx = Alone(SoftmaxCrossEntropy(class_weights=weights), x, t).run()
    assert value == pytest.approx(expected, rel=1e-13)
    assert difference(q * (dq - (q * dq).sum(axis=0)), dx) < 1e-13


@pytest.mark.parametrize("output", [(), (1,), (3, 4)])
def test_other_shapes_are_refused(output: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="at least two probabilities"):
        CrossEntropy().check(output)


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="2 class_weights for 3 classes"):
        CrossEntropy((1.0, 2.0)).check((3,))
    with pytest.raises(ValueError, match="all 0"):
        CrossEntropy((0.0, 0.0))
