"""Metrics against their definitions, computed for all samples at once by loops."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nncli import metrics, registry
from nncli.errors import ShapeError
from nncli.parts import Array, Metric

assert metrics.__name__ == "nncli.metrics"


def top_k(k: int) -> Callable[[Array, Array], float]:
    return lambda y, t: np.mean([t[n] in np.argsort(-y[:, n], kind="stable")[:k] for n in range(len(t))])


def macro_f1(y: Array, t: Array) -> float:
    guess, scores = [int(np.argmax(y[:, n])) for n in range(len(t))], []
    for k in {*guess, *t.tolist()}:
        hits = sum(g == k == s for g, s in zip(guess, t, strict=True))
        precision, recall = hits / max(1, guess.count(k)), hits / max(1, t.tolist().count(k))
        scores.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return float(np.mean(scores))


def auc(y: Array, t: Array) -> float:
    """The share of pairs in the right order."""
    score, positive = (y[0], t[0] > 0.5) if len(y) == 1 else (y[1] - y[0], t == 1)
    pairs = [(p > q) + 0.5 * (p == q) for p in score[positive] for q in score[~positive]]
    return float(np.mean(pairs))


def r2(y: Array, t: Array) -> float:
    y, t = y.reshape(-1, y.shape[-1]), t.reshape(-1, y.shape[-1])
    mean = t.mean(axis=1, keepdims=True)
    return float(np.mean(1 - ((y - t) ** 2).sum(axis=1) / ((t - mean) ** 2).sum(axis=1)))


def binary_accuracy(threshold: float, exact: bool) -> Callable[[Array, Array], float]:
    def share(y: Array, t: Array) -> float:
        right = ((y > threshold) == (t == 1)).reshape(-1, y.shape[-1])
        return float(np.mean(right.all(axis=0) if exact else right))

    return share


Truth = Callable[[Array, Array], float]
CASES: list[tuple[str, dict[str, Any], str, tuple[int, ...], Truth]] = [
    ("accuracy", {}, "classes", (4,), top_k(1)),
    ("top_k", {}, "classes", (8,), top_k(5)),
    ("top_k", {"k": 2}, "classes", (4,), top_k(2)),
    ("top_k", {"k": 1}, "classes", (4,), top_k(1)),
    ("macro_f1", {}, "classes", (4,), macro_f1),
    ("macro_f1", {}, "classes", (60,), macro_f1),
    ("auc", {}, "classes", (2,), auc),
    ("auc", {}, "binary", (1,), auc),
    ("binary_accuracy", {}, "binary", (1,), binary_accuracy(0, False)),
    ("binary_accuracy", {"threshold": 0.3}, "binary", (2, 3), binary_accuracy(0.3, False)),
    ("binary_accuracy", {"exact": True}, "binary", (3,), binary_accuracy(0, True)),
    ("rmse", {}, "values", (2, 3), lambda y, t: np.sqrt(np.mean((y - t) ** 2))),
    ("mae", {}, "values", (2, 3), lambda y, t: np.mean(np.abs(y - t))),
    ("r2", {}, "values", (1,), r2),
    ("r2", {}, "values", (2, 3), r2),
]
"""Name, options, kind of targets ("binary": values 0 and 1), output, and the truth."""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    options: dict[str, Any]
    kind: str
    shape: tuple[int, ...]
    truth: Truth

    @property
    def metric(self) -> Metric:
        metric: Metric = registry.metric[self.name](**self.options)
        return metric

    @property
    def target(self) -> str:
        return "classes" if self.kind == "classes" else "values"

    def batch(self, n: int, dtype: type = np.float64) -> tuple[Array, Array]:
        """Outputs of eight significant bits, so that some are equal and AUC's bins are exact."""
        rng = np.random.default_rng(2)
        y = (np.round(rng.normal(size=(*self.shape, n)) * 16) / 16).astype(dtype)
        if self.kind == "classes":
            return y, rng.integers(self.shape[0], size=n)
        t = rng.integers(2, size=y.shape) if self.kind == "binary" else rng.normal(size=y.shape)
        return y, t.astype(dtype)


