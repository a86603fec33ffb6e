"""Figures of data: against NumPy on whole arrays, and against comparing each sample with each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncli.data.batches import Preprocessing
from nncli.data.overview import Known, class_counts, columns, figures, first_of_each, kept_bytes, target_figures
from nncli.data.splits import open_splits
from nncli.parts import Array
from tests.data.files import Section, dataset, source, step


def many(seed: int = 0, n: int = 700, shape: tuple[int, ...] = (3, 20, 21)) -> Array:
    """More numbers than are looked at in one go."""
    x = np.random.default_rng(seed).normal(size=(n, *shape)) * np.arange(1, 22) + 1e5
    x[:, 0, 0, 0] = 0.1
    x[5] = 3
    return x


@pytest.mark.parametrize("rows", [None, [5, 0, 2, 699]], ids=["all", "some"])
def test_figures_of_samples(rows: list[int] | None) -> None:
    x = many()
    data = dataset(x) if rows is None else dataset(x).subset(np.array(rows))
    x = (x if rows is None else x[rows]).reshape(len(data), -1)
    found = figures(data)
    assert (found.samples, found.shape, found.blank) == (len(x), (3, 20, 21), 1)
    for name, expected in (("low", x.min(0)), ("high", x.max(0)), ("mean", x.mean(0)), ("std", x.std(0))):
        assert getattr(found, name) == pytest.approx(expected, rel=1e-9), name
    assert (found.minimum, found.maximum) == (x.min(), x.max())
    assert (found.centre, found.deviation) == pytest.approx((x.mean(), x.std()), rel=1e-9)
    assert found.constant.tolist() == [bool((x[:, place] == x[0, place]).all()) for place in range(x.shape[1])]


def test_figures_after_preprocessing() -> None:
    x = np.random.default_rng(1).integers(0, 256, size=(50, 1, 4, 4), dtype=np.uint8)
    data = dataset(x)
    steps = Preprocessing.fit([step("scale", factor=0.5, offset=1.0)], data)
    found = figures(data, steps)
    expected = x.astype(float) * 0.5 + 1
    assert (found.minimum, found.maximum) == (expected.min(), expected.max())
    assert (found.centre, found.deviation) == pytest.approx((expected.mean(), expected.std()), rel=1e-12)


def test_targets_and_classes() -> None:
    t = np.random.default_rng(2).normal(size=(9, 2))
    rows = np.array([8, 1, 3])
    found = target_figures(dataset(np.zeros((9, 3)), t).subset(rows))
    assert found.mean == pytest.approx(t[rows].mean(0))
    assert found.std == pytest.approx(t[rows].std(0))
    labels = dataset(np.zeros((6, 3)), np.array([0, 2, 2, 0, 2, 4]))
    assert class_counts(labels, 6).tolist() == [2, 0, 3, 0, 1, 0]
    assert class_counts(labels.subset(np.array([1, 5])), 5).tolist() == [0, 0, 1, 0, 1]
    assert [row.tolist() for row in first_of_each(labels, 5, 2)] == [[0, 3], [], [1, 2], [], [5]]
    assert [row.tolist() for row in first_of_each(labels, None, 3)] == [[0, 2, 5]]
    assert kept_bytes(labels.subset(np.array([0, 1]))) == 2 * (3 + 1) * 8


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_samples_that_are_there_twice(kind: type) -> None:
    rng = np.random.default_rng(3)
    train, test = (rng.integers(0, 3, size=(n, 3)).astype(kind) for n in (40, 25))
    t = rng.integers(0, 2, size=40)
    repeats = [n for n in range(40) if any((train[n] == train[m]).all() for m in range(n))]
    firsts = [next(m for m in range(40) if (train[n] == train[m]).all()) for n in repeats]
    known = Known(dataset(train, t))
    assert known.repeats == len(repeats) > 3
    assert known.contradictions() == sum(t[n] != t[first] for n, first in zip(repeats, firsts, strict=True)) > 0
    assert known.found_in(dataset(test)) == sum(any((row == other).all() for other in train) for row in test) > 3
    assert known.found_in(dataset(test.astype(np.float64))) == 0


def test_no_sign_of_zero() -> None:
    assert Known(dataset(np.array([[0.0, 1.0]]))).found_in(dataset(np.array([[-0.0, 1.0]]))) == 1


def test_columns_and_gaps_of_a_table(tmp_path: Path) -> None:
    lines = ["a,b,c,y", "1,red,,0", ",blue,2,1", "3,,4,0", "4,red,?,1", "5,red,9,"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    table = source(
        "csv",
        path="t.csv",
        target=("y",),
        categorical=("b",),
        missing={"a": 7.0, "b": "mean", "c": "median", "y": "drop"},
    )
    splits = open_splits(Section(table, test=0.5), base=tmp_path, seed=0, kinds={"y": "values"})
    assert splits.dropped == 1
    assert {name: sum(gaps.get(name, 0) for gaps in splits.gaps.values()) for name in "abc"} == {"a": 1, "b": 1, "c": 2}
    rows = {"train": splits.train.rows, "test": splits.test.rows} if splits.test is not None else {}
    for split, here in rows.items():
        assert here is not None
        assert splits.gaps[split].get("c", 0) == sum(int(row) in (0, 3) for row in here)
    names = [(column.name, column.place, bool(column.categories)) for column in columns(splits.fitted)]
    width = names[1][1].stop
    assert names == [("a", slice(0, 1), False), ("b", slice(1, width), True), ("c", slice(width, width + 1), False)]
    assert columns(splits.fitted)[0].fill == 7.0
    assert columns(splits.fitted)[1].fill in ("red", "blue")
