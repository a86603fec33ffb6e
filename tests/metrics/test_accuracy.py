from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from nncli.errors import ShapeError
from nncli.metrics.accuracy import Accuracy
from nncli.parts import Array, Metric


def measure(metric: Metric, *batches: tuple[Array, Array]) -> float:
    """The figure after these batches, with work arrays that hold garbage."""
    totals = np.zeros(metric.size(batches[0][0].shape[:-1]))
    for y, t in batches:
        works = metric.workspace(y.shape[:-1], y.shape[-1])
        work = {name: np.full(w.shape, 1, w.dtype or y.dtype) for name, w in works.items()}
        metric.update(totals, y, t, work)
    return metric.value(totals)


def first_largest(column: list[float]) -> int:
    """Counted by hand: the first place that nothing exceeds."""
    return next(k for k, value in enumerate(column) if not any(other > value for other in column))


class Lenient(Accuracy):
    """Counts every class that shares the largest output as right: a dead network would seem perfect."""

    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        totals[0] += np.count_nonzero(y[t, np.arange(len(t))] == y.max(axis=0))
        totals[1] += len(t)


class LastOfEquals(Accuracy):
    def update(self, totals: Array, y: Array, t: Array, work: Mapping[str, Array]) -> None:
        Accuracy.update(self, totals, y[::-1], len(y) - 1 - t, work)


def ties(classes: int, n: int) -> tuple[Array, Array]:
    """Outputs of three values only, so that most samples have several largest ones."""
    rng = np.random.default_rng(3)
    return rng.integers(0, 3, (classes, n)).astype(float), rng.integers(0, classes, n)


def counted(y: Array, t: Array) -> float:
    return sum(first_largest(list(y[:, n])) == t[n] for n in range(len(t))) / len(t)


@pytest.mark.parametrize(("classes", "n"), [(2, 1), (3, 50), (10, 64), (300, 7)])
def test_first_of_equals_counts(classes: int, n: int) -> None:
    y, t = ties(classes, n)
    assert measure(Accuracy(), (y, t)) == counted(y, t)


@pytest.mark.parametrize("metric", [Lenient(), LastOfEquals()], ids=lambda metric: type(metric).__name__)
def test_another_rule_for_equals_is_found(metric: Accuracy) -> None:
    y, t = ties(10, 64)
    assert measure(metric, (y, t)) != counted(y, t)


def test_equal_outputs_guess_the_first_class() -> None:
    t = np.array([0, 1, 2, 3, 0])
    assert measure(Accuracy(), (np.zeros((4, 5), np.float32), t)) == 2 / 5


def test_infinite_outputs_are_compared() -> None:
    y = np.array([[np.inf, -np.inf, 0.0], [1.0, -1e4, -np.inf]])
    assert measure(Accuracy(), (y, np.array([0, 1, 1]))) == pytest.approx(2 / 3)


@pytest.mark.parametrize("place", [(0, 0), (2, 4), (1, 3)], ids=str)
def test_nan_is_not_hidden(place: tuple[int, int]) -> None:
    """Not even by later batches."""
    y, t = np.zeros((3, 5)), np.zeros(5, np.intp)
    bad = y.copy()
    bad[place] = np.nan
    assert measure(Accuracy(), (y, t)) == 1
    assert np.isnan(measure(Accuracy(), (bad, t), (y, t)))


@pytest.mark.parametrize("output", [(3, 4), (), (10, 1, 1)])
def test_images_are_refused(output: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="one output for each class") as caught:
        Accuracy().check(output, "classes")
    assert "rmse" in caught.value.faults[0].hint
