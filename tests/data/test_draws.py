"""Rows that are held out: as many as asked for, each once, classes in proportion; folds cut all rows up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nncli.data.dataset import Origin
from nncli.data.draws import draw, fold
from nncli.data.splits import open_splits
from nncli.errors import DataError
from nncli.spec.config import Fold
from tests.data.files import Section, source

HERE = Origin("a.npz", "x")
LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(lambda labels: np.array(labels))


def test_quotas_are_kept_where_one_class_is_large() -> None:
    """Of 5 of 8 rows the class of five has 3.125: three or four. Taking the rows by (rank + ½) / size gave it two."""
    labels = np.array([0, 1, 2, 0, 0, 0, 3, 0])
    _, out = draw(8, 5, 3, "test", HERE, labels)
    assert np.bincount(labels[out], minlength=4)[0] in (3, 4)


@given(LABELS, st.data(), st.booleans())
def test_a_count_is_drawn(labels: np.ndarray, data: st.DataObject, stratified: bool) -> None:
    count = data.draw(st.integers(1, len(labels) - 1))
    stays, out = draw(len(labels), count, 3, "test", HERE, labels if stratified else None)
    assert len(out) == count
    assert sorted([*stays, *out]) == list(range(len(labels)))
    assert (np.diff(stays) > 0).all()
    assert (np.diff(out) > 0).all()
    if stratified:
        parts = np.bincount(labels[out], minlength=5) - count / len(labels) * np.bincount(labels, minlength=5)
        assert np.abs(parts).max() < 1


@given(LABELS, st.integers(2, 7), st.booleans())
def test_folds_cut_all_rows_up(labels: np.ndarray, of: int, stratified: bool) -> None:
    n = len(labels)
    if n < of:
        with pytest.raises(DataError, match=rf"^a\.npz: x: {n} samples cannot be cut into {of} folds$"):
            fold(n, 1, of, 0, HERE)
        return
    parts = [fold(n, number, of, 0, HERE, labels if stratified else None) for number in range(1, of + 1)]
    assert sorted(np.concatenate([out for _, out in parts])) == list(range(n))
    for stays, out in parts:
        assert sorted([*stays, *out]) == list(range(n))
        assert len(out) in (n // of, -(-n // of))
        if stratified:
            assert np.abs(np.bincount(labels[out], minlength=5) - np.bincount(labels, minlength=5) / of).max() < 1


def test_the_seed_decides() -> None:
    def drawn(seed: int, split: str) -> list[int]:
        return list(map(int, draw(50, 25, seed, split, HERE)[1]))

    assert drawn(0, "test") == drawn(0, "test") != drawn(1, "test")
    assert drawn(0, "validation") != drawn(0, "test")
    one = [tuple(fold(50, 1, 5, seed, HERE)[1]) for seed in (0, 0, 1)]
    assert one[0] == one[1] != one[2]


def test_a_fold_and_a_share_of_the_rest(tmp_path: Path) -> None:
    """The test source of the configuration is not opened: a fold takes its place."""
    np.savez(tmp_path / "a.npz", x=np.arange(40)[:, None], y=np.arange(40) % 2)
    made = source("npz", path="a.npz")
    held = []
    for number in (1, 2, 3, 4):
        section = Section(made, 0.2, source("npz", path="nowhere.npz"), Fold(number, 4), stratified=True)
        splits = open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"})
        assert splits.validation is not None
        assert splits.test is not None
        parts = [part.x[part.rows, 0] for part in (splits.train, splits.validation, splits.test)]
        assert [len(part) for part in parts] == [24, 6, 10]
        assert [int((part % 2 == 0).sum()) for part in parts] == [12, 3, 5]
        assert sorted(np.concatenate(parts)) == list(range(40))
        held.append(parts[2])
    assert sorted(np.concatenate(held)) == list(range(40))


def test_test_data_are_drawn_before_validation_data(tmp_path: Path) -> None:
    """So another share of validation data leaves the test data as they are."""
    np.savez(tmp_path / "a.npz", x=np.arange(40)[:, None], y=np.arange(40) % 2)
    rows = []
    for validation in (None, 0.5, 3):
        section = Section(source("npz", path="a.npz"), validation, 0.25)
        test = open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"}).test
        assert test is not None
        assert test.rows is not None
        rows.append(test.rows.tolist())
    assert rows[0] == rows[1] == rows[2]
    only = open_splits(section, base=tmp_path, seed=0, kinds={"y": "classes"}, only="test").test
    assert only is not None
    assert only.rows is not None
    assert only.rows.tolist() == rows[0]


def test_there_are_no_classes_of_values(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(40)[:, None], y=np.arange(40) / 2)
    section = Section(source("npz", path="a.npz"), 0.5, stratified=True)
    with pytest.raises(DataError) as caught:
        open_splits(section, base=tmp_path, seed=0, kinds={"y": "values"})
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: x: there are no classes to keep in proportion"
