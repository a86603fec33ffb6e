from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from nncli.errors import ShapeError
from nncli.losses.binary_cross_entropy import BinaryCrossEntropy
from nncli.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.losses.harness import Alone, difference, samples


def test_is_softplus_less_target_times_logit() -> None:
    x, t = samples(BinaryCrossEntropy(), (3, 2), 7)
    value, dx = Alone(BinaryCrossEntropy(), x, t, total=9).run()
    assert value == pytest.approx(math.fsum((np.logaddexp(0, x) - t * x).flat), rel=1e-14)
    assert difference(dx, (expit(x) - t) / 9) < 1e-14


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("logit", [-80.0, -20.0, -0.5, 0.0, 0.5, 20.0, 80.0])
def test_small_losses_keep_their_digits(logit: float, dtype: type) -> None:
    """log(1 + eˣ) for the target 0 and log(1 + e⁻ˣ) for 1, also where they are tiny."""
    value, dx = Alone(BinaryCrossEntropy(), np.array([[logit]]), np.array([[0.0]]), dtype=dtype).run()
    other, back = Alone(BinaryCrossEntropy(), np.array([[-logit]]), np.array([[1.0]]), dtype=dtype).run()
    limit = 1e-6 if dtype is np.float32 else 1e-14
    expected = math.log1p(math.exp(-abs(logit))) + max(logit, 0)
    assert value == pytest.approx(expected, rel=limit)
    assert other == pytest.approx(expected, rel=limit)
    assert dx[0, 0] == pytest.approx(1 / (1 + math.exp(-logit)), rel=limit)
    assert back[0, 0] == -dx[0, 0]


def test_is_that_of_two_classes_with_the_logits_zero_and_x() -> None:
    x, _ = samples(BinaryCrossEntropy(), (1,), 6)
    classes = np.array([0, 1, 1, 0, 1, 0])
    value, dx = Alone(BinaryCrossEntropy(), x, classes[None]).run()
    expected, both = Alone(SoftmaxCrossEntropy(), np.concatenate([0 * x, x]), classes).run()
    assert value == pytest.approx(expected, rel=1e-14)
    assert difference(dx[0], both[1]) < 1e-14


def test_the_weight_of_positives_counts_them_several_times() -> None:
    x, _ = samples(BinaryCrossEntropy(), (2,), 4)
    t = np.array([[1.0, 0, 0, 1], [0, 0, 1, 1]])
    value, dx = Alone(BinaryCrossEntropy(positive_weight=(3.0, 2.0)), x, t).run()
    terms = np.logaddexp(0, x) - t * x
    times = np.where(t == 1, np.array([[3.0], [2.0]]), 1.0)
    assert value == pytest.approx((times * terms).sum(), rel=1e-14)
    assert difference(dx, times * (expit(x) - t) / 4) < 1e-14


def test_smoothing_moves_targets_towards_a_half() -> None:
    x, _ = samples(BinaryCrossEntropy(), (1,), 2)
    value, dx = Alone(BinaryCrossEntropy(label_smoothing=0.2), x, np.array([[0.0, 1.0]])).run()
    expected, slope = Alone(BinaryCrossEntropy(), x, np.array([[0.1, 0.9]])).run()
    assert value == pytest.approx(expected, rel=1e-14)
    assert difference(dx, slope) < 1e-14


def test_weights_for_other_outputs_are_refused() -> None:
    BinaryCrossEntropy(positive_weight=(1.0, 2.0)).check((2,))
    with pytest.raises(ShapeError, match="2 positive weights for outputs"):
        BinaryCrossEntropy(positive_weight=(1.0, 2.0)).check((3,))
