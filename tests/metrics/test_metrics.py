"""Metrics against their definitions, computed for all samples at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from nncli import metrics, registry
from nncli.errors import ShapeError
from nncli.parts import Array, Metric

assert metrics.__name__ == "nncli.metrics"

CASES: dict[str, tuple[str, tuple[int, ...], Callable[[Array, Array], float]]] = {
    "accuracy": ("classes", (4,), lambda y, t: np.mean([np.argmax(y[:, n]) == t[n] for n in range(len(t))])),
    "rmse": ("values", (2, 3), lambda y, t: np.sqrt(np.mean((y - t) ** 2))),
}

each = pytest.mark.parametrize("name", CASES)


def test_every_metric_has_a_line() -> None:
    assert set(CASES) == set(registry.metric)


def update(metric: Metric, totals: Array, y: Array, t: Array) -> None:
    work = {
        key: np.zeros(asked.shape, asked.dtype or y.dtype)
        for key, asked in metric.workspace(y.shape[:-1], y.shape[-1]).items()
    }
    metric.update(totals, y, t, work)


def batch(name: str, n: int, dtype: type = np.float64) -> tuple[Array, Array]:
    kind, shape, _ = CASES[name]
    rng = np.random.default_rng(2)
    y = rng.normal(size=(*shape, n)).astype(dtype)
    return y, rng.integers(shape[0], size=n) if kind == "classes" else rng.normal(size=y.shape).astype(dtype)


@each
@pytest.mark.parametrize("cuts", [[23], [10, 13], [1, 1, 21]])
def test_value_over_batches(name: str, cuts: list[int]) -> None:
    metric = registry.metric[name]()
    y, t = batch(name, 23)
    totals = np.zeros(metric.size(y.shape[:-1]))
    start = 0
    for n in cuts:
        update(metric, totals, y[..., start : start + n].copy(), t[..., start : start + n].copy())
        start += n
    assert metric.value(totals) == pytest.approx(CASES[name][2](y, t), rel=1e-13)
    assert totals.dtype == np.float64


@each
def test_better_is_what_perfect_predictions_have(name: str) -> None:
    metric = registry.metric[name]()
    y, t = batch(name, 12)
    perfect = np.eye(y.shape[0])[:, t] if CASES[name][0] == "classes" else t.copy()
    figures = []
    for outputs in (y, perfect):
        totals = np.zeros(metric.size(y.shape[:-1]))
        update(metric, totals, outputs, t)
        figures.append(metric.value(totals))
    assert (figures[1] > figures[0]) == (metric.better == "max")


@each
def test_nothing_seen_is_nan(name: str) -> None:
    metric = registry.metric[name]()
    assert np.isnan(metric.value(np.zeros(metric.size(CASES[name][1]))))


@each
def test_an_output_that_does_not_fit(name: str) -> None:
    metric = registry.metric[name]()
    kind, shape, _ = CASES[name]
    metric.check(shape, kind)  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        metric.check(shape, "values" if kind == "classes" else "classes")


@each
def test_nothing_is_allocated_by_batch_size(name: str) -> None:
    metric = registry.metric[name]()
    peaks = []
    for n in (20_000, 40_000):
        y, t = batch(name, n, np.float32)
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
