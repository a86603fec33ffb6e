from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr, softmax

from nncli.errors import ShapeError
from nncli.losses.kullback_leibler import KullbackLeibler
from tests.losses.harness import Alone, difference, samples

each = pytest.mark.parametrize("logits", [True, False])


@each
def test_scipy_gives_the_same(logits: bool) -> None:
    x, t = samples(KullbackLeibler(), (6,), 9)
    q = softmax(x, axis=0)
    value, dx = Alone(KullbackLeibler(logits), x if logits else q, t, total=12).run()
    assert value == pytest.approx(rel_entr(t, q).sum(), rel=1e-13)
    assert difference(dx, (q - t if logits else -t / q) / 12) < 1e-13


@each
def test_is_zero_where_the_network_is_right(logits: bool) -> None:
    _, t = samples(KullbackLeibler(), (4,), 5)
    value, _ = Alone(KullbackLeibler(logits), np.log(t) + 3 if logits else t, t).run()
    assert abs(value) < 1e-14


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_times_the_logarithm_of_zero_is_zero(logits: bool, dtype: type) -> None:
    t = np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.5]])
    x = np.array([[0.0, -200.0], [-200.0, 0.0], [-200.0, 0.0]]) if logits else t
    with np.errstate(all="raise", under="ignore"):
        value, dx = Alone(KullbackLeibler(logits), x, t, dtype=dtype).run()
    assert abs(value) < 1e-6
    assert np.isfinite(dx).all()


def test_a_class_that_the_network_excludes_has_a_finite_loss() -> None:
    value, dx = Alone(KullbackLeibler(False), np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]])).run()
    assert value == pytest.approx(math.log(0.5) - 0.5 * math.log(np.finfo(float).tiny), rel=1e-14)
    assert np.isfinite(dx).all()


def test_of_one_hot_targets_is_the_cross_entropy() -> None:
    x, _ = samples(KullbackLeibler(), (5,), 4)
    t = np.eye(5)[:, [0, 3, 3, 1]]
    value, _ = Alone(KullbackLeibler(), x, t).run()
    assert value == pytest.approx(-log_softmax(x, axis=0)[[0, 3, 3, 1], range(4)].sum(), rel=1e-14)


def test_targets_that_do_not_sum_to_one_are_taken_as_they_are() -> None:
    """The derivative of Σ t log(t / q) for any t."""
    x, t = samples(KullbackLeibler(), (3,), 2)
    _, dx = Alone(KullbackLeibler(), x, 2 * t).run()
    assert difference(dx, (2 * softmax(x, axis=0) - 2 * t) / 2) < 1e-14


@pytest.mark.parametrize("output", [(), (1,), (1, 4)])
def test_other_shapes_are_refused(output: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="at least two classes") as caught:
        KullbackLeibler().check(output)
    assert "binary_cross_entropy" in caught.value.faults[0].hint