each = pytest.mark.parametrize("case", [Case(*row) for row in CASES], ids=lambda case: f"{case.name}{case.options}")


def test_every_metric_has_a_line() -> None:
    assert {row[0] for row in CASES} == set(registry.metric)


@pytest.mark.parametrize("name", list(registry.metric))
def test_every_option_is_set_by_some_case(name: str) -> None:
    for field in dataclasses.fields(registry.metric[name]):
        assert any(field.name in row[1] for row in CASES if row[0] == name), field.name


def measure(metric: Metric, *batches: tuple[Array, Array]) -> float:
    """The figure after these batches, with totals of each batch added as the engine does it."""
    size = metric.size(batches[0][0].shape[:-1])
    sums = np.zeros(size)
    for y, t in batches:
        totals = np.zeros(size)
        work = {
            key: np.ones(asked.shape, asked.dtype or y.dtype)
            for key, asked in metric.workspace(y.shape[:-1], y.shape[-1]).items()
        }
        kept = y.copy(), t.copy()
        metric.update(totals, y, t, work)
        assert np.array_equal(y, kept[0], equal_nan=True)
        assert np.array_equal(t, kept[1])
        sums += totals
    return metric.value(sums)


def cut(y: Array, t: Array, sizes: list[int]) -> list[tuple[Array, Array]]:
    ends = np.cumsum(sizes)
    return [(y[..., e - n : e].copy(), t[..., e - n : e].copy()) for n, e in zip(sizes, ends, strict=True)]


@each
@pytest.mark.parametrize("sizes", [[23], [10, 13], [1, 1, 21]], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_over_batches(case: Case, sizes: list[int], dtype: type) -> None:
    y, t = case.batch(23, dtype)
    expected = case.truth(y.astype(float), t.astype(float) if case.target == "values" else t)
    limit = 1e-13 if dtype is np.float64 or case.target == "classes" else 1e-6
    assert measure(case.metric, *cut(y, t, sizes)) == pytest.approx(expected, rel=limit)


@each
def test_better_is_what_perfect_predictions_have(case: Case) -> None:
    y, t = case.batch(12)
    perfect = np.eye(y.shape[0])[:, t] if case.target == "classes" else t.copy()
    if case.kind == "binary":
        perfect = 2 * perfect - 1
    figures = [measure(case.metric, (outputs, t)) for outputs in (y, perfect)]
    assert (figures[1] > figures[0]) == (case.metric.better == "max")


@each
def test_nothing_seen_is_nan(case: Case) -> None:
    assert np.isnan(case.metric.value(np.zeros(case.metric.size(case.shape))))


@each
def test_nan_is_not_hidden_by_later_batches(case: Case) -> None:
    y, t = case.batch(12)
    bad = y.copy()
    bad.reshape(-1, 12)[-1, 3] = np.nan
    assert not np.isnan(measure(case.metric, (y, t)))
    assert np.isnan(measure(case.metric, (bad, t), (y, t)))


@each
def test_an_output_that_does_not_fit(case: Case) -> None:
    case.metric.check(case.shape, case.target)  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        case.metric.check((7, 2), "values" if case.target == "classes" else "classes")


@each
def test_nothing_is_allocated_by_batch_size(case: Case) -> None:
    metric, peaks = case.metric, []
    for n in (20_000, 40_000):
        y, t = case.batch(n, np.float32)
        work = {
            key: np.zeros(asked.shape, asked.dtype or y.dtype)
            for key, asked in metric.workspace(y.shape[:-1], n).items()
        }
        totals = np.zeros(metric.size(y.shape[:-1]))
        metric.update(totals, y, t, work)
        tracemalloc.start()
        metric.update(totals, y, t, work)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 20_000
