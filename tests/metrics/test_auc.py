from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from nncli.errors import ShapeError
from nncli.metrics.auc import Auc
from nncli.parts import Array
from tests.metrics.test_accuracy import measure


def by_ranks(score: Array, t: Array) -> float:
    """Mann & Whitney: the mean rank of the positives."""
    positive = t > 0.5
    m, n = positive.sum(), (~positive).sum()
    return float((rankdata(score)[positive].sum() - m * (m + 1) / 2) / (m * n))


def test_scores_of_eight_bits_are_exact() -> None:
    rng = np.random.default_rng(0)
    score = np.ldexp(rng.integers(128, 256, 3000), rng.integers(-60, 40, 3000)) * rng.choice([-1.0, 1.0], 3000)
    t = rng.integers(0, 2, 3000).astype(float)
    assert measure(Auc(), (score[None], t[None])) == pytest.approx(by_ranks(score, t), rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_scores_are_close(dtype: type) -> None:
    """Two normal distributions a deviation apart: Φ(1 / √2)."""
    rng = np.random.default_rng(1)
    t = rng.integers(0, 2, (1, 20_000)).astype(dtype)
    y = (rng.normal(size=t.shape) + t).astype(dtype)
    found = measure(Auc(), (y, t))
    assert found == pytest.approx(by_ranks(y[0], t[0]), abs=1e-4)
    assert found == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)


def test_two_logits_are_their_difference() -> None:
    y = np.array([[0.0, 5.0, -1.0, 2.0], [1.0, 4.0, 1.0, 0.0]])
    assert measure(Auc(), (y, np.array([1, 0, 1, 0]))) == 1
    assert measure(Auc(), (y, np.array([0, 1, 0, 1]))) == 0


def test_zeros_of_both_signs_are_equal() -> None:
    assert measure(Auc(), (np.array([[0.0, -0.0]]), np.array([[0.0, 1.0]]))) == 0.5


def test_infinite_scores_are_the_largest() -> None:
    y = np.array([[-np.inf, -1e30, 1e-40, 1e30, np.inf]])
    assert measure(Auc(), (y, np.array([[0.0, 0.0, 1.0, 1.0, 1.0]]))) == 1


def test_one_class_alone_has_none() -> None:
    assert np.isnan(measure(Auc(), (np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]))))


@pytest.mark.parametrize(("output", "target"), [((3,), "classes"), ((1,), "classes"), ((2,), "values")])
def test_other_outputs_are_refused(output: tuple[int, ...], target: str) -> None:
    with pytest.raises(ShapeError, match="two outputs"):
        Auc().check(output, target)  # type: ignore[arg-type]
